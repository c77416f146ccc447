// Ringing: the time from `call:initiate` to `call:incoming` at the callee's device, with many others online; and from `call:accept` to the first
// decoded frame of the other side, both entering the call's room and sending a camera. See README.md for what the columns mean.
import { parseArgs } from 'node:util';
import { version as mediasoupVersion } from 'mediasoup';
import { io, type Socket } from 'socket.io-client';
import type { NoticePayload } from '../src/protocol/index.ts';
import { TestClient } from '../test/support/test-client.ts';
import { receiveCapabilities } from '../test/support/webrtc-client.ts';
import { describeCores, moveToCore, planCores } from './support/cores.ts';
import { describeMachine } from './support/machine.ts';
import { percentile } from './support/percentiles.ts';
import { ServerProcess } from './support/server-process.ts';
import { formatTable } from './support/table.ts';

const { values: options } = parseArgs({
  options: {
    online: { type: 'string', default: '1000' },
    rings: { type: 'string', default: '500' },
    calls: { type: 'string', default: '20' },
  },
});
const [online, rings, calls] = [Number(options.online), Number(options.rings), Number(options.calls)];
if (!(online >= 2 && rings > 0 && calls > 0)) {
  console.error('usage: npm run bench -- calls [--online 1000] [--rings 500] [--calls 20]');
  process.exit(1);
}

const cores = planCores();
console.log(describeMachine([`mediasoup ${mediasoupVersion}`]));
console.log(describeCores(cores));
moveToCore(cores.load);
console.log(await measureAll());
// The native WebRTC stack does not survive the ordinary end of a Node process.
process.exit(0);

async function measureAll(): Promise<string> {
  await using server = await ServerProcess.start(cores.server, { ACCESS_POLICY: 'open' });
  const bystanders = await connectMany(server, online - 2);
  const ringMs = await measureRings(server);
  const frameMs: number[] = [];
  for (let index = 0; index < calls; index++) frameMs.push(await measureCall(server));
  for (const socket of bystanders) socket.close();
  const rows = [
    { name: `call:initiate → call:incoming, ${rings} rings, ${online} users online`, values: ringMs },
    { name: `call:accept → first decoded frame, ${calls} calls`, values: frameMs },
  ];
  const figure = (values: readonly number[], fraction: number): string => percentile(values, fraction).toFixed(1);
  return formatTable(
    [
      { heading: 'from → to', cell: ({ name }) => name, align: 'left' },
      { heading: 'p50 ms', cell: ({ values }) => figure(values, 0.5) },
      { heading: 'p95 ms', cell: ({ values }) => figure(values, 0.95) },
      { heading: 'p99 ms', cell: ({ values }) => figure(values, 0.99) },
      { heading: 'slowest ms', cell: ({ values }) => figure(values, 1) },
    ],
    rows,
  );
}

async function connectMany(server: ServerProcess, count: number): Promise<Socket[]> {
  const sockets: Socket[] = [];
  for (let done = 0; done < count; done += 50) {
    const batch = Array.from({ length: Math.min(50, count - done) }, async (_, index) => {
      const token = await server.signIn(`Bystander ${done + index}`, index % 2 === 0 ? 'patient' : 'provider');
      const socket = io(server.url, { auth: { token }, transports: ['websocket'], forceNew: true, reconnection: false });
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      socket.once('session:ready', () => resolve());
      socket.once('connect_error', reject);
      await promise;
      return socket;
    });
    sockets.push(...(await Promise.all(batch)));
  }
  return sockets;
}

async function pair(server: ServerProcess) {
  const doctor = await TestClient.connect(server.url, { token: await server.signIn('Doctor', 'provider') });
  const patient = await TestClient.connect(server.url, { token: await server.signIn('Patient', 'patient') });
  return { doctor, patient, patientId: patient.ready.userId };
}

async function measureRings(server: ServerProcess): Promise<number[]> {
  const { doctor, patient, patientId } = await pair(server);
  const values: number[] = [];
  for (let index = 0; index < rings; index++) {
    const { promise, resolve } = Promise.withResolvers<number>();
    patient.socket.once('call:incoming', (_notice: NoticePayload<'call:incoming'>) => resolve(performance.now()));
    const startedAt = performance.now();
    const answer = doctor.request('call:initiate', { calleeIds: [patientId], type: 'video' });
    values.push((await promise) - startedAt);
    await doctor.request('call:cancel', { callId: (await answer).callId });
  }
  await doctor.close();
  await patient.close();
  return values;
}

async function measureCall(server: ServerProcess): Promise<number> {
  const { doctor, patient, patientId } = await pair(server);
  const { callId, roomId } = await doctor.request('call:initiate', { calleeIds: [patientId], type: 'video' });
  if (roomId === null) throw new Error('the call has no room');
  // The caller waits in the room, as the page does.
  const caller = await doctor.joinWithMedia(roomId);
  await caller.media.publishVideo('camera', { width: 640, height: 360 });
  const rtpCapabilities = await receiveCapabilities(caller.snapshot.rtpCapabilities);
  await patient.notice('call:incoming');

  const startedAt = performance.now();
  await patient.request('call:accept', { callId });
  const snapshot = await patient.join(roomId, { rtpCapabilities });
  const media = await patient.startMedia(snapshot);
  const [consumer] = snapshot.consumers ?? [];
  if (!consumer) throw new Error('the caller sends nothing');
  const subscription = await media.subscribe(consumer.producerId, consumer);
  const firstFrame = subscription.frames(1).then(() => performance.now() - startedAt);
  await subscription.resume();
  const elapsed = await firstFrame;
  await patient.request('call:end', { callId });
  await doctor.close();
  await patient.close();
  return elapsed;
}
