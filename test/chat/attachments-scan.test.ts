import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { test } from 'node:test';
import sharp from 'sharp';
import { createVirusScanner } from '../../src/chat/virus-scan.ts';
import { AppError } from '../../src/protocol/errors.ts';
import { generated, readAll } from '../storage/stores.ts';
import { type Files, startFiles } from './attachments-fixture.ts';
import { eicar, startClamd, type Verdict } from './clamd.ts';

const nothing = { attachments: 0, sweeps: 0 };

async function refusal(files: Files, bytes: Uint8Array) {
  const { status, body } = await files.post('doctor', ['file', bytes, 'a.txt']);
  assert.deepEqual(files.blobs(), []);
  assert.deepEqual(await files.rows(), nothing);
  return [status, body.error?.code];
}

test('[AT70] with a scanner every file is scanned as it was sent, pictures too, and kept once it is clean', async () => {
  await using clamd = await startClamd();
  await using files = await startFiles({ CLAMAV_SOCKET: clamd.address });
  const png = await sharp({ create: { width: 4, height: 4, channels: 3, background: 'red' } })
    .png()
    .toBuffer();
  const large = await readAll(generated(3_000_000));
  await files.upload('doctor', 'text', 'a.txt');
  await files.upload('doctor', png, 'a.png');
  const pdf = Buffer.concat([Buffer.from('%PDF-1.7\n'), large]);
  const file = await files.upload('doctor', pdf, 'a.pdf');
  assert.ok((await files.content('doctor', file)).body.equals(pdf));
  assert.deepEqual(clamd.received, [4, png.length, pdf.length]);
});

test('[AT71] an infected file is refused, wherever the virus lies in it, and nothing is left', async () => {
  await using clamd = await startClamd();
  await using files = await startFiles({ CLAMAV_SOCKET: clamd.address });
  const infected = [422, 'chat.infected_file'];
  assert.deepEqual(await refusal(files, Buffer.from(eicar)), infected);
  assert.deepEqual(await refusal(files, Buffer.from(`${'x'.repeat(2_000_000)}${eicar}`)), infected);
  const png = await sharp({ create: { width: 4, height: 4, channels: 3, background: 'red' } })
    .png()
    .toBuffer();
  assert.deepEqual(await refusal(files, Buffer.concat([png, Buffer.from(eicar)])), infected);
});

test('[AT72] a scanner that is down, hangs up, answers nonsense or refuses leaves the file unscanned: it is refused', async () => {
  const unavailable = [503, 'chat.scan_unavailable'];
  const verdicts: Verdict[] = [
    (_file, socket) => void socket.destroy(),
    (_file, socket) => void socket.end(),
    () => 'nonsense\0',
    () => 'INSTREAM size limit exceeded. ERROR\0',
    () => 'stream: OK',
  ];
  for (const verdict of verdicts) {
    await using clamd = await startClamd(verdict);
    await using files = await startFiles({ CLAMAV_SOCKET: clamd.address });
    assert.deepEqual(await refusal(files, Buffer.from('text')), unavailable);
  }
  await using files = await startFiles({ CLAMAV_SOCKET: '127.0.0.1:1' });
  assert.deepEqual(await refusal(files, Buffer.from('text')), unavailable);
});

test('[AT73] a scanner that calls a part clean, or hangs up in the middle, is not believed', async () => {
  for (const early of ['stream: OK\0', 'INSTREAM size limit exceeded. ERROR\0', '']) {
    const server = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.once('data', () => (early === '' ? socket.destroy() : socket.write(early)));
      socket.resume();
    }).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const address = server.address();
    const scanner = createVirusScanner(`127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`);
    async function* slow() {
      for (let index = 0; index < 50; index += 1) {
        yield Buffer.alloc(200_000);
        await new Promise(setImmediate);
      }
    }
    const isUnavailable = (error: unknown) => error instanceof AppError && error.code === 'chat.scan_unavailable';
    await assert.rejects(readAll(scanner.scanned(slow())), isUnavailable, early);
    await new Promise((resolve) => server.close(resolve));
  }
});
