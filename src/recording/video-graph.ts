import { canvas } from './arrangement.ts';
import { clockExpression, frameRate, type Knot, seconds } from './composition-clock.ts';
import { oneLine } from './composition-notes.ts';
import type { Tile } from './layout.ts';

/** The writing of a composite; every text lies in a file, so that nobody's name is read as a filter. */
export interface Writing {
  readonly fontFile: string;
  /** The file with a text, made when it is asked for. */
  textFile(text: string): string;
}

/** Where ffmpeg finds a tile's picture. */
export interface PictureSource {
  readonly input: number;
  readonly knots: readonly Knot[];
  /** By the file's time; what comes before is not shown, though decoding begins earlier. */
  readonly sinceFileMs: number;
}

/** A stretch to be drawn. */
export interface SegmentPicture {
  readonly tiles: readonly (Tile & { readonly source?: PictureSource })[];
  /** The moment by the server's clock that is the stretch's own zero. */
  readonly zeroAtMs: number;
  /** For a stretch in which the recording was paused. */
  readonly card?: string;
  /** Drawn onto pictures; tiles without a picture have the name in any case. */
  readonly withNames: boolean;
  /** Wall clock of this zone in the upper right corner. */
  readonly timeZone?: string;
}

const background = '0x14181d';
/** Plain colours of tiles without a picture; white writing is read well on each. */
const plainColours = ['0x2f5d73', '0x6b4c7a', '0x3f6b4f', '0x8a5a3c', '0x4a5a8c', '0x7a4a52', '0x4f6670', '0x6a6338'];

/**
 * The filter graph of a stretch, whose picture is `[out]`. Each tile is a still of its colour and initials, over which the track's picture lies once
 * there is one: a track that begins late or has nothing shows the name. Pictures may change their size at any frame.
 */
export function segmentGraph({ tiles, zeroAtMs, card, withNames, timeZone }: SegmentPicture, writing: Writing | undefined): string {
  const chains: string[] = [];
  for (const [index, tile] of tiles.entries()) {
    const { w, h, source } = tile;
    const colour = source ? background : plainColours[hash(tile.userId) % plainColours.length]!;
    chains.push(`${still(w, h, colour, nameTexts(tile, writing))}[still${index}]`);
    if (!source) {
      chains.push(`[still${index}]null[tile${index}]`);
      continue;
    }
    const shape = tile.isCut ? 'increase' : 'decrease';
    // Evaluated for every frame: a sender changes its resolution whenever it likes.
    const scaled = `scale=w=${w}:h=${h}:force_original_aspect_ratio=${shape}:eval=frame:flags=bilinear,setsar=1,format=yuva420p`;
    chains.push(
      `[${source.input}:v:0]select='gte(t,${seconds(source.sinceFileMs)})',setpts='(${clockExpression(source.knots, zeroAtMs)})/TB',${scaled}[picture${index}]`,
    );
    const label = withNames && writing ? `,${labelText(tile, writing)}` : '';
    chains.push(`[still${index}][picture${index}]overlay=x='(W-w)/2':y='(H-h)/2':eval=frame:format=yuv420${label}[tile${index}]`);
  }
  const clock = timeZone !== undefined && writing ? `,${clockText(zeroAtMs, timeZone, writing)}` : '';
  const end = `setsar=1,format=yuv420p${clock}[out]`;
  const pad = (x: number, y: number) => `pad=${canvas.w}:${canvas.h}:${x}:${y}:color=${background}`;
  const [only] = tiles;
  if (!only)
    chains.push(`${still(canvas.w, canvas.h, background, card === undefined || !writing ? [] : [cardText(card, writing)])},${end}`);
  else if (tiles.length === 1) chains.push(`[tile0]${pad(only.x, only.y)},${end}`);
  else {
    const places = tiles.map(({ x, y }) => `${x}_${y}`).join('|');
    const inputs = tiles.map((_, index) => `[tile${index}]`).join('');
    chains.push(`${inputs}xstack=inputs=${tiles.length}:layout=${places}:fill=${background},${pad(0, 0)},${end}`);
  }
  return chains.join(';');
}

/** One drawn frame that stands still for ever. */
function still(w: number, h: number, colour: string, texts: readonly string[]): string {
  const drawn = ['format=yuv420p', ...texts].join(',');
  return `color=c=${colour}:s=${w}x${h}:r=${frameRate},trim=end_frame=1,${drawn},loop=loop=-1:size=1:start=0,setpts=N/(${frameRate}*TB)`;
}

function nameTexts(tile: Tile, writing: Writing | undefined): string[] {
  if (!writing) return [];
  const large = Math.round(tile.h * 0.3);
  const small = Math.max(10, Math.round(tile.h * 0.07));
  return [
    text(writing, initialsOf(oneLine(tile.label)), large, 'x=(w-text_w)/2:y=(h-text_h)/2-h*0.06'),
    text(writing, fitting(oneLine(tile.label), tile.w, small), small, 'x=(w-text_w)/2:y=h*0.76-text_h/2'),
  ];
}

function labelText(tile: Tile, writing: Writing): string {
  const size = Math.max(10, Math.min(22, Math.round(tile.h * 0.055)));
  const margin = Math.round(size * 0.9);
  const box = `box=1:boxcolor=black@0.55:boxborderw=${Math.round(size / 3)}`;
  return text(writing, fitting(oneLine(tile.label), tile.w, size), size, `x=${margin}:y=h-${margin}-ascent:${box}`);
}

const cardText = (card: string, writing: Writing) => text(writing, card, 56, 'x=(w-text_w)/2:y=(h-text_h)/2');

function clockText(zeroAtMs: number, timeZone: string, writing: Writing): string {
  const name = zoneName(zeroAtMs, timeZone);
  const [, sign = '+', hours = '0', minutes = '0'] = /GMT([+-])(\d\d):(\d\d)/.exec(name) ?? [];
  const offsetMs = Number(`${sign}1`) * (Number(hours) * 60 + Number(minutes)) * 60_000;
  const file = writing.textFile(`%{pts:gmtime:${((zeroAtMs + offsetMs) / 1_000).toFixed(3)}} ${name}`);
  const place = 'x=w-text_w-16:y=14:box=1:boxcolor=black@0.55:boxborderw=6';
  return `drawtext=fontfile=${escapeValue(writing.fontFile)}:textfile=${escapeValue(file)}:fontsize=18:fontcolor=white:${place}`;
}

/** Such as `GMT+02:00`. */
function zoneName(atMs: number, timeZone: string): string {
  const parts = new Intl.DateTimeFormat('en', { timeZone, timeZoneName: 'longOffset' }).formatToParts(atMs);
  return parts.find(({ type }) => type === 'timeZoneName')?.value ?? 'GMT';
}

function text(writing: Writing, content: string, size: number, rest: string): string {
  const file = escapeValue(writing.textFile(content));
  return `drawtext=fontfile=${escapeValue(writing.fontFile)}:textfile=${file}:expansion=none:fontsize=${size}:fontcolor=white:${rest}`;
}

/** A value inside a filter graph, which is read twice: as an option's value and as a part of the graph. */
export function escapeValue(value: string): string {
  return value.replace(/[\\':]/g, '\\$&').replace(/[\\'[\],;]/g, '\\$&');
}

const letters = new Intl.Segmenter('en', { granularity: 'grapheme' });
const graphemes = (some: string) => [...letters.segment(some)].map(({ segment }) => segment);

/** The first letters of the first and the last word that begin with one. */
export function initialsOf(name: string): string {
  const words = name.split(/[\s-]+/u).filter((word) => /^[\p{L}\p{N}]/u.test(word));
  const ends = words.length > 1 ? [words[0]!, words.at(-1)!] : words;
  return ends.map((word) => graphemes(word)[0]?.toLocaleUpperCase() ?? '').join('') || '?';
}

/** As much of a text as fits, taking a letter for six tenths as broad as high. */
function fitting(content: string, width: number, size: number): string {
  const most = Math.max(1, Math.floor((width * 0.9) / (size * 0.6)));
  const some = graphemes(content);
  return some.length <= most ? content : `${some.slice(0, most - 1).join('')}…`;
}

function hash(value: string): number {
  let sum = 0;
  for (const letter of value) sum = (sum * 31 + letter.codePointAt(0)!) >>> 0;
  return sum;
}
