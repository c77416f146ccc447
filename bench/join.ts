// Joining: the time from `room:join` to the first decoded frame of somebody else's camera. One real WebRTC client (libwebrtc in Node) after the
// other joins a room of the whole server in which a camera and a microphone are being sent. See README.md for what the columns mean.
import { parseArgs } from 'node:util';
import { version as mediasoupVersion } from 'mediasoup';
import type { RtpCapabilities } from '../src/protocol/media.ts';
import { TestClient } from '../test/support/test-client.ts';
import { receiveCapabilities } from '../test/support/webrtc-client.ts';
import { describeCores, moveToCore, planCores } from './support/cores.ts';
import { describeMachine } from './support/machine.ts';
import { percentile } from './support/percentiles.ts';
import { ServerProcess } from './support/server-process.ts';
import { formatTable } from './support/table.ts';

/** Moments of one join, milliseconds after `room:join` was sent. */
interface Join {
  answered: number;
  connected: number;
  firstFrame: number;
}

const { values: options } = parseArgs({
  options: { joins: { type: 'string', default: '20' }, pause: { type: 'string', default: '1000' } },
});
const joinCount = Number(options.joins);
const pauseMs = Number(options.pause);
if (!(joinCount > 0 && pauseMs >= 0)) {
  console.error('usage: npm run bench -- join [--joins 20] [--pause milliseconds between two joins]');
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
  await using server = await ServerProcess.start(cores.server);
  const hostToken = await server.signIn('Host', 'provider');
  const roomId = await server.createRoom(hostToken);
  const host = await TestClient.connect(server.url, { token: hostToken });
  const { snapshot, media } = await host.joinWithMedia(roomId);
  await media.publishVideo('camera', { width: 640, height: 360 });
  await media.publishAudio('microphone');
  const rtpCapabilities = await receiveCapabilities(snapshot.rtpCapabilities);

  const joins: Join[] = [];
  for (let index = 0; index < joinCount; index++) {
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
    joins.push(await measureJoin(server, roomId, rtpCapabilities));
  }
  await host.close();
  return formatJoins(joins);
}

async function measureJoin(server: ServerProcess, roomId: string, rtpCapabilities: RtpCapabilities): Promise<Join> {
  const guest = await TestClient.connect(server.url, { token: await server.signIn('Guest', 'patient') });
  const startedAt = performance.now();
  const elapsed = (): number => performance.now() - startedAt;
  const snapshot = await guest.join(roomId, { rtpCapabilities });
  const answered = elapsed();

  const media = await guest.startMedia(snapshot);
  const transport = await media.transport('recv');
  const connected = Promise.withResolvers<number>();
  transport.on('connectionstatechange', (state) => {
    if (state === 'connected') connected.resolve(elapsed());
  });
  const firstFrame = Promise.withResolvers<number>();
  await Promise.all(
    (snapshot.consumers ?? []).map(async (consumer) => {
      const subscription = await media.subscribe(consumer.producerId, consumer);
      if (consumer.kind === 'video') subscription.frames(1).then(() => firstFrame.resolve(elapsed()), firstFrame.reject);
      await subscription.resume();
    }),
  );
  const join = { answered, connected: await connected.promise, firstFrame: await firstFrame.promise };
  await guest.request('room:leave', {});
  await guest.close();
  return join;
}

function formatJoins(joins: readonly Join[]): string {
  const rows: { name: string; of: (join: Join) => number }[] = [
    { name: 'answer to room:join', of: (join) => join.answered },
    { name: 'ICE and DTLS connected', of: (join) => join.connected },
    { name: 'first decoded frame', of: (join) => join.firstFrame },
  ];
  const figure = (of: (join: Join) => number, fraction: number): string => percentile(joins.map(of), fraction).toFixed(0);
  return formatTable(
    [
      { heading: `until, of ${joins.length} joins`, cell: ({ name }) => name, align: 'left' },
      { heading: 'p50 ms', cell: ({ of }) => figure(of, 0.5) },
      { heading: 'p95 ms', cell: ({ of }) => figure(of, 0.95) },
      { heading: 'slowest ms', cell: ({ of }) => figure(of, 1) },
    ],
    rows,
  );
}
