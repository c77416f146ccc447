import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { after, before, test } from 'node:test';
import type { Recording } from '../../src/protocol/recording.ts';
import { temporaryFolder } from '../storage/stores.ts';
import { startTestApp } from '../support/test-app.ts';
import { waitFor } from '../support/wait-for.ts';
import { Consultation, type RecordingApp } from './consultation.ts';

let app: RecordingApp;
let room: Consultation;
let recording: Recording;
let whole: Buffer;
let asker: string;
const store = temporaryFolder();

/** A request with its bytes. */
async function pull(where: string, headers: Record<string, string> = {}, method = 'GET') {
  const url = where.startsWith('http') ? where : `${app.url}/api/v1/recordings/${where}`;
  const answer = await fetch(url, { method, headers: { connection: 'close', ...headers } });
  return { status: answer.status, headers: answer.headers, bytes: Buffer.from(await answer.arrayBuffer()) };
}

const as = (token: string) => ({ authorization: `Bearer ${token}` });
const codeIn = ({ bytes }: { bytes: Buffer }) => JSON.parse(bytes.toString()).error.code;

before(
  async () => {
    app = await startTestApp({ STORAGE_URL: `file:${store.folder}` });
    asker = app.tokenFor('host');
    room = await Consultation.start(app, { sends: true });
    const ada = await room.enter('ada');
    const { recordingId } = await room.ask();
    await room.answer(ada, true);
    await room.captured(2);
    await room.host.client.request('recording:stop', { recordingId });
    recording = await room.ready(recordingId);
    whole = (await pull(`${recordingId}/content`, as(room.admin))).bytes;
  },
  { timeout: 120_000 },
);

after(async () => {
  await app[Symbol.asyncDispose]();
  store[Symbol.dispose]();
});

test('[RX30] admins see all recordings, the one who asked their own; to everybody else they are not there', async () => {
  const { recordingId, roomId } = recording;
  const list = async (token: string, query = '') =>
    (await app.rest('GET', `recordings${query}`, { token })).body.recordings.map((one: Recording) => one.recordingId);
  assert.deepEqual(await list(room.admin), [recordingId]);
  assert.deepEqual(await list(asker), [recordingId]);
  for (const query of [`?roomId=${roomId}`, '?status=ready', '?userId=ada', `?from=${recording.requestedAt}`]) {
    assert.deepEqual(await list(room.admin, query), [recordingId], query);
  }
  for (const query of [
    `?roomId=${crypto.randomUUID()}`,
    '?status=failed',
    '?userId=nobody',
    `?to=${recording.requestedAt}`,
    `?cursor=${recordingId}`,
  ]) {
    assert.deepEqual(await list(room.admin, query), [], query);
  }
  for (const token of [app.tokenFor('ada', 'patient'), app.tokenFor('other'), app.tokenFor('portal', 'service')]) {
    assert.deepEqual(await list(token), []);
    for (const where of ['', '/content', '/archive', '/consents', `/tracks/${recording.tracks[0]?.trackId}/content`]) {
      const refused = await pull(`${recordingId}${where}`, as(token));
      assert.deepEqual([refused.status, codeIn(refused)], [404, 'recording.not_found'], where);
    }
  }
  assert.equal((await pull(`${crypto.randomUUID()}/content`, as(room.admin))).status, 404);
  assert.equal((await pull(`${recordingId}/content`)).status, 401);
  const deleted = await pull(recordingId, as(asker), 'DELETE');
  assert.deepEqual([deleted.status, codeIn(deleted)], [403, 'auth.forbidden'], 'the asker may look, not delete');
});

test('[RX31] the recording plays by ranges: parts, the tail, HEAD, unchanged, and past the end', async () => {
  const where = `${recording.recordingId}/content`;
  const head = as(asker);
  const part = await pull(where, { ...head, range: 'bytes=100-299' });
  assert.deepEqual([part.status, part.headers.get('content-range')], [206, `bytes 100-299/${whole.length}`]);
  assert.deepEqual(part.bytes, whole.subarray(100, 300));
  assert.deepEqual((await pull(where, { ...head, range: 'bytes=-500' })).bytes, whole.subarray(-500));
  const etag = part.headers.get('etag') ?? '';
  assert.equal((await pull(where, { ...head, 'if-none-match': etag })).status, 304);
  const outside = await pull(where, { ...head, range: `bytes=${whole.length}-` });
  assert.deepEqual([outside.status, outside.headers.get('content-range')], [416, `bytes */${whole.length}`]);
  const only = await pull(where, head, 'HEAD');
  assert.deepEqual([only.headers.get('content-length'), only.headers.get('content-type')], [String(whole.length), 'video/mp4']);
  assert.deepEqual((await pull(`${recording.recordingId}/poster`, head)).bytes.subarray(0, 2), Buffer.from([0xff, 0xd8]));
  assert.match((await pull(`${recording.recordingId}/speakers.vtt`, head)).bytes.toString(), /^WEBVTT/);
});

test('[RX32] single tracks, and a ZIP file of all with the timeline', async () => {
  const [track] = recording.tracks;
  assert.ok(track);
  const file = await pull(`${recording.recordingId}/tracks/${track.trackId}/content`, as(asker));
  assert.deepEqual([file.status, file.bytes.length], [200, track.parts[0]?.bytes]);
  assert.equal((await pull(`${recording.recordingId}/tracks/${track.trackId}/content?part=7`, as(asker))).status, 404);
  const zip = await pull(`${recording.recordingId}/archive`, as(asker));
  assert.deepEqual([zip.status, zip.headers.get('content-type')], [200, 'application/zip']);
  assert.equal(zip.bytes.subarray(0, 4).toString('latin1'), 'PK\u0003\u0004');
  assert.ok(zip.bytes.includes('timeline.json'));
  assert.ok(zip.bytes.includes(file.bytes.subarray(0, 1_000)), 'with the track’s bytes as they are');
});

test('[RX33] a signed link opens it without a token, expires, and counts', async () => {
  const { recordingId } = recording;
  const create = (body: object) => app.rest('POST', `recordings/${recordingId}/links`, { token: asker, body });
  const made = await create({ expiresInMinutes: 5, maxUses: 2 });
  assert.equal(made.status, 201);
  assert.deepEqual((await pull(made.body.url)).bytes, whole);
  const seek = await pull(made.body.url, { range: 'bytes=1000-' });
  assert.deepEqual([seek.status, seek.bytes.length], [206, whole.length - 1000], 'going on with it is no further use');
  assert.equal((await pull(made.body.url)).status, 200);
  const usedUp = await pull(made.body.url);
  assert.deepEqual([usedUp.status, codeIn(usedUp)], [410, 'recording.link_expired']);
  const [, id = '', signature = ''] = /links\/([^.]+)\.(.+)$/.exec(made.body.url) ?? [];
  const forged = await pull(made.body.url.replace(signature, `${signature[0] === 'A' ? 'B' : 'A'}${signature.slice(1)}`));
  assert.deepEqual([forged.status, codeIn(forged)], [404, 'recording.not_found']);
  assert.equal((await pull(made.body.url.replace(id, crypto.randomUUID()))).status, 404);
  const short = await create({ expiresInMinutes: 0.001 });
  await waitFor('the link to expire', () => Date.now() > Date.parse(short.body.expiresAt));
  assert.equal(codeIn(await pull(short.body.url)), 'recording.link_expired');
  const long = await create({ expiresInMinutes: 600 });
  assert.ok(Date.parse(long.body.expiresAt) < Date.now() + 16 * 60_000, 'no longer than the limit');
});

test('[RX34] each look is an audit row; the many requests of one player are one', async () => {
  const { recordingId } = recording;
  const token = app.tokenFor('auditor', 'admin');
  await pull(recordingId, as(token));
  for (const start of [0, 10, 20]) await pull(`${recordingId}/content`, { ...as(token), range: `bytes=${start}-` });
  await pull(`${recordingId}/archive`, as(token));
  await app.rest('GET', 'recordings', { token });
  const rows = await app.sql('select action, subject from audit_log where actor_id = $1 and action like $2 order by seq', [
    'auditor',
    'recording.%',
  ]);
  assert.deepEqual(
    rows.map(({ action }) => action),
    ['recording.read', 'recording.played', 'recording.downloaded', 'recording.listed'],
  );
});

test('[RX35] it can be put together again in another layout, and is there meanwhile', { timeout: 90_000 }, async () => {
  const { recordingId } = recording;
  const compose = (token: string, body: object) => app.rest('POST', `recordings/${recordingId}/compose`, { token, body });
  assert.equal((await compose(asker, { layout: 'speaker' })).status, 403);
  assert.equal((await compose(room.admin, { layout: 'pyramid' })).status, 400);
  const again = await compose(room.admin, { layout: 'speaker', withNames: true });
  assert.deepEqual([again.status, again.body.status], [202, 'ready']);
  assert.equal((await pull(`${recordingId}/content`, as(asker))).status, 200);
  await waitFor('the new layout', async () => (await room.look(recordingId)).progress === undefined, 60_000);
  const now = await pull(`${recordingId}/content`, as(asker));
  assert.equal(now.status, 200);
  assert.equal((await room.look(recordingId)).composition.layout, 'speaker');
});

test('[RX36] a hold keeps it; deletion destroys its key and every file, and leaves a certificate', async () => {
  const { recordingId } = recording;
  const hold = (method: string) => app.rest(method, `recordings/${recordingId}/hold`, { token: room.admin });
  assert.equal((await hold('PUT')).body.held, true);
  const held = await pull(recordingId, as(room.admin), 'DELETE');
  assert.deepEqual([held.status, codeIn(held)], [409, 'recording.held']);
  await hold('DELETE');
  const keys = () => app.sql('select 1 from data_keys where name = $1', [`recording:${recordingId}`]);
  assert.equal((await keys()).length, 1);
  assert.equal((await pull(recordingId, as(room.admin), 'DELETE')).status, 204);
  assert.equal((await keys()).length, 0);
  assert.equal((await pull(`${recordingId}/content`, as(room.admin))).status, 404);
  await waitFor('its blobs to be gone', () => {
    const files = readdirSync(store.folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    return files.length === 0;
  });
  const [certificate] = await app.sql("select details from audit_log where action = 'recording.deleted' and subject = $1", [recordingId]);
  assert.ok(certificate);
  const { keyDestroyed, files } = certificate['details'];
  assert.deepEqual([keyDestroyed, files.map(({ kind }: { kind: string }) => kind).includes('composite')], [true, true]);
});
