import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import pg from 'pg';
import { startS3, temporaryFolder } from '../storage/stores.ts';
import { startTestApp, type TestApp } from '../support/test-app.ts';
import { createTestDatabase } from '../support/test-database.ts';
import { waitFor } from '../support/wait-for.ts';
import { Files, startFiles } from './attachments-fixture.ts';

const addJob = (files: Files, name: string, payload: unknown = {}) =>
  files.app.sql('select graphile_worker.add_job($1, $2::json)', [name, JSON.stringify(payload)]);
async function jobsLeft(databaseUrl: string): Promise<number> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    return (await client.query('select 1 from graphile_worker.jobs')).rows.length;
  } finally {
    await client.end();
  }
}
const noJobs = (files: Files) => async () => {
  const [row] = await files.app.sql<{ jobs: number }>(`select count(*)::int as jobs from graphile_worker.jobs`);
  return row?.jobs === 0;
};

test('[AT60] what was not sent within a day is removed, blobs too; what was sent, is younger, or is a group’s picture stays', async () => {
  await using files = await startFiles();
  const conversationId = await files.direct('doctor', 'patient');
  const sent = await files.upload('doctor', 'sent', 'a.txt');
  await files.sendMessage('doctor', conversationId, [sent.attachmentId]);
  await files.upload('doctor', 'old', 'a.txt');
  const shown = await files.upload('doctor', 'shown', 'a.txt');
  await files.app.sql('update conversations set avatar_id = $1', [shown.attachmentId]);
  await files.app.sql(`update attachments set created_at = now() - interval '25 hours'`);
  const young = await files.upload('doctor', 'young', 'a.txt');
  await addJob(files, 'attachments:removeOld');
  await waitFor('the jobs to be done', noJobs(files));
  const left = await files.app.sql<{ attachment_id: string }>('select attachment_id from attachments');
  assert.deepEqual(left.map((row) => row.attachment_id).sort(), [sent, shown, young].map(({ attachmentId }) => attachmentId).sort());
  assert.equal(files.blobs().length, 3);
});

test('[AT61] an expired file is gone at once, and then removed, sent or not', async () => {
  await using files = await startFiles();
  const conversationId = await files.direct('doctor', 'patient');
  const expiresAt = new Date(Date.now() + 3_600_000).toISOString();
  const sent = await files.upload('doctor', 'sent', 'a.txt', ['expiresAt', expiresAt]);
  await files.upload('doctor', 'unsent', 'a.txt', ['expiresAt', expiresAt]);
  await files.sendMessage('doctor', conversationId, [sent.attachmentId]);
  assert.equal((await files.content('patient', sent)).status, 200);
  await files.app.sql(`update attachments set expires_at = now()`);
  assert.equal((await files.content('patient', sent)).status, 404);
  const { body } = await files.send('GET', `conversations/${conversationId}/messages`, 'patient');
  assert.deepEqual(body.messages.at(-1).attachments, []);
  await addJob(files, 'attachments:removeOld');
  await waitFor('the jobs to be done', noJobs(files));
  assert.deepEqual([(await files.rows()).attachments, files.blobs().length], [0, 0]);
});

test('[AT62] an upload whose server died between storing and writing it down is swept; one that was written down is not', async () => {
  await using files = await startFiles();
  const kept = await files.upload('doctor', 'kept', 'a.txt');
  const lost = await files.upload('doctor', 'lost', 'a.txt');
  const keys = new Map(
    (await files.app.sql<{ attachment_id: string; blob_key: string }>('select * from attachments')).map((row) => [
      row.attachment_id,
      row.blob_key,
    ]),
  );
  await files.app.sql('delete from attachments where attachment_id = $1', [lost.attachmentId]);
  for (const { attachmentId } of [kept, lost]) {
    await addJob(files, 'attachments:sweepUpload', { attachmentId, blobKeys: [keys.get(attachmentId), 'a-blob-that-never-was'] });
  }
  await waitFor('the jobs to be done', noJobs(files));
  assert.equal(files.blobs().length, 1);
  assert.equal((await files.content('doctor', kept)).status, 200);
});

test('[AT63] blobs that cannot be deleted now are tried again later', async () => {
  await using files = await startFiles();
  await addJob(files, 'attachments:deleteBlobs', { blobKeys: ['../not/a/key', 'a-blob-that-never-was'] });
  await waitFor('the job to fail once', async () => {
    const [job] = await files.app.sql<{ attempts: number; later: boolean }>(
      `select attempts, run_at > now() as later from graphile_worker.jobs where task_identifier = 'attachments:deleteBlobs'`,
    );
    return job?.attempts === 1 && job.later;
  });
});

test('[AT64] after a new key has been added files open, are wrapped by it, and then open without the old one', async () => {
  await using database = await createTestDatabase();
  using temporary = temporaryFolder();
  const key = (id: string) => `${id}:${createHash('sha256').update(id).digest('base64')}`;
  const secret = 'a secret of this test, long enough to be one';
  const start = (keys: string) =>
    startTestApp({
      ACCESS_POLICY: 'open',
      DATABASE_URL: database.url,
      STORAGE_URL: `file:${temporary.folder}`,
      ENCRYPTION_KEYS: keys,
      AUTH_SECRET: secret,
    });
  const open = async (keys: string, work: (files: Files) => Promise<void>) => {
    await using app = await start(keys);
    await work(new Files(app, temporary.folder));
  };
  const wrappedBy = (id: string) => async () => {
    const [file = ''] = new Files({} as TestApp, temporary.folder).blobs();
    return readFileSync(path.join(temporary.folder, file)).toString('latin1', 6, 6 + id.length) === id;
  };
  let attachmentId = '';
  await open(key('one'), async (files) => {
    ({ attachmentId } = await files.upload('doctor', 'text', 'a.txt'));
  });
  await open(`${key('two')},${key('one')}`, async (files) => {
    assert.equal((await files.content('doctor', { attachmentId })).body.toString(), 'text');
    await waitFor('the file’s key to be wrapped anew', wrappedBy('two'));
    // The keys of messages go the same way.
    await waitFor('the jobs to be done', async () => (await jobsLeft(database.url)) === 0);
  });
  await open(key('two'), async (files) => {
    assert.equal((await files.content('doctor', { attachmentId })).body.toString(), 'text');
  });
});

test('[AT65] the same journey in an object store', async () => {
  await using s3 = await startS3();
  const { bucket, prefix, endpoint, credentials } = s3.settings;
  await using files = await startFiles({
    STORAGE_URL: `s3://${bucket}/${prefix}`,
    S3_ENDPOINT: endpoint ?? '',
    S3_ACCESS_KEY_ID: credentials?.accessKeyId ?? '',
    S3_SECRET_ACCESS_KEY: credentials?.secretAccessKey ?? '',
  });
  const pdf = Buffer.concat([Buffer.from('%PDF-1.7\n'), Buffer.alloc(7_000_000, 'x')]);
  const file = await files.upload('doctor', pdf, 'a.pdf');
  assert.ok((await files.content('doctor', file)).body.equals(pdf));
  assert.ok((await files.content('doctor', file, { range: 'bytes=6553599-6553601' })).body.equals(pdf.subarray(6_553_599, 6_553_602)));
  assert.equal((await files.send('DELETE', `attachments/${file.attachmentId}`, 'doctor')).status, 204);
  await waitFor('the jobs to be done', noJobs(files));
});
