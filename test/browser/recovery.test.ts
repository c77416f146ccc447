import assert from 'node:assert/strict';
import { test } from 'node:test';
import { launchChromium, readStats } from '../support/chromium.ts';
import { startTestApp } from '../support/test-app.ts';
import { waitFor } from '../support/wait-for.ts';
import { enter, framesGrow } from './visit.ts';

test('[WEB15] when the media worker is killed under a call, both pages say so and play again by themselves', async () => {
  await using app = await startTestApp();
  await using chromium = await launchChromium();
  const { roomId } = await app.createRoom();
  const host = await enter(app, chromium, roomId, 'host', 'provider');
  const guest = await enter(app, chromium, roomId, 'guest');
  await Promise.all([framesGrow(host, 1), framesGrow(guest, 1)]);

  const [worker] = app.app.workers.workers();
  assert.ok(worker?.pid, 'a worker runs');
  const isTold = host.page.getByText('Picture and sound were lost. Restoring them…').waitFor();
  process.kill(worker.pid, 'SIGKILL');
  await isTold;
  await host.page.getByText('Picture and sound are back').waitFor();
  await Promise.all([framesGrow(host), framesGrow(guest)]);
});

test('[WEB16] when the socket is cut, the page says so, the picture goes on, and nothing is negotiated anew', async () => {
  await using app = await startTestApp();
  await using chromium = await launchChromium();
  const { roomId } = await app.createRoom();
  const host = await enter(app, chromium, roomId, 'host', 'provider');
  const guest = await enter(app, chromium, roomId, 'guest');
  await Promise.all([framesGrow(host, 1), framesGrow(guest, 1)]);
  const transports = async () =>
    (await readStats(guest.page))
      .filter(({ type }) => type === 'transport')
      .map(({ dtlsState, localCertificateId }) => [dtlsState, localCertificateId]);
  const before = await transports();

  const session = app.app.sockets.sessions.find(({ identity }) => identity.userId === 'guest');
  const socket = [...app.app.sockets.io.sockets.sockets.values()].find(({ rooms }) => rooms.has(`session:${session?.sessionId}`));
  assert.ok(socket, 'the guest has a socket');
  const isTold = guest.page.getByText(/Reconnecting/).waitFor();
  socket.conn.close();
  await isTold;
  await framesGrow(guest);
  await guest.page.getByText(/Reconnecting/).waitFor({ state: 'detached' });
  await waitFor('the session to have its socket again', () => session?.isConnected === true);
  await Promise.all([framesGrow(host), framesGrow(guest)]);
  assert.deepEqual(await transports(), before);
});
