import { fileTypeFromBuffer } from 'file-type';
import type { AttachmentKind } from '../protocol/chat.ts';

/** What a file is, by its bytes. */
export interface FileKind {
  readonly kind: AttachmentKind;
  readonly mediaType: string;
  /** The extensions it may go by, the usual one first. */
  readonly extensions: readonly [string, ...string[]];
  /** How the rest of the bytes is treated: as they are, decoded and encoded anew, or looked through to the end. */
  readonly treatment: 'as_is' | 'image' | 'text' | 'text_utf16le' | 'text_utf16be' | 'compound_file';
}

/** Bytes that are looked at to tell the kind. */
export const headBytes = 64 * 1024;

type Row = readonly [
  mediaType: string,
  kind: AttachmentKind,
  extensions: readonly [string, ...string[]],
  treatment?: FileKind['treatment'],
];
const openXml = 'application/vnd.openxmlformats-officedocument';
const openDocument = 'application/vnd.oasis.opendocument';

/** All that is accepted. What is not here is refused: programs, scripts, pages, drawings with scripts, macros, disk images, fonts, … */
const accepted: readonly Row[] = [
  ...['png', 'apng', 'jpeg', 'gif', 'webp', 'avif', 'heic', 'heif'].map((format): Row => [`image/${format}`, 'image', [format], 'image']),
  ['audio/mpeg', 'audio', ['mp3']],
  ['audio/mp4', 'audio', ['m4a', 'mp4']],
  ['audio/x-m4a', 'audio', ['m4a']],
  ['audio/aac', 'audio', ['aac']],
  ['audio/ogg', 'audio', ['ogg', 'oga', 'opus']],
  ['audio/wav', 'audio', ['wav']],
  ['audio/flac', 'audio', ['flac']],
  ['audio/amr', 'audio', ['amr']],
  ['audio/webm', 'audio', ['webm', 'weba']],
  ['video/mp4', 'video', ['mp4', 'm4v']],
  ['video/x-m4v', 'video', ['m4v', 'mp4']],
  ['video/quicktime', 'video', ['mov', 'qt']],
  ['video/webm', 'video', ['webm']],
  ['video/matroska', 'video', ['mkv']],
  ['video/ogg', 'video', ['ogv', 'ogg']],
  ['video/3gpp', 'video', ['3gp']],
  ['video/3gpp2', 'video', ['3g2']],
  ['video/mpeg', 'video', ['mpg', 'mpeg']],
  ['video/vnd.avi', 'video', ['avi']],
  ['application/pdf', 'document', ['pdf']],
  ['application/rtf', 'document', ['rtf']],
  [`${openXml}.wordprocessingml.document`, 'document', ['docx']],
  [`${openXml}.spreadsheetml.sheet`, 'document', ['xlsx']],
  [`${openXml}.presentationml.presentation`, 'document', ['pptx']],
  [`${openDocument}.text`, 'document', ['odt']],
  [`${openDocument}.spreadsheet`, 'document', ['ods']],
  [`${openDocument}.presentation`, 'document', ['odp']],
  ['application/x-cfb', 'document', ['doc'], 'compound_file'],
  ['text/vcard', 'document', ['vcf'], 'text'],
  ['text/calendar', 'document', ['ics'], 'text'],
  ['text/vtt', 'document', ['vtt'], 'text'],
  ['application/dicom', 'other', ['dcm', 'dicom']],
  ['application/zip', 'other', ['zip']],
];
const byMediaType = new Map(
  accepted.map(([mediaType, kind, extensions, treatment = 'as_is']): [string, FileKind] => [
    mediaType,
    { kind, mediaType, extensions, treatment },
  ]),
);

/** Formats whose files may consist of printable characters alone; everything else that does so is text, whatever its first letters are. */
const writtenFormats =
  /^(application\/(pdf|rtf|xml|postscript|eps|pgp-encrypted|x-ms-regedit|x-mie)|text\/(vcard|calendar|vtt)|model\/stl|image\/.*(svg|x-eps).*)$/;

/** Kinds of text by the name's extension: they say the same of the bytes. */
const textExtensions = ['txt', 'log', 'md', 'json', 'hl7', 'tsv'] as const;

/**
 * Tells what a file is by its first {@link headBytes} bytes; the name only tells one text from another. undefined: nothing that is accepted, or nothing
 * that can be told.
 */
export async function sniffKind(head: Buffer, name: string): Promise<FileKind | undefined> {
  const found = await fileTypeFromBuffer(head).catch(() => undefined);
  const text = textTreatment(head);
  if (text && !(found && writtenFormats.test(found.mime))) return isActive(head) ? undefined : textKind(name, text);
  return found && byMediaType.get(withoutPicture(found.mime.split(';')[0] ?? '', head));
}

function textKind(name: string, treatment: FileKind['treatment']): FileKind {
  if (/\.csv$/i.test(name)) return { kind: 'document', mediaType: 'text/csv', extensions: ['csv'], treatment };
  return { kind: 'document', mediaType: 'text/plain', extensions: textExtensions, treatment };
}

/** Bytes that no text has: control characters but for tab, line ends, form feed, escape and the separators of laboratory messages (HL7, ASTM). */
export function hasControls(bytes: Buffer): boolean {
  for (const byte of bytes) {
    if (byte < 0x20 && (byte < 0x09 || (byte > 0x0d && byte < 0x1b))) return true;
  }
  return false;
}

function textTreatment(head: Buffer): FileKind['treatment'] | undefined {
  if (head.length >= 2 && head[0] === 0xff && head[1] === 0xfe) return 'text_utf16le';
  if (head.length >= 2 && head[0] === 0xfe && head[1] === 0xff) return 'text_utf16be';
  if (hasControls(head)) return undefined;
  return isUtf8(head) || isMostlyAscii(head) ? 'text' : undefined;
}

function isUtf8(head: Buffer): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(head, { stream: true });
    return true;
  } catch {
    return false;
  }
}

/** Texts in the encodings of before Unicode: letters of the alphabet mostly, with others between. */
function isMostlyAscii(head: Buffer): boolean {
  return head.filter((byte) => byte < 0x80).length * 2 >= head.length;
}

/** Text that something would run or render: scripts by their first line, pages and XML (SVG) by their first character. */
function isActive(head: Buffer): boolean {
  const encoding = head[0] === 0xff && head[1] === 0xfe ? 'utf-16le' : head[0] === 0xfe && head[1] === 0xff ? 'utf-16be' : 'utf-8';
  const start = new TextDecoder(encoding).decode(head.subarray(0, 4_096)).trimStart();
  return /^(#!|<[a-z!?/%]|@echo\b|@?setlocal\b|javascript:)/i.test(start);
}

/** Voice notes come in the containers of video: without a picture's track they are sound. */
function withoutPicture(mediaType: string, head: Buffer): string {
  if (mediaType === 'video/webm' && /A_(OPUS|VORBIS)/.test(head.toString('latin1')) && !head.includes('V_')) return 'audio/webm';
  if (mediaType === 'video/mp4' && head.includes('soun') && !head.includes('vide')) return 'audio/mp4';
  return mediaType;
}
