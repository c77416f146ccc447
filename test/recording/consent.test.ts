import assert from 'node:assert/strict';
import { test } from 'node:test';
import { codeOf } from '../support/refusal.ts';
import { startTestApp } from '../support/test-app.ts';
import { Consultation } from './consultation.ts';

const statesOf = ({ consents }: { consents: { userId: string; state: string }[] }) =>
  Object.fromEntries(consents.map(({ userId, state }) => [userId, state]));

test('[RX1] asking is one’s own grant; everybody else in the room is asked in their language, with the text in force', async () => {
  await using app = await startTestApp();
  const service = app.tokenFor('portal', 'service');
  const set = await app.rest('PUT', 'recordings/texts/de', { token: service, body: { text: 'Darf aufgenommen werden?' } });
  assert.deepEqual([set.status, set.body.textVersion], [200, 2]);
  await app.rest('PATCH', 'users/me', { token: app.tokenFor('ada', 'patient'), body: { locale: 'de-CH' } });
  const room = await Consultation.start(app);
  const ada = await room.enter('ada');
  const bob = await room.enter('bob');
  const recording = await room.ask(['audio']);
  assert.equal(recording.status, 'requested');
  assert.deepEqual(statesOf(recording), { host: 'granted', ada: 'asked', bob: 'asked' });
  const asked = await ada.client.notice('recording:consentRequested');
  assert.deepEqual([asked.text, asked.textVersion, asked.language], ['Darf aufgenommen werden?', 2, 'de']);
  assert.deepEqual([asked.purpose, asked.kinds, asked.requestedBy], ['Training', ['audio'], 'host']);
  assert.equal((await bob.client.notice('recording:consentRequested')).language, 'en');
  assert.equal(room.host.client.pending('recording:consentRequested'), 0);
});

test('[RX2] under leave_out recording starts with the first two grants, or when all have answered; who refuses is left out', async () => {
  await using app = await startTestApp();
  const room = await Consultation.start(app);
  const ada = await room.enter('ada');
  const bob = await room.enter('bob');
  const { recordingId } = await room.ask();
  await room.answer(ada, false);
  assert.equal((await room.look(recordingId)).status, 'requested', 'bob has not answered');
  assert.equal((await room.answer(bob, true)).status, 'recording');
  const { recording } = await ada.client.notice('recording:started');
  assert.deepEqual(statesOf(recording), { host: 'granted', ada: 'refused', bob: 'granted' });
  const late = await room.enter('late');
  const snapshot = await late.client.join(room.roomId);
  assert.equal(snapshot.recording?.recordingId, recordingId, 'whoever comes sees that it is recorded');
  assert.equal((await late.client.notice('recording:consentRequested')).recordingId, recordingId);
});

test('[RX3] under unanimous one refusal refuses it, and everybody must have agreed', async () => {
  await using app = await startTestApp({ RECORDING_POLICY: 'unanimous' });
  const room = await Consultation.start(app);
  const ada = await room.enter('ada');
  const bob = await room.enter('bob');
  await room.ask();
  assert.equal((await room.answer(ada, true)).status, 'requested');
  assert.equal((await room.answer(bob, false)).status, 'refused');
  await ada.client.notice('recording:stopped', ({ recording }) => recording.status === 'refused');
  await room.ask();
  await room.answer(ada, true);
  assert.equal((await room.answer(bob, true)).status, 'recording');
  const late = await room.enter('late');
  assert.equal((await room.answer(late, false)).status, 'processing', 'one who comes later and refuses ends it');
});

test('[RX4] an answer counts for oneself alone, with the text in force, and once', async () => {
  await using app = await startTestApp();
  const room = await Consultation.start(app);
  const ada = await room.enter('ada');
  const bob = await room.enter('bob');
  const { recordingId } = await room.ask();
  assert.equal(
    await codeOf(ada.client.send('recording:consent', { recordingId, granted: true, textVersion: 1, userId: 'bob' })),
    'protocol.invalid_payload',
  );
  await app.rest('PUT', 'recordings/texts/en', { token: room.admin, body: { text: 'Read this.' } });
  await assert.rejects(ada.client.request('recording:consent', { recordingId, granted: true, textVersion: 1 }), {
    code: 'recording.text_outdated',
    details: { language: 'en', textVersion: 2, text: 'Read this.' },
  });
  await ada.client.request('recording:consent', { recordingId, granted: false, textVersion: 2 });
  assert.equal(
    await codeOf(ada.client.request('recording:consent', { recordingId, granted: true, textVersion: 2 })),
    'recording.invalid_state',
  );
  assert.equal(
    (await bob.client.request('recording:consent', { recordingId, granted: true, textVersion: 2 })).recording.status,
    'recording',
  );
  const again = await bob.client.request('recording:consent', { recordingId, granted: true, textVersion: 2 });
  assert.equal(again.recording.status, 'recording', 'the same answer again changes nothing');
});

test('[RX5] asking needs the right, the room, and that nobody else asks: each has its code', async () => {
  await using app = await startTestApp();
  const room = await Consultation.start(app);
  const { roomId } = room;
  const ada = await room.enter('ada');
  const request = { roomId, purpose: 'Training', kinds: ['audio' as const] };
  assert.equal(await codeOf(ada.client.request('recording:request', request)), 'auth.forbidden');
  const stranger = await app.connect('stranger');
  assert.equal(await codeOf(stranger.request('recording:request', request)), 'room.not_joined');
  const { recordingId } = await room.ask();
  assert.equal(await codeOf(room.host.client.request('recording:request', request)), 'recording.invalid_state');
  assert.equal(await codeOf(stranger.request('recording:consent', { recordingId, granted: true, textVersion: 1 })), 'recording.not_found');
  assert.equal(await codeOf(stranger.request('recording:stop', { recordingId })), 'recording.not_found');
  assert.equal(await codeOf(ada.client.request('recording:stop', { recordingId })), 'auth.forbidden');
  assert.equal(await codeOf(room.host.client.request('recording:pause', { recordingId })), 'recording.consent_required');
  assert.equal(await codeOf(room.host.client.request('recording:withdraw', { recordingId: crypto.randomUUID() })), 'recording.not_found');
  await room.host.client.request('room:end', {});
  assert.equal(await codeOf(room.host.client.request('recording:request', request)), 'room.ended');
  await room.host.client.notice('recording:failed');
  const { status, failureReason } = await room.look(recordingId);
  assert.deepEqual([status, failureReason], ['failed', 'room_ended'], 'the room ended while people were asked');
});

test('[RX6] without ffmpeg recording is off and says so, and everything else works', async () => {
  await using app = await startTestApp({ FFMPEG_PATH: '/nowhere/ffmpeg' });
  const room = await Consultation.start(app);
  assert.equal(await codeOf(room.ask()), 'recording.disabled');
  assert.equal((await app.rest('GET', 'recordings', { token: room.admin })).status, 200);
});

test('[RX7] who leaves without a word is not waited for', async () => {
  await using app = await startTestApp();
  const room = await Consultation.start(app);
  const ada = await room.enter('ada');
  const { recordingId } = await room.ask();
  await ada.client.request('room:leave', {});
  const { recording } = await room.host.client.notice('recording:started');
  assert.equal(recording.recordingId, recordingId);
});

test('[RX8] receipts of consent can be exported: who, for what, which text, when', async () => {
  await using app = await startTestApp();
  const room = await Consultation.start(app);
  const ada = await room.enter('ada');
  const { recordingId } = await room.ask(['audio', 'video']);
  await room.answer(ada, true);
  await ada.client.request('recording:withdraw', { recordingId, erase: true });
  const { status, body } = await app.rest('GET', `recordings/${recordingId}/consents`, { token: room.admin });
  assert.equal(status, 200);
  const [host, own] = body.receipts;
  assert.deepEqual([host.piiPrincipalId, host.state], ['host', 'granted']);
  assert.deepEqual(
    [
      own.piiPrincipalId,
      own.state,
      own.purpose,
      own.piiCategories,
      own.notice.version,
      own.events.map(({ type }: { type: string }) => type),
    ],
    ['ada', 'withdrawn', 'Training', ['audio', 'video'], 1, ['requested', 'given', 'withdrawn', 'erased']],
  );
  assert.match(own.notice.text, /is to be recorded/);
  assert.equal(await codeOf(ada.client.request('recording:withdraw', { recordingId })), 'recording.invalid_state');
});

test('[RX3] under unanimous a withdrawal ends it', async () => {
  await using app = await startTestApp({ RECORDING_POLICY: 'unanimous' });
  const room = await Consultation.start(app);
  const ada = await room.enter('ada');
  const { recordingId } = await room.ask();
  await room.answer(ada, true);
  assert.equal((await ada.client.request('recording:withdraw', { recordingId })).recording.status, 'processing');
  await room.host.client.notice('recording:stopped');
});

test('[RX2] who has not answered is asked again on entering, and a refusal of all but the asker does not hold it up', async () => {
  await using app = await startTestApp();
  const room = await Consultation.start(app);
  const ada = await room.enter('ada');
  const bob = await room.enter('bob');
  const { recordingId } = await room.ask();
  const again = await app.connect('ada', 'patient');
  const snapshot = await again.join(room.roomId);
  assert.equal(snapshot.recording?.status, 'requested');
  assert.equal((await again.notice('recording:consentRequested')).recordingId, recordingId, 'in the other tab');
  await room.answer(ada, false);
  assert.equal((await room.answer(bob, false)).status, 'recording', 'all have answered');
});

test('[RX18] only admins and services set texts; receipts keep the text that was read', async () => {
  await using app = await startTestApp();
  const set = (token: string, text: string) => app.rest('PUT', 'recordings/texts/en', { token, body: { text } });
  assert.equal((await set(app.tokenFor('host'), 'Mine')).status, 403);
  const room = await Consultation.start(app);
  const [first, second] = await Promise.all([set(room.admin, 'One'), set(room.admin, 'Another')]);
  assert.deepEqual([first.body.textVersion, second.body.textVersion].sort(), [2, 3], 'two at once make two versions');
  const { body } = await app.rest('GET', 'recordings/texts', { token: app.tokenFor('host') });
  assert.deepEqual(
    body.texts.map(({ language, textVersion }: { language: string; textVersion: number }) => [language, textVersion]),
    [['en', 3]],
  );
  const { recordingId } = await room.ask();
  await set(room.admin, 'The latest');
  const { receipts } = (await app.rest('GET', `recordings/${recordingId}/consents`, { token: room.admin })).body;
  assert.deepEqual(
    [receipts[0].notice.version, receipts[0].notice.text],
    [3, [first, second].find(({ body: one }) => one.textVersion === 3)?.body.text],
  );
});

test('[RX1] a guest with a token for the room alone is asked as everybody else', async () => {
  await using app = await startTestApp();
  const { roomId, guestToken } = await app.createRoom();
  const host = await app.connect('host');
  await host.join(roomId);
  const guest = await app.connect('', 'patient', { token: guestToken });
  await guest.join(roomId);
  await host.request('recording:request', { roomId, purpose: 'Training', kinds: ['audio'] });
  const { recordingId, textVersion } = await guest.notice('recording:consentRequested');
  const { recording } = await guest.request('recording:consent', { recordingId, granted: true, textVersion });
  assert.equal(recording.status, 'recording');
});

test('[RX4] of many answers at once each counts once, and recording starts once', async () => {
  await using app = await startTestApp();
  const room = await Consultation.start(app);
  const people = [];
  for (const userId of ['a', 'b', 'c', 'd']) people.push(await room.enter(userId));
  await Promise.all([room.ask(), ...[1, 2].map(() => codeOf(room.ask()))]);
  await Promise.all(people.map((person, index) => room.answer(person, index % 2 === 0)));
  const { recording } = await room.host.client.notice('recording:consentChanged', ({ recording: one }) =>
    one.consents.every(({ state }) => state !== 'asked'),
  );
  assert.deepEqual(statesOf(recording), { host: 'granted', a: 'granted', b: 'refused', c: 'granted', d: 'refused' });
  const [row] = await app.sql("select count(*)::int as started from audit_log where action = 'recording.started'");
  assert.deepEqual(row, { started: 1 });
});
