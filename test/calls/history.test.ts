import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { outcomeOf, person, unlimited } from '../chat/chat-fixture.ts';
import { startTestApp, type TestApp } from '../support/test-app.ts';

let app: TestApp & AsyncDisposable;
before(async () => {
  app = await startTestApp(unlimited);
});
after(() => app[Symbol.asyncDispose]());

test('[CA40] every step of a call works over REST, with the answers of the socket', async () => {
  const [doctor, patient] = [person(app, 'doctor'), person(app, 'patient', 'patient')];
  const phone = await patient.connect();
  const made = await doctor.rest('POST', 'calls', { calleeIds: [patient.userId], type: 'video' });
  assert.equal(made.status, 201);
  const { callId } = made.body;
  assert.deepEqual([made.body.status, made.body.call.callId], ['ringing', callId]);
  await phone.notice('call:incoming');
  const accepted = await patient.rest('POST', `calls/${callId}/accept`);
  assert.deepEqual([accepted.status, accepted.body.call.status], [200, 'accepted']);
  assert.deepEqual(outcomeOf(await patient.rest('POST', `calls/${callId}/accept`, {})), [409, 'call.invalid_state']);
  const ended = await doctor.rest('POST', `calls/${callId}/end`, { reason: 'done' });
  assert.deepEqual([ended.status, ended.body.call.endReason], [200, 'user_hangup']);
  const second = (await doctor.rest('POST', 'calls', { calleeIds: [patient.userId], type: 'voice' })).body;
  assert.equal((await patient.rest('POST', `calls/${second.callId}/decline`, { reason: 'later' })).body.call.status, 'declined');
  const third = (await doctor.rest('POST', 'calls', { calleeIds: [patient.userId], type: 'voice' })).body;
  assert.equal((await doctor.rest('POST', `calls/${third.callId}/cancel`)).body.call.status, 'cancelled');
  assert.deepEqual(outcomeOf(await doctor.rest('POST', 'calls', { calleeIds: [], type: 'video' })), [400, 'protocol.invalid_payload']);
  assert.equal((await app.rest('GET', 'calls')).status, 401);
});

test('[CA41] one’s calls come in pages, newest first, narrowed by type, status and time', async () => {
  const [doctor, patient] = [person(app, 'doctor'), person(app, 'patient', 'patient')];
  const ids: string[] = [];
  for (const type of ['video', 'voice', 'video', 'voice', 'video'] as const) {
    const { callId } = (await doctor.rest('POST', 'calls', { calleeIds: [patient.userId], type })).body;
    await doctor.rest('POST', `calls/${callId}/cancel`);
    ids.unshift(callId);
  }
  const idsOf = ({ body }: { body: { calls: { callId: string }[] } }) => body.calls.map(({ callId }) => callId);
  const first = await patient.rest('GET', 'calls?limit=2');
  assert.deepEqual([idsOf(first), first.body.page, first.body.limit, first.body.total], [ids.slice(0, 2), 1, 2, 5]);
  assert.deepEqual(idsOf(await patient.rest('GET', 'calls?limit=2&page=3')), ids.slice(4));
  assert.deepEqual(idsOf(await patient.rest('GET', 'calls?limit=2&page=4')), []);
  assert.deepEqual(idsOf(await patient.rest('GET', 'calls?type=voice')), [ids[1], ids[3]]);
  assert.deepEqual(idsOf(await patient.rest('GET', 'calls?status=missed')), []);
  assert.equal((await patient.rest('GET', 'calls?status=cancelled')).body.total, 5);
  const third = (await patient.rest('GET', `calls/${ids[2]}`)).body;
  assert.deepEqual(idsOf(await patient.rest('GET', `calls?from=${third.initiatedAt}`)), ids.slice(0, 3));
  assert.deepEqual(idsOf(await patient.rest('GET', `calls?to=${third.initiatedAt}`)), ids.slice(3));
  for (const wrong of ['limit=0', 'limit=101', 'page=0', 'type=fax', 'status=x', 'from=2026-02-31T00:00:00Z', 'nonsense=1']) {
    assert.deepEqual(outcomeOf(await patient.rest('GET', `calls?${wrong}`)), [400, 'protocol.invalid_payload'], wrong);
  }
  assert.deepEqual(idsOf(await person(app, 'stranger').rest('GET', 'calls')), []);
});

test('[CA42] the list comes as CSV, too, in which nothing is a formula', async () => {
  const [doctor, patient] = [person(app, 'doctor'), person(app, '@patient', 'patient')];
  const { callId } = (await doctor.rest('POST', 'calls', { calleeIds: [patient.userId], type: 'video' })).body;
  await doctor.rest('POST', `calls/${callId}/cancel`);
  const { status, headers, body } = await doctor.rest('GET', 'calls?format=csv');
  assert.deepEqual([status, headers.get('content-type')], [200, 'text/csv; charset=utf-8']);
  const [head, row, rest] = String(body).split('\r\n');
  assert.match(head ?? '', /^callId,type,status,endReason,reason,callerId,calleeIds,/);
  assert.ok(row?.startsWith(`${callId},video,cancelled,caller_cancelled,,${doctor.userId},'${patient.userId},`), row);
  assert.equal(rest, '');
});

test('[CA43] one’s calls of the last days in numbers', async () => {
  const [doctor, patient] = [person(app, 'doctor'), person(app, 'patient', 'patient')];
  const ring = async (type: 'video' | 'voice') =>
    (await doctor.rest('POST', 'calls', { calleeIds: [patient.userId], type })).body.callId as string;
  const declined = await ring('video');
  await patient.rest('POST', `calls/${declined}/decline`);
  const cancelled = await ring('voice');
  await doctor.rest('POST', `calls/${cancelled}/cancel`);
  for (const seconds of [10, 20]) {
    const completed = await ring('voice');
    await patient.rest('POST', `calls/${completed}/accept`);
    await doctor.rest('POST', `calls/${completed}/end`);
    await app.sql(
      'update calls set connected_at = ended_at - make_interval(secs => $2), accepted_at = ended_at - make_interval(secs => $2 + 1) where call_id = $1',
      [completed, seconds],
    );
  }
  const { body } = await doctor.rest('GET', 'calls/stats?period=7d');
  assert.deepEqual(body, {
    total: 4,
    completed: 2,
    missed: 0,
    declined: 1,
    cancelled: 1,
    busy: 0,
    failed: 0,
    video: 1,
    voice: 3,
    averageDurationSeconds: 15,
    averageSetupMs: 1000,
  });
  await app.sql("update calls set initiated_at = now() - interval '40 days' where call_id = $1", [declined]);
  assert.equal((await doctor.rest('GET', 'calls/stats')).body.total, 3);
  for (const wrong of ['0d', '30', '-1d', '30w', '99999d']) {
    assert.deepEqual(outcomeOf(await doctor.rest('GET', `calls/stats?period=${wrong}`)), [400, 'protocol.invalid_payload'], wrong);
  }
});

test('[CA44] admins read any call, and the audit log shows it', async () => {
  const [doctor, patient, admin] = [person(app, 'doctor'), person(app, 'patient', 'patient'), person(app, 'admin', 'admin')];
  const { callId } = (await doctor.rest('POST', 'calls', { calleeIds: [patient.userId], type: 'video' })).body;
  assert.equal((await admin.rest('GET', `calls/${callId}`)).body.callId, callId);
  assert.deepEqual(
    (await admin.rest('GET', `calls?userId=${doctor.userId}`)).body.calls.map((call: { callId: string }) => call.callId),
    [callId],
  );
  assert.deepEqual(outcomeOf(await patient.rest('GET', `calls?userId=${doctor.userId}`)), [403, 'auth.forbidden']);
  const rows = await app.sql<{ action: string; actor_id: string }>(
    'select action, actor_id from audit_log where subject = $1 order by seq',
    [callId],
  );
  assert.deepEqual(rows, [
    { action: 'call.initiated', actor_id: doctor.userId },
    { action: 'call.read_by_staff', actor_id: admin.userId },
  ]);
});
