import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { pino } from 'pino';
import { foldTimeline } from '../../src/recording/fold-timeline.ts';
import { MappingThinner } from '../../src/recording/mapping-thinner.ts';
import type { TimelineEvent } from '../../src/recording/timeline-event.ts';
import { eraseFromTimeline, readTimeline, TimelineFile } from '../../src/recording/timeline-file.ts';
import { clockAt } from './lips.ts';

const log = pino({ enabled: false });
const t0 = 1_795_180_800_000;

/** Writes files into a folder of its own. */
async function inFolder(files: Record<string, string>, check: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(path.join(tmpdir(), 'parley-timeline-'));
  try {
    for (const [name, text] of Object.entries(files)) writeFileSync(path.join(folder, name), text);
    await check(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const track: TimelineEvent[] = [
  { atMs: t0, type: 'begun', recordingId: 'r' },
  { atMs: t0 + 10, type: 'entered', userId: 'a', displayName: 'Anna' },
  { atMs: t0 + 20, type: 'track', trackId: 'c', userId: 'a', source: 'camera', kind: 'video', codec: 'video/VP8' },
  { atMs: t0 + 30, type: 'part', trackId: 'c', file: 'c-1.webm', clockRate: 90_000 },
  { atMs: t0 + 90, type: 'flowing', file: 'c-1.webm', rtpTime: 4_294_967_000 },
];

test('[CAP12] a timeline that was cut off in the middle of a line tells all that went before', async () => {
  const text = track.map((event) => `${JSON.stringify(event)}\n`).join('');
  await inFolder({ 'timeline.jsonl': `${text}{"atMs":1795180`, 'c-1.webm': 'x' }, async (folder) => {
    const writtenAtMs = t0 + 60_000;
    utimesSync(path.join(folder, 'c-1.webm'), writtenAtMs / 1_000, writtenAtMs / 1_000);
    const timeline = await readTimeline(folder);
    assert.equal(timeline.recordingId, 'r');
    const [part] = timeline.tracks[0]!.parts;
    assert.deepEqual(part, { file: 'c-1.webm', fromMs: t0 + 90, toMs: writtenAtMs, anchors: [{ fileMs: 0, atMs: t0 + 90 }], pauses: [] });
    assert.deepEqual([timeline.fromMs, timeline.toMs], [t0, writtenAtMs]);
    assert.deepEqual(timeline.presences, [{ userId: 'a', fromMs: t0 + 10, toMs: writtenAtMs }]);
    // Whoever goes on writing begins a line of their own.
    const file = new TimelineFile(folder, log);
    file.write({ type: 'left', userId: 'a', atMs: t0 + 70_000 });
    file.write({ type: 'ended', atMs: t0 + 80_000 });
    file.close();
    file.write({ type: 'left', userId: 'b' });
    const longer = await readTimeline(folder);
    assert.deepEqual(longer.presences, [{ userId: 'a', fromMs: t0 + 10, toMs: t0 + 70_000 }]);
    assert.equal(longer.toMs, t0 + 80_000);
    await eraseFromTimeline(folder, 'a', log);
    const erased = await readTimeline(folder);
    assert.deepEqual([erased.people, erased.presences, erased.tracks], [[], [], []]);
  });
});

test('[CAP12] a part whose file is gone or empty, or that never flowed, is none; lines that nobody knows are passed over', async () => {
  const rest: object[] = [
    { atMs: t0, type: 'part', trackId: 'c', file: 'c-2.webm', clockRate: 90_000 },
    { atMs: t0, type: 'part', trackId: 'c', file: 'c-3.webm', clockRate: 90_000 },
    { atMs: t0, type: 'flowing', file: 'c-3.webm', rtpTime: 5 },
    { atMs: t0, type: 'part', trackId: 'c', file: 'c-4.webm', clockRate: 90_000 },
    { atMs: t0, type: 'whatever' },
    { type: 'left', userId: 'a' },
  ];
  const text = [...track, ...rest].map((event) => `${JSON.stringify(event)}\n`).join('');
  await inFolder({ 'timeline.jsonl': text, 'c-3.webm': '', 'c-4.webm': 'x' }, async (folder) => {
    const { tracks, people } = await readTimeline(folder);
    assert.deepEqual(tracks, []);
    assert.equal(people.length, 1);
  });
  await assert.rejects(
    inFolder({}, async (folder) => void (await readTimeline(folder))),
    { code: 'ENOENT' },
  );
});

test('[CAP12] pauses, gaps and who speaks become stretches and moments', () => {
  const timeline = foldTimeline(
    [
      ...track,
      { atMs: t0 + 1_000, type: 'speaking', userId: 'a' },
      { atMs: t0 + 2_000, type: 'muted', file: 'c-1.webm' },
      { atMs: t0 + 3_000, type: 'unmuted', file: 'c-1.webm' },
      { atMs: t0 + 4_000, type: 'muted', file: 'c-1.webm' },
      { atMs: t0 + 5_000, type: 'paused' },
      { atMs: t0 + 5_100, type: 'partEnded', file: 'c-1.webm', reason: 'stopped', isEmpty: false, missedPackets: 0 },
      { atMs: t0 + 6_000, type: 'resumed' },
      { atMs: t0 + 7_000, type: 'paused' },
      { atMs: t0 + 8_000, type: 'ended' },
    ],
    new Map([['c-1.webm', t0 + 5_080]]),
  );
  assert.deepEqual(timeline.gaps, [
    { fromMs: t0 + 5_000, toMs: t0 + 6_000 },
    { fromMs: t0 + 7_000, toMs: t0 + 8_000 },
  ]);
  assert.deepEqual(timeline.tracks[0]!.parts[0]!.pauses, [
    { fromMs: t0 + 2_000, toMs: t0 + 3_000 },
    { fromMs: t0 + 4_000, toMs: t0 + 5_100 },
  ]);
  assert.deepEqual(timeline.speakers, [{ atMs: t0 + 1_000, userId: 'a' }]);
});

test('[CAP11] clocks that run off by a thousandth, wrap and leap stay in step for an hour', () => {
  const hourMs = 3_600_000;
  const clocks = [
    { file: 'picture', clockRate: 90_000, pace: 1, start: 4_294_900_000 },
    { file: 'sound', clockRate: 48_000, pace: 1.001, start: 77 },
  ];
  const leapAtMs = hourMs / 2;
  /** What a track's file time is when something is captured: a sound card that stalls for two seconds loses them. */
  const fileMsOf = (file: string, passedMs: number, pace: number): number =>
    passedMs * pace - (file === 'sound' && passedMs >= leapAtMs ? 2_000 : 0);
  const events: TimelineEvent[] = [{ atMs: t0, type: 'begun', recordingId: 'r' }];
  for (const { file, clockRate, pace, start } of clocks) {
    events.push({ atMs: t0, type: 'track', trackId: file, userId: 'a', source: 'camera', kind: 'video', codec: 'video/VP8' });
    events.push({ atMs: t0, type: 'part', trackId: file, file, clockRate });
    events.push({ atMs: t0 + 150, type: 'flowing', file, rtpTime: start });
    const thinner = new MappingThinner(clockRate);
    for (let passedMs = 300; passedMs < hourMs; passedMs += 1_200) {
      const noiseMs = ((passedMs / 300) % 5) - 2;
      const rtpTime = (start + Math.round((fileMsOf(file, passedMs, pace) * clockRate) / 1_000)) % 2 ** 32;
      const mapping = { rtpTime, atMs: t0 + passedMs + noiseMs };
      if (thinner.isNews(mapping)) events.push({ type: 'mapping', file, ...mapping });
    }
  }
  const writtenAtMs = new Map(clocks.map(({ file }) => [file, t0 + hourMs] as const));
  const timeline = foldTimeline(events, writtenAtMs);
  for (const { file, pace } of clocks) {
    const part = timeline.tracks.find(({ trackId }) => trackId === file)!.parts[0]!;
    assert.ok(part.anchors.length < 900, `few anchors: ${part.anchors.length}`);
    for (let passedMs = 0; passedMs < hourMs - 5_000; passedMs += 7_001) {
      if (Math.abs(passedMs - leapAtMs) < 5_000) continue;
      const offMs = Math.abs(clockAt(part, fileMsOf(file, passedMs, pace)) - (t0 + passedMs));
      assert.ok(offMs < 20, `${file} is off by ${offMs} ms after ${passedMs} ms`);
    }
  }
});
