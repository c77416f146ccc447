import assert from 'node:assert/strict';
import { test } from 'node:test';
import sharp from 'sharp';
import { safeFileName } from '../../src/chat/attachment-name.ts';
import { startFiles } from './attachments-fixture.ts';
import { acceptedSamples, refusedSamples } from './attachments-samples.ts';

test('[AT10] a file is what its bytes say: kind, media type and extension', async () => {
  await using files = await startFiles({ LIMIT_FILES_PER_HOUR: '0' });
  for (const [name, { bytes, kind, mediaType, extension }] of Object.entries(acceptedSamples)) {
    const file = await files.upload('doctor', bytes, `a ${name}.exe`);
    const { attachmentId, ...shown } = file;
    assert.deepEqual(shown, { name: `a ${name}.${extension}`, kind, mediaType, bytes: bytes.length, hasThumbnail: false }, name);
    const { body, headers } = await files.content('doctor', { attachmentId });
    assert.ok(body.equals(bytes), name);
    assert.equal(headers.get('content-type'), mediaType, name);
  }
});

test('[AT11] programs, scripts, pages, macros and what cannot be told are refused, whatever their name, and nothing is left', async () => {
  await using files = await startFiles({ LIMIT_FILES_PER_HOUR: '0' });
  for (const [what, bytes] of Object.entries(refusedSamples)) {
    const { status, body } = await files.post('doctor', ['file', bytes, 'photo.png']);
    assert.equal(status, 415, `${what}: ${JSON.stringify(body)}`);
    assert.equal(body.error.code, 'chat.unsupported_file', what);
  }
  assert.deepEqual(files.blobs(), []);
  assert.deepEqual(await files.rows(), { attachments: 0, sweeps: 0 });
});

test('[AT12] a disguised file is treated as what its bytes say', async () => {
  await using files = await startFiles();
  const png = await sharp({ create: { width: 4, height: 3, channels: 3, background: 'red' } })
    .png()
    .toBuffer();
  const picture = await files.upload('doctor', png, 'setup.exe');
  assert.deepEqual([picture.name, picture.kind, picture.mediaType], ['setup.png', 'image', 'image/png']);
  const script = await files.upload('doctor', 'alert(1)', 'run.js');
  assert.deepEqual([script.name, script.mediaType], ['run.txt', 'text/plain']);
  const table = await files.upload('doctor', 'a,b\n1,2\n', 'values.CSV');
  assert.deepEqual([table.name, table.mediaType], ['values.csv', 'text/csv']);
});

test('[AT13] names are made safe', () => {
  const txt = ['txt', 'log'] as const;
  const table: [given: string, safe: string][] = [
    ['report.txt', 'report.txt'],
    ['report.LOG', 'report.log'],
    ['report', 'report.txt'],
    ['report.exe', 'report.txt'],
    ['report.pdf.exe', 'report.pdf.txt'],
    ['2024.01.02', '2024.01.02.txt'],
    ['Mr. Smith', 'Mr. Smith.txt'],
    ['đau đầu.txt', 'đau đầu.txt'],
    ['đau.txt'.normalize('NFD'), 'đau.txt'],
    ['../../etc/passwd', 'passwd.txt'],
    ['C:\\Users\\x\\secret.txt', 'secret.txt'],
    ['..', 'file.txt'],
    ['', 'file.txt'],
    ['.htaccess', 'htaccess.txt'],
    ['   .  ', 'file.txt'],
    ['a\0b\r\nc\tt.txt', 'ab c t.txt'],
    ['photo\u202egnp.exe', 'photognp.txt'],
    ['zero\u200bwidth\u2066\u2069.txt', 'zerowidth.txt'],
    ['CON', '_CON.txt'],
    ['nul.txt', '_nul.txt'],
    ['com1.log', '_com1.log'],
    ['a<b>:"|?*.txt', 'a_b______.txt'],
    ['$(rm -rf);`x`.txt', '_(rm -rf)__x_.txt'],
    ['lone \ud800 half.txt', 'lone _ half.txt'],
    [`${'.'.repeat(100_000)}x.txt`, 'x.txt'],
    ['x'.repeat(300), `${'x'.repeat(76)}.txt`],
    [`${'👩‍⚕️'.repeat(40)}.txt`, ''],
  ];
  for (const [given, safe] of table) {
    const name = safeFileName(given, txt);
    if (safe !== '') assert.equal(name, safe, JSON.stringify(given));
    assert.ok(Buffer.byteLength(name) <= 255 && name.length <= 80 && name.isWellFormed(), name);
    assert.equal(safeFileName(name, txt), name, 'what is safe stays as it is');
  }
});

test('[AT14] a name over HTTP is read as UTF-8, made safe, and given back so in Content-Disposition', async () => {
  await using files = await startFiles();
  const file = await files.upload('doctor', 'x', '..\\..\\kết quả\u202e"1";.exe');
  assert.equal(file.name, 'kết quả_1__.txt');
  const { headers } = await files.content('doctor', file);
  const disposition = headers.get('content-disposition') ?? '';
  assert.match(disposition, /^attachment; filename="[\x20-\x7e]+"; filename\*=UTF-8''k%E1%BA%BFt%20qu%E1%BA%A3_1__\.txt$/);
});
