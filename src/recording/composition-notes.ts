import type { CompositionClock } from './composition-clock.ts';
import { presencesByUser } from './layout.ts';
import { intersect } from './stretches.ts';
import type { Timeline } from './timeline.ts';

/** Something that happened, for whoever looks for it in the player. */
export interface Chapter {
  readonly fromMs: number;
  readonly toMs: number;
  readonly title: string;
}

/** What happens within so short a time shares a chapter. */
const chapterMs = 1_000;

/** Chapters by the finished file's time, without a break from its beginning to its end. */
export function chaptersOf(timeline: Timeline, clock: CompositionClock, gaps: 'cut' | 'show'): Chapter[] {
  const nameOf = namesOf(timeline);
  const events: { atMs: number; title: string }[] = [{ atMs: timeline.fromMs, title: 'Beginning' }];
  for (const [userId, stretches] of presencesByUser(timeline)) {
    for (const { fromMs, toMs } of stretches) {
      events.push({ atMs: fromMs, title: `${nameOf(userId)} joined` });
      if (toMs < timeline.toMs) events.push({ atMs: toMs, title: `${nameOf(userId)} left` });
    }
    const screens = timeline.tracks.filter((track) => track.userId === userId && track.kind === 'video' && track.source === 'screen');
    for (const { parts } of screens) {
      const shared = intersect([{ fromMs: parts[0]?.fromMs ?? 0, toMs: parts.at(-1)?.toMs ?? 0 }], stretches);
      for (const { fromMs, toMs } of shared) {
        events.push({ atMs: fromMs, title: `${nameOf(userId)} shares the screen` });
        if (toMs < timeline.toMs) events.push({ atMs: toMs, title: `${nameOf(userId)} stops sharing` });
      }
    }
  }
  for (const { fromMs, toMs } of timeline.gaps) {
    if (gaps === 'show') events.push({ atMs: fromMs, title: 'Paused' });
    events.push({ atMs: toMs, title: `Resumed after ${durationText(toMs - fromMs)}` });
  }
  const placed = events
    .filter(({ atMs }) => atMs >= timeline.fromMs && atMs < timeline.toMs)
    .map(({ atMs, title }) => ({ atMs, fromMs: Math.round(clock.outputMs(atMs)), title }))
    .sort((a, b) => a.fromMs - b.fromMs || a.atMs - b.atMs);
  const groups: { fromMs: number; titles: string[] }[] = [];
  for (const { fromMs, title } of placed) {
    const last = groups.at(-1);
    if (last && fromMs - last.fromMs < chapterMs) last.titles.push(title);
    else groups.push({ fromMs, titles: [title] });
  }
  return groups.map(({ fromMs, titles }, index) => ({
    fromMs,
    toMs: groups[index + 1]?.fromMs ?? Math.round(clock.totalMs),
    // What happened at the very beginning says it as well.
    title: (titles.length > 1 && titles[0] === 'Beginning' ? titles.slice(1) : titles).join(', '),
  }));
}

/** Chapters as ffmpeg reads them (`ffmetadata`). */
export function chapterFile(chapters: readonly Chapter[]): string {
  const texts = chapters.map(({ fromMs, toMs, title }) => {
    const escaped = oneLine(title).replace(/[=;#\\]/g, '\\$&');
    return `[CHAPTER]\nTIMEBASE=1/1000\nSTART=${fromMs}\nEND=${toMs}\ntitle=${escaped}\n`;
  });
  return [';FFMETADATA1\n', ...texts].join('');
}

/** Who speaks when, as WebVTT (W3C) with a voice tag a cue. Only people who are recorded are named. */
export function speakersFile(timeline: Timeline, clock: CompositionClock): string {
  const nameOf = namesOf(timeline);
  const presences = presencesByUser(timeline);
  const cues = timeline.speakers.flatMap(({ atMs, userId }, index) => {
    const spoken = { fromMs: atMs, toMs: timeline.speakers[index + 1]?.atMs ?? timeline.toMs };
    const heard = userId === null ? [] : intersect([spoken], presences.get(userId) ?? []);
    return heard.map(({ fromMs, toMs }) => ({
      fromMs: Math.round(clock.outputMs(fromMs)),
      toMs: Math.round(clock.outputMs(toMs)),
      name: escapeCue(nameOf(userId ?? '')),
    }));
  });
  const texts = cues
    .filter(({ fromMs, toMs }) => toMs > fromMs)
    .map(({ fromMs, toMs, name }) => `${cueTime(fromMs)} --> ${cueTime(toMs)}\n<v ${name}>${name}</v>\n`);
  return ['WEBVTT\n', ...texts].join('\n');
}

/** A text of one line, without what a reader cannot see. */
export function oneLine(text: string): string {
  return text
    .replace(/\p{C}+/gu, (some) => (/[\p{Cc}]/u.test(some) ? ' ' : ''))
    .replace(/\s+/gu, ' ')
    .trim();
}

function namesOf({ people }: Timeline): (userId: string) => string {
  const names = new Map(people.map(({ userId, displayName }) => [userId, oneLine(displayName)]));
  return (userId) => names.get(userId) || userId;
}

const escapeCue = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

function cueTime(ms: number): string {
  const digits = (value: number, count = 2) => String(Math.floor(value)).padStart(count, '0');
  return `${digits(ms / 3_600_000)}:${digits((ms / 60_000) % 60)}:${digits((ms / 1_000) % 60)}.${digits(ms % 1_000, 3)}`;
}

function durationText(ms: number): string {
  const total = Math.round(ms / 1_000);
  const [hours, minutes, rest] = [Math.floor(total / 3_600), Math.floor(total / 60) % 60, total % 60];
  if (hours > 0) return `${hours} h ${minutes} min`;
  return minutes > 0 ? `${minutes} min ${rest} s` : `${rest} s`;
}
