import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { request as ask, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import pg from 'pg';
import { startS3, temporaryFolder } from '../storage/stores.ts';
import { startTestApp } from '../support/test-app.ts';
import { createTestDatabase } from '../support/test-database.ts';
import { waitFor } from '../support/wait-for.ts';
import { Consultation } from './consultation.ts';
import { startClinicProcess } from './server-clinic.ts';

/** What two servers share that take up one another's data. */
async function shared() {
  await using parts = new AsyncDisposableStack();
  const database = parts.use(await createTestDatabase());
  const data = parts.use(temporaryFolder());
  const blobs = parts.use(temporaryFolder());
  const env = {
    DATABASE_URL: database.url,
    DATA_DIR: data.folder,
    STORAGE_URL: `file:${blobs.folder}`,
    AUTH_SECRET: randomBytes(32).toString('hex'),
    ENCRYPTION_KEYS: `k:${randomBytes(32).toString('base64')}`,
  };
  const all = parts.move();
  async function sql(text: string): Promise<pg.QueryResult> {
    const client = new pg.Client({ connectionString: database.url });
    await client.connect();
    try {
      return await client.query(text);
    } finally {
      await client.end();
    }
  }
  return { env, sql, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

test('[RX40] a server killed in mid recording: its next start finishes what was on disk', { timeout: 150_000 }, async () => {
  await using both = await shared();
  const first = await startClinicProcess(both.env);
  const room = await Consultation.start(first, { sends: true });
  const { recordingId } = await room.ask();
  await room.captured(4);
  await room.host.media?.close();
  await first.kill();
  await using app = await startTestApp(both.env);
  const later = new Consultation(app, room.roomId, room.host);
  const recording = await later.ready(recordingId);
  assert.deepEqual(recording.tracks.map(({ source }) => source).sort(), ['camera', 'microphone']);
  assert.ok((recording.durationSeconds ?? 0) > 2.5, `${recording.durationSeconds} s of 4`);
});

test('[RX41] a server killed while it puts a recording together: another one takes the job up', { timeout: 150_000 }, async () => {
  await using both = await shared();
  const first = await startClinicProcess(both.env);
  const room = await Consultation.start(first, { sends: true });
  const { recordingId } = await room.ask();
  await room.captured(2);
  await room.host.client.request('recording:stop', { recordingId });
  const jobs = `select 1 from graphile_worker.jobs where key = 'recordings:compose:${recordingId}' and locked_by is not null`;
  await waitFor('the composition to begin', async () => (await both.sql(jobs)).rowCount === 1, 30_000);
  await room.host.media?.close();
  await first.kill();
  // As if the first one had been dead for a while.
  await both.sql("update job_pools set seen_at = now() - interval '1 hour'");
  await using app = await startTestApp({ ...both.env, DATA_DIR: `${both.env.DATA_DIR}/other` });
  await new Consultation(app, room.roomId, room.host).ready(recordingId);
});

/** An S3 store that can be away, or not answer. */
async function startStore() {
  await using parts = new AsyncDisposableStack();
  const s3 = parts.use(await startS3());
  const { port } = new URL(s3.settings.endpoint ?? '');
  const store = { mood: 'well' as 'well' | 'down' | 'stuck', asked: 0 };
  const proxy = createServer((request, response) => {
    store.asked += 1;
    if (store.mood === 'stuck') return;
    if (store.mood === 'down') return void response.writeHead(503).end();
    const { method, url, headers } = request;
    const onward = ask({ port, method, path: url, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(response);
    });
    onward.on('error', () => response.destroy());
    request.pipe(onward);
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  parts.defer(() => {
    proxy.close();
    proxy.closeAllConnections();
  });
  const all = parts.move();
  const env = {
    STORAGE_URL: 's3://clinic/files',
    S3_ENDPOINT: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
    S3_ACCESS_KEY_ID: 'S3RVER',
    S3_SECRET_ACCESS_KEY: 'S3RVER',
  };
  return Object.assign(store, { env, [Symbol.asyncDispose]: () => all.disposeAsync() });
}

test('[RX42] a store that is away for a while is waited for; the local copy stays until it has confirmed every byte', {
  timeout: 150_000,
}, async () => {
  await using s3 = await startStore();
  await using app = await startTestApp(s3.env);
  s3.mood = 'down';
  const room = await Consultation.start(app, { sends: true });
  const { recordingId } = await room.ask(['audio']);
  await room.captured(1.5);
  await room.host.client.request('recording:stop', { recordingId });
  const tries = `select attempts, locked_by from graphile_worker.jobs where key = 'recordings:keep:${recordingId}'`;
  await waitFor(
    'the first try to fail',
    async () => {
      const [job] = await app.sql(tries);
      return job?.['attempts'] === 1 && job['locked_by'] === null;
    },
    30_000,
  );
  assert.equal((await room.look(recordingId)).status, 'processing');
  s3.mood = 'well';
  await app.sql("update graphile_worker._private_jobs set run_at = now() where key like 'recordings:keep:%'");
  assert.equal((await room.ready(recordingId)).tracks.length, 1);
});

test('[RX42] a store that refuses for an hour fails the recording, and it can be tried again', { timeout: 150_000 }, async () => {
  await using s3 = await startStore();
  await using app = await startTestApp(s3.env);
  s3.mood = 'down';
  const room = await Consultation.start(app, { sends: true });
  const { recordingId } = await room.ask(['audio']);
  await room.captured(1.5);
  await room.host.client.request('recording:stop', { recordingId });
  await app.sql("update recordings set processing_at = now() - interval '2 hours'");
  await waitFor('it to be given up', async () => (await room.look(recordingId)).failureReason === 'storage_failed', 30_000);
  s3.mood = 'well';
  const { body } = await app.rest('POST', `recordings/${recordingId}/compose`, { token: room.admin, body: { layout: 'grid' } });
  assert.equal(body.status, 'processing');
  await room.ready(recordingId);
});

test('[RX45] a server killed in mid upload goes on with it at its next start', { timeout: 150_000 }, async () => {
  await using both = await shared();
  await using s3 = await startStore();
  const env = { ...both.env, ...s3.env };
  const first = await startClinicProcess(env);
  const room = await Consultation.start(first, { sends: true });
  const { recordingId } = await room.ask();
  await room.captured(2);
  s3.mood = 'stuck';
  s3.asked = 0;
  await room.host.client.request('recording:stop', { recordingId });
  await waitFor('the upload to begin', () => s3.asked > 0, 30_000);
  await room.host.media?.close();
  await first.kill();
  s3.mood = 'well';
  await both.sql("update job_pools set seen_at = now() - interval '1 hour'");
  await using app = await startTestApp(env);
  const { tracks } = await new Consultation(app, room.roomId, room.host).ready(recordingId);
  assert.equal(tracks.length, 2);
});

test('[RX43] a server that closes ends its recordings; they are put together at the next start', { timeout: 150_000 }, async () => {
  await using both = await shared();
  let recordingId = '';
  let room: Consultation;
  {
    await using app = await startTestApp(both.env);
    room = await Consultation.start(app, { sends: true });
    ({ recordingId } = await room.ask());
    await room.captured(2);
  }
  await using app = await startTestApp(both.env);
  await new Consultation(app, room.roomId, room.host).ready(recordingId);
});

test('[RX44] a recording whose server has died ends soon; when its data folder does not come back it has failed, and says so', {
  timeout: 90_000,
}, async () => {
  await using both = await shared();
  const first = await startClinicProcess(both.env);
  const room = await Consultation.start(first);
  const { recordingId } = await room.ask();
  await first.kill();
  await using app = await startTestApp({ ...both.env, DATA_DIR: `${both.env.DATA_DIR}/other` });
  const later = new Consultation(app, room.roomId, room.host);
  await waitFor('its end', async () => (await later.look(recordingId)).status === 'processing', 30_000);
  await both.sql("update recordings set processing_at = now() - interval '7 hours'");
  await both.sql("select graphile_worker.add_job('recordings:failLost')");
  await waitFor('it to be given up', async () => (await later.look(recordingId)).failureReason === 'server_lost');
});
