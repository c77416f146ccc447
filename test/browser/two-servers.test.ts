import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { test } from 'node:test';
import jwt from 'jsonwebtoken';
import { launchChromium } from '../support/chromium.ts';
import { startRedis } from '../support/redis-server.ts';
import { type ServerProcess, startServerProcess } from '../support/server-process.ts';
import { createTestDatabase } from '../support/test-database.ts';
import { ring, ringing, ringSettings, talk, talks, visitContacts } from './ring.ts';
import { framesGrow, nameOf, press } from './visit.ts';

const secret = 'a secret that both servers of this journey have in common';

function tokenFor(sub: string, role = 'provider'): string {
  return jwt.sign({ sub, role, name: nameOf(sub), exp: Math.floor(Date.now() / 1000) + 3600 }, secret);
}

/** Two servers in processes of their own, which share a database and Redis. */
async function startServers() {
  await using parts = new AsyncDisposableStack();
  const database = parts.use(await createTestDatabase());
  const redis = parts.use(await startRedis());
  const env = {
    ...ringSettings,
    DATABASE_URL: database.url,
    REDIS_URL: redis.url,
    AUTH_SECRET: secret,
    ENCRYPTION_KEYS: `k:${Buffer.alloc(32, 3).toString('base64')}`,
  };
  const servers: ServerProcess[] = [];
  for (let index = 0; index < 2; index += 1) servers.push(parts.use(await startServerProcess(env)));
  const chromium = parts.use(await launchChromium());
  const all = parts.move();
  const at = (server: ServerProcess | undefined) => ({ url: server?.url ?? '', tokenFor });
  return { a: at(servers[0]), b: at(servers[1]), servers, chromium, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

test('[WEB39] with a server each, two people ring, accept, talk, chat, hang up and read it in the history', async () => {
  await using two = await startServers();
  const { a, b, chromium } = two;
  const ann = await visitContacts(b, chromium, 'ann', 'patient');
  const doctor = await visitContacts(a, chromium, 'doctor', 'provider');
  await ring(doctor, 'ann');
  await ringing(ann, 'doctor').getByRole('button', { name: 'Accept', exact: true }).click();
  await Promise.all([talks(doctor), talks(ann)]);
  await Promise.all([framesGrow(doctor), framesGrow(ann)]);

  await press(ann, 'Chat');
  await ann.page.getByRole('textbox', { name: 'Message', exact: true }).fill('Can you hear me?');
  await ann.page.keyboard.press('Enter');
  await press(doctor, 'Chat');
  await doctor.page.getByText('Can you hear me?').waitFor();

  await press(doctor, 'Hang up');
  await doctor.page.getByText(/Video call, Name of ann\. It lasted \d+ s\. You hung up\./).waitFor();
  await ann.page.getByText(/Video call, Name of doctor\. It lasted \d+ s\. Name of doctor hung up\./).waitFor();
  for (const [person, other] of [
    [doctor, 'ann'],
    [ann, 'doctor'],
  ] as const) {
    await press(person, 'Call history');
    const row = person.page.getByRole('list', { name: 'Calls' }).getByRole('listitem').first();
    await row.getByText(nameOf(other), { exact: true }).waitFor();
  }
  assert.deepEqual([...ann.faults, ...doctor.faults], []);
});

test('[WEB39] behind one address a call whose server is killed goes on at the other one, with nothing pressed by anybody', async () => {
  await using two = await startServers();
  const { servers, chromium } = two;
  await using balancer = await startBalancer(servers);
  const at = { url: balancer.url, tokenFor };
  const ann = await visitContacts(at, chromium, 'ann', 'patient');
  const doctor = await visitContacts(at, chromium, 'doctor', 'provider');
  await talk(doctor, ann, { caller: 'doctor', callee: 'ann' });
  await Promise.all([framesGrow(doctor), framesGrow(ann)]);
  await servers[0]?.kill();
  // More than can still be on its way from the dead one.
  await Promise.all([framesGrow(doctor, 150, 45_000), framesGrow(ann, 150, 45_000)]);
  await press(doctor, 'Hang up');
  await ann.page.getByText(/Name of doctor hung up\./).waitFor();
});

/** One address before several servers: each connection goes to the first one that takes it. */
async function startBalancer(servers: readonly ServerProcess[]): Promise<{ url: string; [Symbol.asyncDispose](): Promise<void> }> {
  const sockets = new Set<Socket>();
  const balancer = createServer((client) => {
    sockets.add(client);
    client.on('error', () => client.destroy());
    client.on('close', () => sockets.delete(client));
    const tryNext = ([server, ...others]: readonly ServerProcess[]): void => {
      if (!server) return void client.destroy();
      const upstream = connect(Number(new URL(server.url).port), '127.0.0.1');
      let isThrough = false;
      upstream.once('connect', () => {
        isThrough = true;
        client.pipe(upstream).pipe(client);
      });
      upstream.on('error', () => (isThrough ? client.destroy() : tryNext(others)));
      upstream.on('close', () => isThrough && client.destroy());
      client.on('close', () => upstream.destroy());
    };
    tryNext(servers);
  }).listen(0, '127.0.0.1');
  await once(balancer, 'listening');
  const { port } = balancer.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      balancer.close();
      for (const socket of sockets) socket.destroy();
      await once(balancer, 'close');
    },
  };
}
