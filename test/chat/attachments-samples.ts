import { crc32 } from 'node:zlib';

const bytes = (...parts: (string | number[])[]) =>
  Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : Buffer.from(part))));
const utf16 = (text: string) => Buffer.from(text, 'utf16le');

/** A ZIP archive (APPNOTE.TXT 4.3) of entries that are not compressed. */
export function zip(entries: Record<string, string>): Buffer {
  const locals: Buffer[] = [];
  const central: Buffer[] = [];
  let offset = 0;
  for (const [name, text] of Object.entries(entries)) {
    const data = Buffer.from(text);
    const fields = Buffer.alloc(26);
    fields.writeUInt16LE(20, 0);
    fields.writeUInt32LE(crc32(data), 10);
    fields.writeUInt32LE(data.length, 14);
    fields.writeUInt32LE(data.length, 18);
    fields.writeUInt16LE(name.length, 22);
    const local = Buffer.concat([bytes('PK\x03\x04'), fields, Buffer.from(name), data]);
    const rest = Buffer.alloc(14);
    rest.writeUInt32LE(offset, 10);
    central.push(Buffer.concat([bytes('PK\x01\x02', [20, 0]), fields, rest, Buffer.from(name)]));
    locals.push(local);
    offset += local.length;
  }
  const directory = Buffer.concat(central);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 'latin1');
  end.writeUInt16LE(locals.length, 8);
  end.writeUInt16LE(locals.length, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...locals, directory, end]);
}

const openXml = (part: string, type: string) =>
  zip({
    '[Content_Types].xml': `<?xml version="1.0"?><Types><Override PartName="/${part}" ContentType="application/vnd.${type}.main+xml"/></Types>`,
    [part]: '<x/>',
  });
const openDocument = (type: string) => zip({ mimetype: `application/vnd.oasis.opendocument.${type}`, 'content.xml': '<x/>' });

/** A compound file's signature with what its directory names, far behind. */
const compoundFile = (...marks: Buffer[]) =>
  Buffer.concat([Buffer.from('d0cf11e0a1b11ae1', 'hex'), Buffer.alloc(150_000, 0xff), ...marks, Buffer.alloc(64)]);
const ebml = (docType: string, codecs: string) =>
  bytes(
    [0x1a, 0x45, 0xdf, 0xa3, 0x8f, 0x42, 0x82, 0x80 + docType.length],
    docType,
    [0x42, 0x87, 0x81, 4, 0x42, 0x85, 0x81, 2, 0x18, 0x53, 0x80, 0x67, 0xff],
    codecs,
    [0, 0, 0],
  );
const mp4 = (brand: string, handler: string) =>
  bytes([0, 0, 0, 20], 'ftyp', brand, [0, 0, 2, 0], brand, [0, 0, 0, 40], 'moovhdlr', [0, 0, 0, 0], handler, [0, 0, 0, 0]);

/** What is accepted: the bytes, and what they are. Pictures are tried elsewhere. */
export const acceptedSamples: Record<string, { bytes: Buffer; kind: string; mediaType: string; extension: string }> = {
  pdf: { bytes: bytes('%PDF-1.7\n%âãÏÓ\n1 0 obj'), kind: 'document', mediaType: 'application/pdf', extension: 'pdf' },
  rtf: { bytes: bytes('{\\rtf1\\ansi Hello}'), kind: 'document', mediaType: 'application/rtf', extension: 'rtf' },
  docx: {
    bytes: openXml('word/document.xml', 'openxmlformats-officedocument.wordprocessingml.document'),
    kind: 'document',
    mediaType: 'application/vnd.openxmlformats-officedocument.wordprocessingml.document',
    extension: 'docx',
  },
  xlsx: {
    bytes: openXml('xl/workbook.xml', 'openxmlformats-officedocument.spreadsheetml.sheet'),
    kind: 'document',
    mediaType: 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
    extension: 'xlsx',
  },
  pptx: {
    bytes: openXml('ppt/presentation.xml', 'openxmlformats-officedocument.presentationml.presentation'),
    kind: 'document',
    mediaType: 'application/vnd.openxmlformats-officedocument.presentationml.presentation',
    extension: 'pptx',
  },
  odt: { bytes: openDocument('text'), kind: 'document', mediaType: 'application/vnd.oasis.opendocument.text', extension: 'odt' },
  doc: { bytes: compoundFile(utf16('WordDocument')), kind: 'document', mediaType: 'application/msword', extension: 'doc' },
  xls: { bytes: compoundFile(utf16('Workbook')), kind: 'document', mediaType: 'application/vnd.ms-excel', extension: 'xls' },
  ppt: {
    bytes: compoundFile(utf16('PowerPoint Document')),
    kind: 'document',
    mediaType: 'application/vnd.ms-powerpoint',
    extension: 'ppt',
  },
  zip: { bytes: zip({ 'scan/1.dcm': 'x', 'readme.txt': 'y' }), kind: 'other', mediaType: 'application/zip', extension: 'zip' },
  dicom: {
    bytes: bytes(Array<number>(128).fill(0), 'DICM', [2, 0, 0, 0]),
    kind: 'other',
    mediaType: 'application/dicom',
    extension: 'dcm',
  },
  wav: { bytes: bytes('RIFF', [36, 0, 0, 0], 'WAVEfmt ', [16, 0, 0, 0]), kind: 'audio', mediaType: 'audio/wav', extension: 'wav' },
  flac: { bytes: bytes('fLaC', [0, 0, 0, 34, 0, 0]), kind: 'audio', mediaType: 'audio/flac', extension: 'flac' },
  ogg: { bytes: bytes('OggS', Array<number>(24).fill(0), 'OpusHead', [1, 2]), kind: 'audio', mediaType: 'audio/ogg', extension: 'ogg' },
  mp3: { bytes: bytes([0xff, 0xfb, 0x90, 0x64], Array<number>(100).fill(0)), kind: 'audio', mediaType: 'audio/mpeg', extension: 'mp3' },
  voiceNote: { bytes: ebml('webm', 'A_OPUS'), kind: 'audio', mediaType: 'audio/webm', extension: 'webm' },
  webm: { bytes: ebml('webm', 'A_OPUSV_VP8'), kind: 'video', mediaType: 'video/webm', extension: 'webm' },
  mp4: { bytes: mp4('isom', 'vide'), kind: 'video', mediaType: 'video/mp4', extension: 'mp4' },
  mp4Sound: { bytes: mp4('isom', 'soun'), kind: 'audio', mediaType: 'audio/mp4', extension: 'm4a' },
  quicktime: { bytes: mp4('qt  ', 'vide'), kind: 'video', mediaType: 'video/quicktime', extension: 'mov' },
  text: { bytes: Buffer.from('Đau đầu, sốt 38,5 °C\r\n'), kind: 'document', mediaType: 'text/plain', extension: 'txt' },
  textLikeBitmap: { bytes: Buffer.from('BMI 27,4\nMZ\n'), kind: 'document', mediaType: 'text/plain', extension: 'txt' },
  textLikeProgram: { bytes: Buffer.from('MZ is how a name begins'), kind: 'document', mediaType: 'text/plain', extension: 'txt' },
  textUtf16: {
    bytes: Buffer.concat([Buffer.from([0xff, 0xfe]), utf16('Đau đầu\r\n')]),
    kind: 'document',
    mediaType: 'text/plain',
    extension: 'txt',
  },
  textLatin1: { bytes: Buffer.from('Müller, Größe 1,80 m', 'latin1'), kind: 'document', mediaType: 'text/plain', extension: 'txt' },
  hl7: { bytes: bytes('\x0bMSH|^~\\&|LAB\rPID|1\r\x1c\r'), kind: 'document', mediaType: 'text/plain', extension: 'txt' },
  vcard: { bytes: Buffer.from('BEGIN:VCARD\r\nVERSION:4.0\r\nEND:VCARD\r\n'), kind: 'document', mediaType: 'text/vcard', extension: 'vcf' },
};

/** What is refused. */
export const refusedSamples: Record<string, Buffer> = {
  'Windows program': bytes('MZ', [0x90, 0, 3, 0, 0, 0]),
  'Linux program': bytes([0x7f], 'ELF', [2, 1, 1, 0]),
  'macOS program': Buffer.from('cffaedfe0700000103000000', 'hex'),
  'Java class': Buffer.from('cafebabe00000034', 'hex'),
  'Java archive': zip({ 'META-INF/MANIFEST.MF': 'Manifest-Version: 1.0\n', 'a.class': 'x' }),
  'Android package': zip({ 'AndroidManifest.xml': 'x', 'classes.dex': 'x' }),
  WebAssembly: bytes('\0asm', [1, 0, 0, 0]),
  'shell script': Buffer.from('#!/bin/sh\nrm -rf /\n'),
  'batch file': Buffer.from('@echo off\r\nformat c:\r\n'),
  PHP: Buffer.from('<?php system($_GET["x"]);'),
  HTML: Buffer.from('<!doctype html><script>alert(1)</script>'),
  'HTML after space': Buffer.from('\ufeff \n <HTML><body onload=alert(1)>'),
  'HTML in UTF-16': Buffer.concat([Buffer.from([0xff, 0xfe]), utf16('<html>')]),
  SVG: Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'),
  XML: Buffer.from('<?xml version="1.0"?><x/>'),
  'document with macros': openXml('word/document.xml', 'ms-word.document.macroEnabled'),
  'Windows installer': compoundFile(Buffer.from('84100c0000000000c000000000000046', 'hex'), utf16('WordDocument')),
  'other compound file': compoundFile(utf16('Something')),
  'DICOM that is a program too': bytes('MZ', Array<number>(126).fill(0), 'DICM', [2, 0, 0, 0]),
  Flash: bytes('CWS', [10, 0, 0, 0, 0, 0x78]),
  shortcut: bytes([0x4c, 0, 0, 0, 1, 0x14, 2, 0, 0, 0, 0, 0, 0xc0, 0, 0, 0, 0, 0, 0, 0x46]),
  'unknown bytes': Buffer.from([0x13, 0x37, 0, 1, 2, 3, 0xfa, 0xfb]),
  'text with a program behind': Buffer.concat([Buffer.from('text\n'.repeat(30_000)), Buffer.from([0, 1, 2, 3])]),
  'broken UTF-16': Buffer.concat([Buffer.from([0xff, 0xfe]), utf16('text'.repeat(40_000)), Buffer.from([0, 0xd8, 0x20, 0])]),
  'a PNG that ends after its signature': Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex'),
};
