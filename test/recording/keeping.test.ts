import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { temporaryFolder } from '../storage/stores.ts';
import { codeOf } from '../support/refusal.ts';
import { startTestApp } from '../support/test-app.ts';
import { waitFor } from '../support/wait-for.ts';
import { Consultation } from './consultation.ts';

const usersOf = ({ tracks }: { tracks: { userId: string }[] }) => [...new Set(tracks.map(({ userId }) => userId))].sort();

/** Files that the capture of a recording has written, and their bytes in all. */
function captured(dataDir: string, recordingId: string): number {
  const folder = path.join(dataDir, 'recordings', recordingId);
  return existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.webm')).length : 0;
}

test('[RX10] withdrawing stops the taps within a second; with erase nothing of that person is kept', { timeout: 120_000 }, async () => {
  using data = temporaryFolder();
  await using app = await startTestApp({ DATA_DIR: data.folder });
  const room = await Consultation.start(app, { sends: true });
  const ada = await room.enter('ada', { sends: true });
  const { recordingId } = await room.ask();
  await room.answer(ada, true);
  await waitFor('four files', () => captured(data.folder, recordingId) === 4);
  await room.captured(1);
  const since = Date.now();
  const { recording } = await ada.client.request('recording:withdraw', { recordingId, erase: true });
  assert.ok(Date.now() - since < 1_000, 'within a second');
  assert.equal(recording.status, 'recording', 'the other one goes on');
  assert.equal(captured(data.folder, recordingId), 2, 'what was written of them is gone');
  await room.host.client.notice('recording:consentChanged', (notice) =>
    notice.recording.consents.some(({ state }) => state === 'withdrawn'),
  );
  await room.captured(1);
  await room.host.client.request('recording:stop', { recordingId });
  assert.deepEqual(usersOf(await room.ready(recordingId)), ['host']);
  await waitFor('the local copy to be gone', () => !existsSync(path.join(data.folder, 'recordings', recordingId)));
});

test('[RX2] not a packet of somebody who comes later is written before they agree', { timeout: 120_000 }, async () => {
  using data = temporaryFolder();
  await using app = await startTestApp({ DATA_DIR: data.folder });
  const room = await Consultation.start(app, { sends: true });
  const { recordingId } = await room.ask(['audio', 'video']);
  await waitFor('two files', () => captured(data.folder, recordingId) === 2);
  const late = await room.enter('late', { sends: true });
  await room.captured(1);
  assert.equal(captured(data.folder, recordingId), 2);
  await room.answer(late, true);
  await waitFor('their files', () => captured(data.folder, recordingId) === 4);
});

test('[RX11] who withdraws when all is over is taken out of the tracks, and the rest is put together anew', {
  timeout: 120_000,
}, async () => {
  await using app = await startTestApp();
  const room = await Consultation.start(app, { sends: true });
  const ada = await room.enter('ada', { sends: true });
  const { recordingId } = await room.ask(['audio']);
  await room.answer(ada, true);
  await room.captured(2);
  await room.host.client.request('recording:stop', { recordingId });
  assert.deepEqual(usersOf(await room.ready(recordingId)), ['ada', 'host']);
  const { recording } = await ada.client.request('recording:withdraw', { recordingId, erase: true });
  assert.deepEqual([recording.status, recording.bytes, usersOf(recording)], ['processing', undefined, ['host']]);
  const again = await room.ready(recordingId);
  assert.ok((again.bytes ?? 0) > 0);
  await room.host.client.request('recording:withdraw', { recordingId, erase: true });
  await waitFor('nothing to be left', async () => (await room.look(recordingId)).status === 'failed', 30_000);
  assert.equal((await room.look(recordingId)).failureReason, 'nothing_recorded', 'never an empty ready');
});

test('[RX12] pause and resume give one recording with a marked gap', { timeout: 120_000 }, async () => {
  await using app = await startTestApp();
  const room = await Consultation.start(app, { sends: true });
  const ada = await room.enter('ada');
  const { recordingId } = await room.ask();
  await room.answer(ada, true);
  await room.captured(1.5);
  await room.host.client.request('recording:pause', { recordingId });
  assert.equal((await ada.client.notice('recording:paused')).reason, 'by_moderator');
  assert.equal(await codeOf(room.host.client.request('recording:pause', { recordingId })), 'recording.invalid_state');
  await room.captured(1.5);
  await room.host.client.request('recording:resume', { recordingId });
  await ada.client.notice('recording:resumed');
  await room.captured(1.5);
  await room.host.client.request('recording:stop', { recordingId });
  const { gaps, startedAt = '', endedAt = '', durationSeconds = 0 } = await room.ready(recordingId);
  assert.equal(gaps.length, 1);
  const [gap] = gaps;
  const stoodMs = Date.parse(gap?.endedAt ?? '') - Date.parse(gap?.startedAt ?? '');
  const recordedMs = Date.parse(endedAt) - Date.parse(startedAt) - stoodMs;
  assert.ok(stoodMs > 1_000 && Math.abs(recordedMs - durationSeconds * 1_000) < 500, `${recordedMs} ms against ${durationSeconds} s`);
});

test('[RX13] no recording begins without room on the disk; running low pauses recordings, announced', { timeout: 60_000 }, async () => {
  let free = 0;
  await using app = await startTestApp({ RECORDING_MIN_FREE_BYTES: '1000' }, { freeBytes: async () => free });
  const room = await Consultation.start(app, { sends: true });
  await assert.rejects(room.ask(), { code: 'recording.no_capacity', details: { reason: 'disk' } });
  free = 2_000;
  const { recordingId } = await room.ask();
  free = 500;
  const { reason, recording } = await room.host.client.notice('recording:paused');
  assert.deepEqual([reason, recording.status, recording.gaps[0]?.reason], ['disk_low', 'paused', 'disk_low']);
  assert.equal(await codeOf(room.host.client.request('recording:resume', { recordingId })), 'recording.no_capacity');
  free = 2_000;
  assert.equal((await room.host.client.request('recording:resume', { recordingId })).recording.status, 'recording');
});

test('[RX13] no recording begins on a server that has no CPU to spare', async () => {
  await using app = await startTestApp({ RECORDING_MAX_LOAD: '0.000001' });
  const room = await Consultation.start(app);
  await assert.rejects(room.ask(), { code: 'recording.no_capacity', details: { reason: 'cpu' } });
});

test('[RX14] a recording in which nobody sent anything has failed, and says so', async () => {
  await using app = await startTestApp();
  const room = await Consultation.start(app);
  const { recordingId } = await room.ask();
  await room.host.client.request('recording:stop', { recordingId });
  const { recording } = await room.host.client.notice('recording:failed');
  assert.deepEqual([recording.status, recording.failureReason], ['failed', 'nothing_recorded']);
  assert.equal((await app.rest('GET', `recordings/${recordingId}/content`, { token: room.admin })).status, 409);
});

test('[RX15] the last one to leave ends the recording; what was captured is kept', { timeout: 120_000 }, async () => {
  await using app = await startTestApp();
  const room = await Consultation.start(app, { sends: true });
  const { recordingId } = await room.ask();
  await room.captured(1.5);
  await room.host.client.request('room:leave', {});
  assert.ok((await room.ready(recordingId)).durationSeconds);
});

test('[RX16] a worker’s death cuts tracks into parts, and the recording goes on', { timeout: 120_000 }, async () => {
  await using app = await startTestApp();
  const room = await Consultation.start(app, { sends: true });
  const { recordingId } = await room.ask(['audio']);
  await room.captured(1.5);
  const [worker] = app.app.workers.workers();
  assert.ok(worker?.pid);
  process.kill(worker.pid, 'SIGKILL');
  await room.host.client.notice('room:mediaLost');
  const { media } = await room.host.client.joinWithMedia(room.roomId);
  await media.publishAudio();
  await room.captured(2);
  await room.host.client.request('recording:stop', { recordingId });
  const { tracks } = await room.ready(recordingId);
  assert.deepEqual(
    tracks.map(({ parts }) => parts.length),
    [2],
  );
});

test('[RX17] recordings are deleted when their purpose’s time is over, unless a hold keeps them', async () => {
  await using app = await startTestApp({ RECORDING_RETENTION_DAYS: '30, Training=7' });
  const room = await Consultation.start(app);
  const ids: string[] = [];
  for (let index = 0; index < 2; index += 1) {
    const { recordingId, deleteAt = '', requestedAt } = await room.ask();
    assert.ok(Math.abs(Date.parse(deleteAt) - Date.parse(requestedAt) - 7 * 86_400_000) < 5_000);
    await room.host.client.request('recording:stop', { recordingId });
    await room.host.client.notice('recording:failed');
    ids.push(recordingId);
  }
  const [held = '', due = ''] = ids;
  await app.rest('PUT', `recordings/${held}/hold`, { token: room.admin });
  await app.sql("update recordings set delete_at = now() - interval '1 minute'");
  await app.sql("select graphile_worker.add_job('recordings:removeOld')");
  await waitFor('the one to be deleted', async () => (await app.rest('GET', `recordings/${due}`, { token: room.admin })).status === 404);
  assert.equal((await room.look(held)).held, true);
  const rows = await app.sql("select actor_id, subject from audit_log where action = 'recording.deleted'");
  assert.deepEqual(rows, [{ actor_id: 'parley', subject: due }]);
});

test('[RX19, RX37] ending the room tells of its recording; those who agreed may see and play it by setting', {
  timeout: 120_000,
}, async () => {
  await using app = await startTestApp({ RECORDING_PARTICIPANT_ACCESS: 'true' });
  const room = await Consultation.start(app, { sends: true });
  const ada = await room.enter('ada');
  const bob = await room.enter('bob');
  const { recordingId } = await room.ask(['audio']);
  await room.answer(ada, true);
  await room.answer(bob, false);
  await room.captured(1.5);
  const { body } = await app.rest('PUT', `rooms/${room.roomId}/end`, { token: app.tokenFor('host') });
  assert.deepEqual(body.recording, { available: true, url: `${app.url}/api/v1/recordings/${recordingId}` });
  await room.ready(recordingId);
  const asks = async (userId: string, where: string) => (await app.rest('GET', where, { token: app.tokenFor(userId, 'patient') })).status;
  assert.equal(await asks('ada', `recordings/${recordingId}/content`), 200);
  assert.equal(await asks('ada', `recordings/${recordingId}/archive`), 403);
  assert.equal(await asks('bob', `recordings/${recordingId}/content`), 404, 'who has refused is a stranger to it');
  const { recordings } = (await app.rest('GET', 'recordings', { token: app.tokenFor('ada', 'patient') })).body;
  assert.equal(recordings.length, 1);
});
