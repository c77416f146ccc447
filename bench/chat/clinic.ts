import { randomBytes } from 'node:crypto';
import jwt from 'jsonwebtoken';
import { z } from 'zod';
import type { Role } from '../../src/protocol/ids.ts';
import { ServerProcess } from '../support/server-process.ts';
import { LightSocket } from './light-socket.ts';

/** Sign-ins under way at once, as when many browsers come back to a server that was started again. */
const signInsAtOnce = 64;

const createdGroup = z.object({ conversationId: z.uuid() });

/** Somebody who is signed in. */
export interface Person {
  readonly userId: string;
  readonly token: string;
  readonly socket: LightSocket;
}

/** The whole server with an empty database of its own, and people in it. No limit of theirs holds. */
export class Clinic implements AsyncDisposable {
  readonly server: ServerProcess;
  readonly #secret: string;
  readonly #people: Person[] = [];
  #count = 0;

  static async open(core: number | undefined): Promise<Clinic> {
    const secret = randomBytes(32).toString('hex');
    const server = await ServerProcess.start(core, {
      AUTH_SECRET: secret,
      HOST: '127.0.0.1',
      MEDIA_LISTEN_IP: '127.0.0.1',
      MEDIA_WORKERS: '1',
      ACCESS_POLICY: 'open',
      LIMIT_MESSAGES_PER_MINUTE: '0',
    });
    return new Clinic(server, secret);
  }

  private constructor(server: ServerProcess, secret: string) {
    this.server = server;
    this.#secret = secret;
  }

  /** Signs new people in and connects a socket for each. */
  async admit(count: number, role: Role = 'provider'): Promise<Person[]> {
    const admitted: Person[] = [];
    let left = count;
    const admitInTurn = async (): Promise<void> => {
      while (left > 0) {
        left -= 1;
        const userId = `member-${this.#count++}`;
        const token = this.#tokenFor(userId, role);
        admitted.push({ userId, token, socket: await LightSocket.open(this.server.url, token) });
      }
    };
    await Promise.all(Array.from({ length: signInsAtOnce }, admitInTurn));
    this.#people.push(...admitted);
    return admitted;
  }

  /** A group conversation of these people, the first of them its owner; answers its id. */
  async gather([owner, ...others]: readonly Person[]): Promise<string> {
    if (owner === undefined) throw new Error('a group needs somebody');
    const group = { name: 'Ward', memberIds: others.map(({ userId }) => userId) };
    return createdGroup.parse(await this.server.post('/api/v1/conversations/group', group, owner.token)).conversationId;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { socket } of this.#people) socket.close();
    await this.server[Symbol.asyncDispose]();
  }

  #tokenFor(sub: string, role: Role): string {
    return jwt.sign({ sub, name: `Name of ${sub}`, role }, this.#secret, { algorithm: 'HS256', expiresIn: '1h' });
  }
}
