import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import jwt from 'jsonwebtoken';
import pg from 'pg';
import { temporaryFolder } from '../storage/stores.ts';
import { startTestApp } from '../support/test-app.ts';
import { createTestDatabase } from '../support/test-database.ts';
import { waitFor } from '../support/wait-for.ts';
import { Files, startFiles } from './attachments-fixture.ts';

const nothing = { attachments: 0, sweeps: 0 };
const head = '--b\r\ncontent-disposition: form-data; name="file"; filename="a.txt"\r\n\r\n';

/** Begins an upload that promises 50 MB of text, and sends as much of it as `bytes`. */
async function beginUpload(url: string, token: string, bytes: number): Promise<Socket> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname).on('error', () => undefined);
  await once(socket, 'connect');
  socket.write(
    `POST /api/v1/attachments HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${token}\r\ncontent-length: 50000000\r\ncontent-type: multipart/form-data; boundary=b\r\n\r\n${head}`,
  );
  socket.write('x'.repeat(bytes));
  return socket;
}

test('[AT7] an upload whose connection is lost, early or late, leaves nothing and does not count', async () => {
  await using files = await startFiles({ LIMIT_FILES_PER_HOUR: '1' });
  for (const bytes of [1, 1_000, 3_000_000]) {
    const socket = await beginUpload(files.app.url, files.token('doctor'), bytes);
    await waitFor('the upload to begin', async () => (await files.rows()).sweeps === 1);
    if (bytes > 1_000) await waitFor('bytes to be stored', () => files.blobs().length === 1);
    socket.destroy();
    await waitFor('all of it to be gone', async () => files.blobs().length === 0 && (await files.rows()).sweeps === 0);
    assert.deepEqual(await files.rows(), nothing);
  }
  await files.upload('doctor', 'text', 'a.txt');
});

test('[AT8] a full disk is told with 507, nothing is left, and smaller files still go in', async (t) => {
  using temporary = temporaryFolder();
  const { folder } = temporary;
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'none', folder]).status !== 0) return t.skip('needs the right to mount');
  try {
    await using files = await startFiles({ STORAGE_URL: `file:${folder}` });
    const onDisk = new Files(files.app, folder);
    for (let round = 0; round < 2; round += 1) {
      const { status, body } = await files.post('doctor', ['file', Buffer.alloc(3_000_000, 'x'), 'a.txt']);
      assert.deepEqual([status, body.error.code], [507, 'chat.storage_full']);
      assert.deepEqual(onDisk.blobs(), []);
      assert.deepEqual(await files.rows(), nothing);
    }
    const file = await files.upload('doctor', 'small', 'a.txt');
    assert.equal((await files.content('doctor', file)).body.toString(), 'small');
  } finally {
    spawnSync('umount', [folder]);
  }
});

/** A server in a process of its own, which a test may kill. */
async function startServer(env: Record<string, string>): Promise<{ url: string; child: ChildProcess } & AsyncDisposable> {
  const child = spawn(process.execPath, [fileURLToPath(new URL('../../src/main.ts', import.meta.url))], {
    env: {
      ...process.env,
      HOST: '127.0.0.1',
      PORT: '0',
      MEDIA_LISTEN_IP: '127.0.0.1',
      MEDIA_BASE_PORT: '0',
      MEDIA_WORKERS: '1',
      LOG_LEVEL: 'silent',
      ...env,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exit = once(child, 'exit');
  let output = '';
  for await (const piece of child.stdout.iterator({ destroyOnReturn: false })) {
    output += String(piece);
    if (output.includes('http')) break;
  }
  const url = /http:\S+/.exec(output)?.[0];
  if (url === undefined) throw new Error(`the server did not start: ${output}`);
  return {
    url,
    child,
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await exit;
    },
  };
}

const secret = randomBytes(32).toString('hex');
const encryptionKeys = `test:${randomBytes(32).toString('base64')}`;
const token = (sub: string) => jwt.sign({ sub, role: 'provider', exp: Math.floor(Date.now() / 1000) + 3_600 }, secret);

test('[AT9] a server killed in mid upload leaves an unfinished file, which its next start removes, and a sweep for what it stored', async () => {
  await using database = await createTestDatabase();
  using blobs = temporaryFolder();
  using data = temporaryFolder();
  const env = {
    DATABASE_URL: database.url,
    DATA_DIR: data.folder,
    STORAGE_URL: `file:${blobs.folder}`,
    AUTH_SECRET: secret,
    ENCRYPTION_KEYS: encryptionKeys,
  };
  const inFolder = () => new Files({} as Files['app'], blobs.folder).blobs();
  {
    await using server = await startServer(env);
    const socket = await beginUpload(server.url, token('doctor'), 3_000_000);
    await waitFor('bytes to be stored', () => inFolder().length === 1);
    server.child.kill('SIGKILL');
    await waitFor('the connection to be lost', () => socket.destroyed);
  }
  assert.match(inFolder()[0] ?? '', /^incoming\//);
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  const { rows } = await client.query(
    `select (select count(*)::int from attachments) as attachments, (select count(*)::int from graphile_worker.jobs where task_identifier = 'attachments:sweepUpload' and run_at > now() + interval '23 hours') as sweeps`,
  );
  await client.end();
  assert.deepEqual(rows, [{ attachments: 0, sweeps: 1 }]);
  await using _next = await startTestApp(env);
  await waitFor('the unfinished file to be removed', () => inFolder().length === 0);
});

test('[AT15] a large file goes up and comes down through little memory', async () => {
  await using database = await createTestDatabase();
  using blobs = temporaryFolder();
  using data = temporaryFolder();
  const env = {
    DATABASE_URL: database.url,
    DATA_DIR: data.folder,
    STORAGE_URL: `file:${blobs.folder}`,
    AUTH_SECRET: secret,
    ENCRYPTION_KEYS: encryptionKeys,
    LIMIT_ATTACHMENT_BYTES: '0',
  };
  await using server = await startServer(env);
  const peak = () => Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${server.child.pid}/status`, 'utf8'))?.[1]) * 1024;
  const piece = randomBytes(65_536);
  const hash = createHash('sha256');
  let bytes = 0;
  async function* form() {
    yield Buffer.from(head);
    for (let index = 0; index < 1_700; index += 1) {
      const next = index === 0 ? Buffer.from('%PDF-1.7\n') : piece;
      hash.update(next);
      bytes += next.length;
      yield next;
    }
    yield Buffer.from('\r\n--b--\r\n');
  }
  const headers = { authorization: `Bearer ${token('doctor')}`, connection: 'close' };
  const before = peak();
  const answer = await fetch(new URL('/api/v1/attachments', server.url), {
    method: 'POST',
    body: Readable.toWeb(Readable.from(form())) as ReadableStream,
    headers: { ...headers, 'content-type': 'multipart/form-data; boundary=b' },
    duplex: 'half',
  } as RequestInit);
  assert.equal(answer.status, 201);
  const file = (await answer.json()) as { attachmentId: string; bytes: number };
  assert.equal(file.bytes, bytes);
  const content = await fetch(new URL(`/api/v1/attachments/${file.attachmentId}/content`, server.url), { headers });
  const received = createHash('sha256');
  for await (const part of content.body ?? []) received.update(part);
  assert.equal(received.digest('hex'), hash.digest('hex'));
  const grown = peak() - before;
  // Less than the file, with room for what a busy machine has not collected yet.
  assert.ok(grown < 90_000_000, `${bytes} bytes took ${grown} bytes of memory`);
});
