import { createECDH, randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingHttpHeaders } from 'node:http';
import { Agent, createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { decrypt } from 'http_ece';
import type { PushMessage, PushSubscriptionBody } from '../../src/protocol/notification.ts';
import { makeSelfSigned } from '../support/self-signed.ts';
import { waitFor } from '../support/wait-for.ts';

/** What a push service was asked for. */
export interface Delivery {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** A browser that takes pushes. */
export interface Browser {
  readonly subscription: PushSubscriptionBody;
  /** Everything that was pushed to it until now, decrypted. */
  pushes(): PushMessage[];
  /** The next push that fits, already taken or still to come. */
  next(fits?: (message: PushMessage) => boolean): Promise<PushMessage>;
}

/** A push service of one's own over HTTPS, with browsers that decrypt what comes. */
export async function startPushService() {
  const deliveries: Delivery[] = [];
  let answer: (delivery: Delivery) => number = () => 201;
  let connections = 0;
  const server = createServer(makeSelfSigned(), (request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const delivery = { path: request.url ?? '', headers: request.headers, body: Buffer.concat(chunks) };
      deliveries.push(delivery);
      const status = answer(delivery);
      response.writeHead(status, status >= 300 && status < 400 ? { location: `${url}/elsewhere` } : {}).end('x'.repeat(100_000));
    });
  });
  server.on('connection', () => {
    connections += 1;
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;

  return {
    url,
    deliveries,
    connections: () => connections,
    /** What it answers from now on. */
    setAnswer: (next: typeof answer) => {
      answer = next;
    },
    /** Reaches it, whatever its address and certificate. */
    outlet: { agent: new Agent({ rejectUnauthorized: false }), isRefused: async () => false },

    openBrowser(): Browser {
      const keys = createECDH('prime256v1');
      keys.generateKeys();
      const authSecret = randomBytes(16).toString('base64url');
      const path = `/push/${randomUUID()}`;
      const pushes = () =>
        deliveries
          .filter((delivery) => delivery.path === path)
          .map(({ body }) => JSON.parse(decrypt(body, { version: 'aes128gcm', privateKey: keys, authSecret }).toString()) as PushMessage);
      return {
        subscription: { endpoint: `${url}${path}`, keys: { p256dh: keys.getPublicKey('base64url'), auth: authSecret } },
        pushes,
        async next(fits = () => true) {
          await waitFor('a push', () => pushes().some(fits));
          const found = pushes().find(fits);
          if (!found) throw new Error('a push that came is gone');
          return found;
        },
      };
    },

    async [Symbol.asyncDispose](): Promise<void> {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
export type PushService = Awaited<ReturnType<typeof startPushService>>;
