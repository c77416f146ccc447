import type { Recording } from '../../../src/client/index.ts';
import { strings } from '../strings.ts';

/** A place in a recording to go to. */
export interface Mark {
  /** Seconds from the beginning of the file. */
  readonly atSeconds: number;
  readonly title: string;
}

/** Somebody speaks again after so short a silence: it is the same. */
const breathSeconds = 2;

/** What of a recording says where its chapters are. */
type Chaptered = Pick<Recording, 'startedAt' | 'endedAt' | 'gaps' | 'composition'> & {
  readonly tracks: readonly Pick<Recording['tracks'][number], 'userId' | 'source' | 'startedAt'>[];
  readonly consents: readonly Pick<Recording['consents'][number], 'userId' | 'displayName'>[];
};

/** The beginning, every shared screen and the end of every pause, by the time of the composed file. */
export function chaptersOf(recording: Chaptered): readonly Mark[] {
  const { startedAt, endedAt, gaps, tracks, consents, composition } = recording;
  if (startedAt === undefined) return [];
  const words = strings.recording.player;
  const begin = Date.parse(startedAt);
  const pauses = gaps.map((gap) => ({ from: Date.parse(gap.startedAt), to: Date.parse(gap.endedAt ?? endedAt ?? gap.startedAt) }));
  /** Pauses that were cut take no time. */
  const secondsAt = (at: number): number => {
    const cut = composition.gaps === 'show' ? 0 : pauses.reduce((sum, { from, to }) => sum + Math.max(0, Math.min(at, to) - from), 0);
    return Math.max(0, (at - begin - cut) / 1000);
  };
  const nameOf = (userId: string): string => consents.find((consent) => consent.userId === userId)?.displayName ?? userId;
  const marks = [
    { atSeconds: 0, title: words.beginning },
    ...tracks
      .filter(({ source }) => source === 'screen')
      .map(({ userId, startedAt: from }) => ({ atSeconds: secondsAt(Date.parse(from)), title: words.shares(nameOf(userId)) })),
    ...pauses
      .filter(({ to }) => endedAt === undefined || to < Date.parse(endedAt))
      .map(({ to }) => ({ atSeconds: secondsAt(to), title: words.resumed })),
  ];
  return marks.sort((a, b) => a.atSeconds - b.atSeconds);
}

/** Who speaks from when on, out of a WebVTT file (W3C WebVTT) as the server writes it; short pauses join. */
export function speakersOf(vtt: string): readonly Mark[] {
  const cues = [...vtt.matchAll(/^(\S+) --> (\S+).*\n<v [^>]*>(.*?)(?:<\/v>)?$/gm)].map(([, from = '', to = '', name = '']) => ({
    from: secondsOf(from),
    to: secondsOf(to),
    name: name.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&'),
  }));
  const marks: (Mark & { end: number })[] = [];
  for (const { from, to, name } of cues.sort((a, b) => a.from - b.from)) {
    const last = marks.findLast((mark) => mark.title === name);
    if (last !== undefined && from - last.end < breathSeconds && marks.at(-1) === last) last.end = Math.max(last.end, to);
    else marks.push({ atSeconds: from, title: name, end: to });
  }
  return marks.map(({ atSeconds, title }) => ({ atSeconds, title }));
}

/** `00:01:02.500` or `01:02.500`, in seconds. */
function secondsOf(time: string): number {
  return time.split(':').reduce((sum, part) => sum * 60 + Number(part), 0);
}

/** A place as a player shows it: `1:05`, `1:00:05`. */
export function clockText(seconds: number): string {
  const whole = Math.floor(seconds);
  const parts = [Math.floor((whole % 3600) / 60), whole % 60];
  if (whole >= 3600) parts.unshift(Math.floor(whole / 3600));
  return parts.map((part, index) => (index === 0 ? String(part) : String(part).padStart(2, '0'))).join(':');
}
