// Recording: what the live capture of a 720p30 picture (VP8, 1.5 Mbit/s) with its sound (Opus) costs, and how many are captured at once before a packet
// is lost. A film that is encoded beforehand is sent as RTP into a real media worker, and tapped as often as there are tracks. See README.md.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { version as mediasoupVersion, observer, type types } from 'mediasoup';
import { pino } from 'pino';
import { createFfmpeg, type Ffmpeg } from '../src/recording/ffmpeg.ts';
import { PartCapture } from '../src/recording/part-capture.ts';
import { TimelineFile } from '../src/recording/timeline-file.ts';
import { PortBlocks, portsPerTap } from '../src/sfu/port-blocks.ts';
import { RtpTap } from '../src/sfu/rtp-tap.ts';
import { WorkerPool } from '../src/sfu/worker-pool.ts';
import { cpuTimeNs } from './support/cpu-time.ts';
import { describeMachine } from './support/machine.ts';
import { formatTable } from './support/table.ts';

/** One window with so many people being recorded, each with picture and sound. */
interface Figures {
  people: number;
  elapsedNs: number;
  serverCpuNs: number;
  workerCpuNs: number;
  ffmpegCpuNs: number;
  missedPackets: number;
  bytes: number;
}

const { values: options } = parseArgs({
  options: { people: { type: 'string', default: '1,4,16,32,48' }, seconds: { type: 'string', default: '15' } },
});
const counts = options.people.split(',').map(Number);
const seconds = Number(options.seconds);
if (!counts.every((count) => Number.isInteger(count) && count > 0) || !(seconds > 0)) {
  console.error('usage: npm run bench -- recording [--people 1,4,16,32,48] [--seconds 15]');
  process.exit(1);
}

/** From here on the film is sent; taps take the ports behind. */
const senderPort = 21_900;

const log = pino({ level: 'error' });
const ffmpeg = await createFfmpeg({ log });
if (!ffmpeg.isAvailable) {
  console.error('there is no ffmpeg on the PATH');
  process.exit(1);
}
console.log(describeMachine([`mediasoup ${mediasoupVersion}`, `ffmpeg ${ffmpeg.version}`]));
const folder = mkdtempSync(path.join(tmpdir(), 'parley-bench-recording-'));
try {
  const film = await makeFilm(ffmpeg, folder);
  const all: Figures[] = [];
  for (const people of counts) all.push(await measure(ffmpeg, film, people));
  console.log(format(all));
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** Twenty seconds that are no easy work for the encoder, to be sent again and again. */
async function makeFilm(encoder: Ffmpeg, target: string): Promise<string> {
  const film = path.join(target, 'film.webm');
  const picture = [
    '-c:v',
    'libvpx',
    '-deadline',
    'realtime',
    '-cpu-used',
    '8',
    '-b:v',
    '1500k',
    '-minrate',
    '1500k',
    '-maxrate',
    '1500k',
    '-g',
    '60',
  ];
  await encoder.run({
    inputs: [
      { source: 'testsrc2=s=1280x720:r=30:d=20,noise=alls=12:allf=t', options: ['-f', 'lavfi'] },
      { source: 'sine=f=440:r=48000:d=20', options: ['-f', 'lavfi'] },
    ],
    outputs: [{ target: film, options: [...picture, '-c:a', 'libopus', '-b:a', '32k'] }],
  });
  return film;
}

async function measure(capturer: Ffmpeg, film: string, people: number): Promise<Figures> {
  let router: types.Router | undefined;
  const onWorker = (worker: types.Worker): void => void worker.observer.on('newrouter', (made) => (router = made));
  observer.on('newworker', onWorker);
  await using pool = await WorkerPool.create({ workerCount: 1, listenIp: '127.0.0.1', basePort: 0, log });
  await pool.createRoom();
  observer.off('newworker', onWorker);
  const workerPid = pool.workers()[0]?.pid;
  if (router === undefined || workerPid === undefined) throw new Error('no media worker');
  const producers = await Promise.all([produce(router, 'video'), produce(router, 'audio')]);
  const streams = producers.map(({ kind, port, rtcpPort }, index) => [
    '-map',
    kind === 'video' ? '0:v' : '0:a',
    '-c',
    'copy',
    '-payload_type',
    '101',
    '-ssrc',
    '1000',
    '-f',
    'rtp',
    `rtp://127.0.0.1:${port}?rtcpport=${rtcpPort}&localrtpport=${senderPort + 2 * index}&localrtcpport=${senderPort + 2 * index + 1}&pkt_size=1200`,
  ]);
  const sender = spawn('ffmpeg', ['-v', 'error', '-re', '-stream_loop', '-1', '-i', film, ...streams.flat()], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });

  const directory = mkdtempSync(path.join(folder, 'tracks-'));
  const timeline = new TimelineFile(directory, log);
  const ports = new PortBlocks({ basePort: 22_000, count: 2 * people * portsPerTap });
  const flowing: Promise<void>[] = [];
  const parts: PartCapture[] = [];
  for (let index = 0; index < people; index += 1) {
    for (const { producerId, kind } of producers) {
      const { promise, resolve } = Promise.withResolvers<void>();
      flowing.push(promise);
      const target = path.join(directory, `${kind}-${index}`);
      const made = router;
      const part = await PartCapture.start({
        room: { closedReason: undefined, openTap: (id, basePort) => RtpTap.open({ router: made, producerId: id, basePort }) },
        producerId,
        ports,
        ffmpeg: capturer,
        target,
        onFlow: () => resolve(),
        onMapping: (mapping) => timeline.write({ type: 'mapping', file: target, ...mapping }),
      });
      parts.push(part);
    }
  }
  await Promise.all(flowing);
  const pids = parts.flatMap(({ pid }) => pid ?? []);
  const cpuNs = (): number[] => [process.pid, workerPid].map(cpuTimeNs).concat(pids.reduce((sum, pid) => sum + cpuTimeNs(pid), 0));
  const startedAt = process.hrtime.bigint();
  const before = cpuNs();
  await delay(seconds * 1_000);
  const [server = 0, worker = 0, captured = 0] = cpuNs().map((ns, index) => ns - (before[index] ?? 0));
  const elapsedNs = Number(process.hrtime.bigint() - startedAt);
  await Promise.all(parts.map((part) => part.stop()));
  const ends = await Promise.all(parts.map(({ ended }) => ended));
  sender.kill('SIGKILL');
  await once(sender, 'exit');
  timeline.close();
  const bytes = parts.reduce((sum, { file }) => sum + statSync(path.join(directory, file)).size, 0);
  rmSync(directory, { recursive: true });
  const missedPackets = ends.reduce((sum, end) => sum + end.missedPackets + (end.reason === 'stopped' ? 0 : Number.POSITIVE_INFINITY), 0);
  return { people, elapsedNs, serverCpuNs: server, workerCpuNs: worker, ffmpegCpuNs: captured, missedPackets, bytes };
}

async function produce(
  router: types.Router,
  kind: 'audio' | 'video',
): Promise<{ producerId: string; kind: 'audio' | 'video'; port: number; rtcpPort: number }> {
  const transport = await router.createPlainTransport({ listenInfo: { protocol: 'udp', ip: '127.0.0.1' }, rtcpMux: false, comedia: true });
  const codec =
    kind === 'audio' ? { mimeType: 'audio/opus', clockRate: 48_000, channels: 2 } : { mimeType: 'video/VP8', clockRate: 90_000 };
  const rtpParameters = { codecs: [{ ...codec, payloadType: 101, parameters: {} }], encodings: [{ ssrc: 1_000 }], rtcp: { cname: 'film' } };
  const { id } = await transport.produce({ kind, rtpParameters });
  return { producerId: id, kind, port: transport.tuple.localPort, rtcpPort: transport.rtcpTuple?.localPort ?? 0 };
}

function format(all: readonly Figures[]): string {
  const ofCore = (of: (figures: Figures) => number) => (figures: Figures) => ((100 * of(figures)) / figures.elapsedNs).toFixed(2);
  const each = (of: (figures: Figures) => number) => ofCore((figures) => of(figures) / figures.people);
  return formatTable(
    [
      { heading: 'people', cell: ({ people }) => String(people) },
      { heading: 'server %', cell: ofCore(({ serverCpuNs }) => serverCpuNs) },
      { heading: 'worker %', cell: ofCore(({ workerCpuNs }) => workerCpuNs) },
      { heading: 'ffmpeg %', cell: ofCore(({ ffmpegCpuNs }) => ffmpegCpuNs) },
      { heading: 'each: server %', cell: each(({ serverCpuNs }) => serverCpuNs) },
      { heading: 'worker %', cell: each(({ workerCpuNs }) => workerCpuNs) },
      { heading: 'ffmpeg %', cell: each(({ ffmpegCpuNs }) => ffmpegCpuNs) },
      { heading: 'all %', cell: each(({ serverCpuNs, workerCpuNs, ffmpegCpuNs }) => serverCpuNs + workerCpuNs + ffmpegCpuNs) },
      { heading: 'lost packets', cell: ({ missedPackets }) => String(missedPackets) },
      { heading: 'Mbit/s each', cell: ({ bytes, people, elapsedNs }) => ((bytes * 8e3) / elapsedNs / people).toFixed(2) },
    ],
    all,
  );
}
