import jwt from 'jsonwebtoken';
import { startServerProcess } from '../support/server-process.ts';
import { TestClient } from '../support/test-client.ts';
import type { Clinic } from './consultation.ts';

/** A server in a process of its own that can be killed, as a consultation needs it. `env` must have `AUTH_SECRET`. */
export async function startClinicProcess(env: Record<string, string> & { AUTH_SECRET: string }) {
  const server = await startServerProcess(env);
  const clients: TestClient[] = [];
  const exp = Math.floor(Date.now() / 1000) + 3_600;
  const tokenFor: Clinic['tokenFor'] = (sub, role = 'provider') => jwt.sign({ sub, role, name: sub, exp }, env.AUTH_SECRET);
  const rest: Clinic['rest'] = async (method, where, { token, body } = {}) => {
    const answer = await fetch(new URL(`/api/v1/${where}`, server.url), {
      method,
      headers: {
        connection: 'close',
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    return { status: answer.status, headers: answer.headers, body: await answer.json() };
  };
  const clinic: Clinic = {
    url: server.url,
    tokenFor,
    rest,
    connect: async (userId, role) => {
      const client = await TestClient.connect(server.url, { token: tokenFor(userId, role) });
      clients.push(client);
      return client;
    },
    createRoom: async (body = {}, hostId = 'host') => (await rest('POST', 'rooms', { token: tokenFor(hostId), body })).body,
  };
  return {
    ...clinic,
    /** Ends it as a power cut would, and the clients of it. */
    async kill(): Promise<void> {
      await server.kill();
      for (const client of clients.splice(0)) await client.close();
    },
  };
}
