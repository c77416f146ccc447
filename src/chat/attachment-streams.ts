import { AppError } from '../protocol/errors.ts';
import { type FileKind, hasControls } from './attachment-kind.ts';

type Bytes = AsyncIterable<Buffer>;

/** Passes at most `limit` bytes (0: any number). Errors: `protocol.too_large`. */
export async function* limited(source: Bytes, limit: number): AsyncGenerator<Buffer, void> {
  let bytes = 0;
  for await (const piece of source) {
    bytes += piece.length;
    if (limit > 0 && bytes > limit)
      throw new AppError('protocol.too_large', { message: 'The file is too large.', details: { limitBytes: limit } });
    yield piece;
  }
}

/** A stream whose beginning was looked at. */
export interface Peeked {
  readonly head: Buffer;
  /** All bytes, the head's included. */
  readonly whole: AsyncGenerator<Buffer, void>;
  /** Ends the source when `whole` is not read. */
  end(): Promise<void>;
}

/** Looks at the first `length` bytes (fewer when there are no more). */
export async function peek(source: Bytes, length: number): Promise<Peeked> {
  const iterator = source[Symbol.asyncIterator]();
  const pieces: Buffer[] = [];
  let held = 0;
  while (held < length) {
    const next = await iterator.next();
    if (next.done) break;
    pieces.push(next.value);
    held += next.value.length;
  }
  const end = async () => {
    await iterator.return?.();
  };
  async function* whole() {
    try {
      yield* pieces;
      for (let next = await iterator.next(); !next.done; next = await iterator.next()) yield next.value;
    } finally {
      await end();
    }
  }
  return { head: Buffer.concat(pieces).subarray(0, length), whole: whole(), end };
}

/** All bytes in one buffer. */
export async function gather(source: Bytes): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of source) pieces.push(piece);
  return Buffer.concat(pieces);
}

/** Passes text to its end. Errors: `chat.unsupported_file` as soon as something comes that no text has. */
export async function* onlyText(source: Bytes, treatment: FileKind['treatment']): AsyncGenerator<Buffer, void> {
  const decoder =
    treatment === 'text' ? undefined : new TextDecoder(treatment === 'text_utf16le' ? 'utf-16le' : 'utf-16be', { fatal: true });
  for await (const piece of source) {
    if (decoder ? hasControls(Buffer.from(decodeOrRefuse(decoder, piece))) : hasControls(piece))
      throw new AppError('chat.unsupported_file');
    yield piece;
  }
  if (decoder) decodeOrRefuse(decoder);
}

function decodeOrRefuse(decoder: TextDecoder, piece?: Buffer): string {
  try {
    return decoder.decode(piece, { stream: piece !== undefined });
  } catch (cause) {
    throw new AppError('chat.unsupported_file', { cause });
  }
}

const utf16 = (text: string) => Buffer.from(text, 'utf16le');
/** Names of the streams that make a compound file ([MS-CFB]) a document: [MS-DOC] 2.1.1, [MS-XLS] 2.1.7.20, [MS-PPT] 2.1.2. */
const documents: readonly { mark: Buffer; mediaType: string; extension: string }[] = [
  { mark: utf16('WordDocument'), mediaType: 'application/msword', extension: 'doc' },
  { mark: utf16('Workbook'), mediaType: 'application/vnd.ms-excel', extension: 'xls' },
  { mark: utf16('PowerPoint Document'), mediaType: 'application/vnd.ms-powerpoint', extension: 'ppt' },
];
/** The class of Windows Installer's packages and patches, which are compound files too. */
const installers = ['84100c0000000000c000000000000046', '86100c0000000000c000000000000046'].map((hex) => Buffer.from(hex, 'hex'));
const longestMark = Math.max(...documents.map(({ mark }) => mark.length));

/**
 * Passes a compound file and tells at its end which document it was: the directory that says so may lie anywhere in it.
 * Errors: `chat.unsupported_file` at the end, for installers and for what is no document.
 */
export function watchCompoundFile(source: Bytes): { bytes: AsyncGenerator<Buffer, void>; found: () => FileKind } {
  const seen = new Set<Buffer>();
  let kind: FileKind | undefined;
  async function* bytes() {
    let tail = Buffer.alloc(0);
    for await (const piece of source) {
      const text = Buffer.concat([tail, piece]);
      for (const mark of [...installers, ...documents.map((document) => document.mark)]) if (text.includes(mark)) seen.add(mark);
      tail = Buffer.from(text.subarray(-longestMark));
      yield piece;
    }
    const document = documents.find(({ mark }) => seen.has(mark));
    if (!document || installers.some((mark) => seen.has(mark))) throw new AppError('chat.unsupported_file');
    kind = { kind: 'document', mediaType: document.mediaType, extensions: [document.extension], treatment: 'compound_file' };
  }
  return {
    bytes: bytes(),
    found: () => {
      if (!kind) throw new Error('the file was not read to its end');
      return kind;
    },
  };
}
