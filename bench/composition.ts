// Composition: how long a recording's composite takes against how long the recording is. The tracks are made beforehand: 1280x720 at 30 frames a second in
// VP8 with moving content and noise, as a camera has it, at 1.5 Mbps with a key frame every four seconds, and a tone in Opus for each person.
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { createLog } from '../src/log.ts';
import { composeRecording } from '../src/recording/compose.ts';
import { createFfmpeg } from '../src/recording/ffmpeg.ts';
import type { LayoutName } from '../src/recording/layout.ts';
import type { RecordedTrack, Timeline } from '../src/recording/timeline.ts';
import { endedChildrenCpuTimeNs } from './support/cpu-time.ts';
import { describeMachine } from './support/machine.ts';
import { formatTable } from './support/table.ts';

const { values: options } = parseArgs({
  options: {
    people: { type: 'string', default: '2,4' },
    layouts: { type: 'string', default: 'grid,speaker' },
    seconds: { type: 'string', default: '120' },
    quick: { type: 'boolean', default: false },
  },
});
const seconds = options.quick ? 20 : Number(options.seconds);
const sizes = options.people.split(',').map(Number);
const layouts = options.layouts.split(',').map(layoutNamed);
if (!(seconds >= 10 && sizes.every((size) => size >= 1 && size <= 16))) {
  console.error('usage: npm run bench -- composition [--people 2,4] [--layouts grid,speaker,sideBySide,screen] [--seconds 120] [--quick]');
  process.exit(1);
}

const log = createLog('warn');
const ffmpeg = await createFfmpeg({ log });
if (!ffmpeg.isAvailable) throw new Error('ffmpeg is not available');
const folder = await mkdtemp(path.join(tmpdir(), 'parley-bench-'));
/** Of the moving picture, which is repeated. */
const clipSeconds = 10;

interface Row {
  people: number;
  layout: LayoutName;
  wallSeconds: number;
  cpuSeconds: number;
  megabytes: number;
}

try {
  console.log(describeMachine([`ffmpeg ${ffmpeg.version}`]));
  console.log(`Cores: all ${availableParallelism()}, with low priority (nice 10): other programs go first`);
  await makeTracks(Math.max(...sizes));
  const rows: Row[] = [];
  for (const people of sizes) for (const layout of layouts) rows.push(await measure(people, layout));
  console.log(
    formatTable(
      [
        { heading: 'people', cell: ({ people }) => String(people) },
        { heading: 'layout', cell: ({ layout }) => layout, align: 'left' },
        { heading: 'recording s', cell: () => String(seconds) },
        { heading: 'composing s', cell: ({ wallSeconds }) => wallSeconds.toFixed(1) },
        { heading: 'times real time', cell: ({ wallSeconds }) => (seconds / wallSeconds).toFixed(2) },
        { heading: 'CPU s', cell: ({ cpuSeconds }) => cpuSeconds.toFixed(1) },
        { heading: 'CPU s a minute', cell: ({ cpuSeconds }) => ((cpuSeconds * 60) / seconds).toFixed(1) },
        { heading: 'MB', cell: ({ megabytes }) => megabytes.toFixed(1) },
      ],
      rows,
    ),
  );
} finally {
  await rm(folder, { recursive: true, force: true });
}

async function makeTracks(people: number): Promise<void> {
  for (let person = 0; person < people; person++) {
    const clip = path.join(folder, `clip-${person}.webm`);
    await ffmpeg.run({
      inputs: [{ source: `testsrc2=s=1280x720:r=30:d=${clipSeconds},hue=h=${person * 80},noise=alls=8:allf=t`, options: ['-f', 'lavfi'] }],
      outputs: [
        {
          target: clip,
          options: ['-c:v', 'libvpx', '-deadline', 'realtime', '-cpu-used', '8', '-b:v', '1500k', '-g', '120', '-pix_fmt', 'yuv420p'],
        },
      ],
    });
    const list = path.join(folder, 'list.txt');
    await writeFile(list, `file ${path.basename(clip)}\n`.repeat(Math.ceil(seconds / clipSeconds)));
    await ffmpeg.run({
      inputs: [{ source: list, options: ['-f', 'concat', '-safe', '0'] }],
      outputs: [
        { target: path.join(folder, `camera-${person}.webm`), options: ['-c', 'copy', '-t', String(seconds), '-f', 'webm', '-live', '1'] },
      ],
    });
    await ffmpeg.run({
      inputs: [{ source: `sine=f=${300 + person * 150}:d=${seconds}`, options: ['-f', 'lavfi'] }],
      outputs: [
        { target: path.join(folder, `microphone-${person}.webm`), options: ['-c:a', 'libopus', '-b:a', '32k', '-f', 'webm', '-live', '1'] },
      ],
    });
  }
}

async function measure(people: number, layout: LayoutName): Promise<Row> {
  const [cpuBefore, before] = [endedChildrenCpuTimeNs(), performance.now()];
  const outputFolder = path.join(folder, 'finished');
  await composeRecording(ffmpeg, log, { timeline: timelineOf(people), folder, outputFolder, layout, withNames: true });
  return {
    people,
    layout,
    wallSeconds: (performance.now() - before) / 1_000,
    cpuSeconds: (endedChildrenCpuTimeNs() - cpuBefore) / 1e9,
    megabytes: (await stat(path.join(outputFolder, 'composite.mp4'))).size / 1e6,
  };
}

/** Everybody is there all the time; who speaks changes every eight seconds. */
function timelineOf(people: number): Timeline {
  const fromMs = Date.parse('2026-03-02T09:30:00.000Z');
  const toMs = fromMs + seconds * 1_000;
  const users = Array.from({ length: people }, (_, person) => `user-${person}`);
  const track = (userId: string, source: 'camera' | 'microphone', person: number): RecordedTrack => ({
    trackId: `${userId}-${source}`,
    userId,
    source,
    kind: source === 'camera' ? 'video' : 'audio',
    codec: source === 'camera' ? 'video/VP8' : 'audio/opus',
    parts: [{ file: `${source}-${person}.webm`, fromMs, toMs, anchors: [{ fileMs: 0, atMs: fromMs }], pauses: [] }],
  });
  return {
    recordingId: 'bench',
    fromMs,
    toMs,
    people: users.map((userId) => ({ userId, displayName: userId })),
    presences: users.map((userId) => ({ userId, fromMs, toMs })),
    gaps: [],
    speakers: Array.from({ length: Math.ceil(seconds / 8) }, (_, turn) => ({ atMs: fromMs + turn * 8_000, userId: users[turn % people]! })),
    tracks: users.flatMap((userId, person) => [track(userId, 'camera', person), track(userId, 'microphone', person)]),
  };
}

function layoutNamed(name: string): LayoutName {
  const known: LayoutName[] = ['grid', 'speaker', 'sideBySide', 'screen'];
  const found = known.find((layout) => layout === name);
  if (!found) throw new Error(`there is no layout ${name}`);
  return found;
}
