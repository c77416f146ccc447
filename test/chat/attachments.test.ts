import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { expected, generated, readAll } from '../storage/stores.ts';
import { type Part, sha256, startFiles } from './attachments-fixture.ts';

const field = (name: string, value: string): Part => [name, value];

test('[AT1] a file is stored, sealed, and comes back as it was', async () => {
  await using files = await startFiles();
  const text = 'Đau đầu từ hôm qua\n'.repeat(10_000);
  const file = await files.upload('doctor', text, 'đau đầu.txt');
  assert.deepEqual(await files.send('GET', `attachments/${file.attachmentId}`, 'doctor').then(({ status, body }) => [status, body]), [
    200,
    file,
  ]);
  const { status, body, headers } = await files.content('doctor', file);
  assert.equal(status, 200);
  assert.equal(body.toString(), text);
  assert.equal(headers.get('etag'), `"${sha256(Buffer.from(text))}"`);
  assert.equal(files.blobs().length, 1);
  assert.deepEqual(await files.rows(), { attachments: 1, sweeps: 0 });
});

test('[AT2] the fields may come before or after the file, and decide for whom it is', async () => {
  await using files = await startFiles();
  const conversationId = await files.direct('doctor', 'patient');
  const content: Part = ['file', Buffer.from('text'), 'a.txt'];
  const access = [field('access', 'conversation'), field('conversationId', conversationId)];
  for (const parts of [
    [...access, content],
    [content, ...access],
    [access[0]!, content, access[1]!],
  ]) {
    const { status, body } = await files.post('doctor', ...parts);
    assert.equal(status, 201, JSON.stringify(body));
    assert.equal((await files.content('patient', body)).status, 200);
  }
  assert.deepEqual(await files.rows(), { attachments: 3, sweeps: 0 });
});

test('[AT3] a form that says nonsense is refused with the field’s name, and nothing is left', async () => {
  await using files = await startFiles({ LIMIT_FILES_PER_HOUR: '0' });
  const conversationId = await files.direct('doctor', 'patient');
  const content: Part = ['file', Buffer.from('text'), 'a.txt'];
  const table: [refused: string, parts: Part[]][] = [
    ['file', []],
    ['file', [field('access', 'private')]],
    ['file', [content, content]],
    ['file', [['file', Buffer.alloc(0), 'a.txt']]],
    ['access', [content, field('access', 'everybody')]],
    ['access', [field('access', 'private'), field('access', 'private'), content]],
    ['conversationId', [content, field('access', 'conversation')]],
    ['conversationId', [content, field('access', 'conversation'), field('conversationId', 'x')]],
    ['conversationId', [content, field('conversationId', conversationId)]],
    ['callId', [content, field('access', 'call')]],
    ['callId', [content, field('access', 'conversation'), field('conversationId', conversationId), field('callId', randomUUID())]],
    ['expiresAt', [content, field('expiresAt', '2020-01-01T00:00:00Z')]],
    ['expiresAt', [content, field('expiresAt', 'tomorrow')]],
    ['colour', [content, field('colour', 'red')]],
    ['access', [content, field('access', 'x'.repeat(5_000))]],
  ];
  for (const [name, parts] of table) {
    const { status, body } = await files.post('doctor', ...parts);
    const why = `${JSON.stringify(parts)} ${JSON.stringify(body)}`;
    assert.deepEqual([status, body.error?.code, body.error?.details?.field], [400, 'protocol.invalid_payload', name], why);
  }
  assert.deepEqual(files.blobs(), []);
  assert.deepEqual(await files.rows(), { attachments: 0, sweeps: 0 });
});

test('[AT4] what is no form, or no whole one, is refused; so is who is nobody', async () => {
  await using files = await startFiles();
  const send = (body: string, type: string, token = files.token('doctor')) =>
    files.send('POST', 'attachments', 'doctor', {
      body,
      headers: { 'content-type': type, ...(token === '' ? { authorization: '' } : {}) },
    });
  const codes = async (answer: ReturnType<typeof send>) => [(await answer).status, (await answer).body.error?.code];
  assert.deepEqual(await codes(send('{}', 'application/json')), [415, 'protocol.unsupported_media_type']);
  assert.deepEqual(await codes(send('x', 'image/png')), [415, 'protocol.unsupported_media_type']);
  assert.deepEqual(await codes(send('x', 'multipart/form-data')), [400, 'protocol.invalid_payload']);
  assert.deepEqual(await codes(send('x', 'multipart/form-data; boundary=b')), [400, 'protocol.invalid_payload']);
  const cut = '--b\r\ncontent-disposition: form-data; name="file"; filename="a.txt"\r\n\r\ntext';
  assert.deepEqual(await codes(send(cut, 'multipart/form-data; boundary=b')), [400, 'protocol.invalid_payload']);
  assert.deepEqual(await codes(send(`${cut}\r\n--b--`, 'multipart/form-data; boundary=b', '')), [401, 'auth.missing_token']);
  assert.deepEqual(files.blobs(), []);
  assert.deepEqual(await files.rows(), { attachments: 0, sweeps: 0 });
});

test('[AT5] a file over the limit is refused with 413 whether its length is told or not, one of the limit is taken, 0 is no limit', async () => {
  const bytes = 300_000;
  await using files = await startFiles({ LIMIT_ATTACHMENT_BYTES: String(bytes) });
  const text = (length: number) => Buffer.alloc(length, 'x');
  assert.equal((await files.upload('doctor', text(bytes), 'a.txt')).bytes, bytes);
  for (const length of [bytes + 1, bytes + 100_000, 5_000_000]) {
    const { status, body } = await files.post('doctor', ['file', text(length), 'a.txt']);
    assert.deepEqual([status, body.error.code, body.error.details], [413, 'protocol.too_large', { limitBytes: bytes }]);
  }
  async function* endless() {
    yield Buffer.from('--b\r\ncontent-disposition: form-data; name="file"; filename="a.txt"\r\n\r\n');
    for (let index = 0; index < 100; index += 1) yield text(64_000);
    yield Buffer.from('\r\n--b--');
  }
  const answer = await files.send('POST', 'attachments', 'doctor', {
    body: Readable.toWeb(Readable.from(endless())) as ReadableStream,
    headers: { 'content-type': 'multipart/form-data; boundary=b' },
    duplex: 'half',
  });
  assert.deepEqual([answer.status, answer.body.error.code], [413, 'protocol.too_large']);
  assert.equal(files.blobs().length, 1);
  assert.deepEqual(await files.rows(), { attachments: 1, sweeps: 0 });
});

test('[AT6] 20 files an hour by default, each user their own; then Retry-After', async () => {
  await using files = await startFiles();
  for (let index = 0; index < 20; index += 1) await files.upload('doctor', `text ${index}`, 'a.txt');
  const { status, headers, body } = await files.post('doctor', ['file', Buffer.from('text'), 'a.txt']);
  assert.deepEqual([status, body.error.code], [429, 'protocol.rate_limited']);
  const seconds = Number(headers.get('retry-after'));
  assert.ok(seconds > 3_000 && seconds <= 3_600, String(seconds));
  await files.upload('patient', 'text', 'a.txt');
});

test('[AT30] one range is answered by exactly its bytes, and what is no range by the whole', async () => {
  await using files = await startFiles();
  const bytes = 200_000;
  const plain = Buffer.concat([Buffer.from('%PDF-1.7\n'), expected(0, bytes - 10)]);
  const file = await files.upload('doctor', plain, 'a.pdf');
  const last = bytes - 1;
  const table: [range: string, start: number, end: number][] = [
    ['bytes=0-0', 0, 0],
    ['bytes=0-65535', 0, 65_535],
    ['bytes=65535-65536', 65_535, 65_536],
    ['bytes=65536-131071', 65_536, 131_071],
    [`bytes=${last}-${last}`, last, last],
    [`bytes=${last}-`, last, last],
    ['bytes=-1', last, last],
    ['bytes=-70000', bytes - 70_000, last],
    ['bytes=-999999', 0, last],
    ['bytes=100000-999999', 100_000, last],
    ['bytes=0-', 0, last],
  ];
  for (const [range, start, end] of table) {
    const { status, headers, body } = await files.content('doctor', file, { range });
    assert.deepEqual([status, headers.get('content-range')], [206, `bytes ${start}-${end}/${bytes}`], range);
    assert.ok(body.equals(plain.subarray(start, end + 1)), range);
    assert.equal(Number(headers.get('content-length')), end - start + 1);
  }
  for (const range of ['bytes=0-1,5-6', 'bytes=5-4', 'bytes=-', 'bytes=x-y', 'items=0-1', 'bytes']) {
    const { status, body } = await files.content('doctor', file, { range });
    assert.equal(status, 200, range);
    assert.equal(body.length, bytes, range);
  }
  for (const range of [`bytes=${bytes}-`, `bytes=${bytes}-${bytes + 5}`, 'bytes=-0']) {
    const { status, headers, body } = await files.content('doctor', file, { range });
    assert.deepEqual(
      [status, headers.get('content-range'), body.error.code],
      [416, `bytes */${bytes}`, 'protocol.range_not_satisfiable'],
      range,
    );
  }
});

test('[AT31] validators: If-None-Match answers 304, If-Range the whole once the file is another', async () => {
  await using files = await startFiles();
  const file = await files.upload('doctor', 'some text', 'a.txt');
  const etag = `"${sha256(Buffer.from('some text'))}"`;
  for (const match of [etag, `W/${etag}`, `"x", ${etag}`, '*']) {
    const { status, body, headers } = await files.content('doctor', file, { 'if-none-match': match });
    assert.deepEqual([status, body.length, headers.get('etag')], [304, 0, etag], match);
  }
  assert.equal((await files.content('doctor', file, { 'if-none-match': '"x"' })).status, 200);
  assert.equal((await files.content('doctor', file, { range: 'bytes=0-1', 'if-range': etag })).status, 206);
  for (const other of ['"x"', `W/${etag}`, new Date().toUTCString()]) {
    assert.equal((await files.content('doctor', file, { range: 'bytes=0-1', 'if-range': other })).status, 200, other);
  }
});

test('[AT32] what users uploaded never runs: attachment, nosniff, sandbox, private; pictures, sound, video and PDF may be shown inline', async () => {
  await using files = await startFiles();
  const text = await files.upload('doctor', 'text', 'a.txt');
  const pdf = await files.upload('doctor', '%PDF-1.7\n', 'a.pdf');
  for (const [file, query, type] of [
    [text, '', 'attachment'],
    [text, '?inline=true', 'attachment'],
    [pdf, '', 'attachment'],
    [pdf, '?inline=false', 'attachment'],
    [pdf, '?inline=true', 'inline'],
  ] as const) {
    const { headers } = await files.content('doctor', file, {}, query);
    assert.equal(headers.get('content-disposition'), `${type}; filename=${file.name}`);
    assert.equal(headers.get('x-content-type-options'), 'nosniff');
    assert.equal(headers.get('content-security-policy'), "default-src 'none'; sandbox");
    assert.match(headers.get('cache-control') ?? '', /^private/);
  }
  assert.equal((await files.content('doctor', pdf, {}, '?inline=perhaps')).body.error.code, 'protocol.invalid_payload');
});

test('[AT33] HEAD says what GET would, without the bytes', async () => {
  await using files = await startFiles();
  const file = await files.upload('doctor', 'some text', 'a.txt');
  const { status, headers, body } = await files.send('HEAD', `attachments/${file.attachmentId}/content`, 'doctor');
  assert.deepEqual([status, headers.get('content-length'), headers.get('accept-ranges'), body.length], [200, '9', 'bytes', 0]);
});

test('[AT34] a reader who goes away in the middle holds nothing', async () => {
  await using files = await startFiles();
  const bytes = await readAll(generated(8_000_000));
  const file = await files.upload('doctor', Buffer.concat([Buffer.from('%PDF-1.7\n'), bytes]), 'a.pdf');
  for (let index = 0; index < 5; index += 1) {
    const stop = new AbortController();
    const response = await fetch(new URL(`/api/v1/attachments/${file.attachmentId}/content`, files.app.url), {
      headers: { authorization: `Bearer ${files.token('doctor')}` },
      signal: stop.signal,
    });
    await response.body?.getReader().read();
    stop.abort();
  }
  assert.equal((await files.content('doctor', file)).body.length, 8_000_009);
});
