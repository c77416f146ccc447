import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ParleyError, type Recording, type RecordingStanding } from '../../src/client/index.ts';
import {
  type ConsentQuestion,
  fromRecordingSnapshot,
  noRecording,
  standingOf,
  withQuestion,
  withRecording,
} from '../../src/client/recordings/recording-state.ts';
import { StandIn } from './stand-in.ts';

const hasCode = (code: string) => (error: unknown) => error instanceof ParleyError && error.code === code;
const at = '2026-01-01T12:00:00.000Z';
type State = Recording['consents'][number]['state'];

function recording(change: Partial<Recording> = {}, consents: Record<string, State> = { host: 'granted', me: 'asked' }): Recording {
  return {
    recordingId: 'one',
    roomId: 'room',
    requestedBy: 'host',
    purpose: 'Training',
    kinds: ['audio'],
    policy: 'leave_out',
    status: 'requested',
    requestedAt: at,
    composition: { layout: 'grid', gaps: 'cut', withNames: false },
    held: false,
    gaps: [],
    tracks: [],
    consents: Object.entries(consents).map(([userId, state]) => ({
      ...{ userId, state, displayName: userId, granted: state === 'asked' ? null : state === 'granted' },
      ...{ language: 'en', textVersion: 1, askedAt: at, answeredAt: null, withdrawnAt: null },
    })),
    ...change,
  };
}

const question: ConsentQuestion = {
  recordingId: 'one',
  roomId: 'room',
  requestedBy: 'host',
  purpose: 'Training',
  kinds: ['audio'],
  text: 'May we?',
  textVersion: 1,
  language: 'en',
};

test('[CQ1] a question stays open until oneself has answered, on any device, or nobody asks any more', () => {
  const asked = withQuestion(noRecording, question);
  assert.equal(withRecording(asked, recording(), 'me').question, question);
  assert.equal(fromRecordingSnapshot(asked, recording(), 'me').question, question);
  assert.equal(
    withRecording(asked, recording({ status: 'recording' }, { host: 'granted' }), 'me').question,
    question,
    'asked before it lists one',
  );
  assert.equal(withRecording(asked, recording({}, { host: 'granted', me: 'refused' }), 'me').question, undefined);
  assert.equal(fromRecordingSnapshot(asked, recording({ recordingId: 'two' }), 'me').question, undefined);
  assert.equal(fromRecordingSnapshot(asked, null, 'me').question, undefined);
  assert.deepEqual(withRecording(asked, recording({ status: 'refused' }), 'me'), noRecording);
});

test('[CQ2] the room has a recording while people are asked or recorded, and another one’s end is none of its', () => {
  for (const status of ['requested', 'recording', 'paused'] as const) {
    assert.equal(withRecording(noRecording, recording({ status }), 'me').recording?.status, status);
  }
  const running = withRecording(noRecording, recording({ status: 'recording' }), 'me');
  for (const status of ['processing', 'ready', 'failed', 'refused'] as const) {
    assert.deepEqual(withRecording(running, recording({ status }), 'me'), noRecording);
    assert.equal(withRecording(running, recording({ recordingId: 'older', status }), 'me'), running);
  }
});

describe('[CQ3] everybody sees how they stand', () => {
  const rows: [Recording['status'], State | undefined, RecordingStanding][] = [
    ['requested', 'asked', 'asked'],
    ['requested', 'granted', 'agreed'],
    ['requested', 'refused', 'left_out'],
    ['recording', 'granted', 'recorded'],
    ['recording', 'asked', 'left_out'],
    ['recording', undefined, 'left_out'],
    ['recording', 'withdrawn', 'left_out'],
    ['paused', 'granted', 'paused'],
    ['paused', 'refused', 'left_out'],
    ['processing', 'granted', 'none'],
  ];
  for (const [status, own, standing] of rows) {
    test(`${status}, ${own ?? 'not listed'}: ${standing}`, () => {
      assert.equal(standingOf(recording({ status }, { host: 'granted', ...(own && { me: own }) }), 'me'), standing);
    });
  }
});

test('[CQ4] outside a room nothing can be asked, answered or stopped; what is over can still be withdrawn from', async () => {
  await using server = await StandIn.start();
  const client = server.client('me');
  const { recordings } = client;
  await client.connect();
  assert.deepEqual(recordings.view, { recording: null, question: undefined, standing: 'none' });
  await assert.rejects(recordings.request({ purpose: 'Training', kinds: ['audio'] }), hasCode('room.not_joined'));
  await assert.rejects(recordings.consent(true), hasCode('recording.invalid_state'));
  await assert.rejects(recordings.stop(), hasCode('recording.not_found'));
  server.answer('recording:withdraw', ({ recordingId, erase }) => {
    assert.deepEqual([recordingId, erase], ['one', true]);
    return { recording: recording({ status: 'processing' }) };
  });
  assert.equal((await recordings.withdraw({ recordingId: 'one', erase: true })).status, 'processing');
  client.close();
});

test('[CQ5] what has become of a recording is told once, wherever one is, and how far it is', async () => {
  await using server = await StandIn.start();
  const client = server.client('me');
  const { recordings } = client;
  await client.connect();
  const told: string[] = [];
  const failed = new Promise<void>((resolve) => {
    recordings.on('progress', ({ progress }) => told.push(String(progress)));
    recordings.on('ready', ({ recording: { recordingId } }) => told.push(`ready ${recordingId}`));
    recordings.on('failed', ({ recording: { failureReason } }) => resolve(void told.push(failureReason ?? '')));
  });
  server.tell('recording:progress', { recordingId: 'one', progress: 0.5 });
  server.tell('recording:ready', { recording: recording({ status: 'ready', bytes: 10 }) });
  server.tell('recording:ready', { recording: recording({ status: 'ready', bytes: 10 }) });
  server.tell('recording:failed', { recording: recording({ recordingId: 'two', status: 'failed', failureReason: 'nothing_recorded' }) });
  await failed;
  assert.deepEqual(told, ['0.5', 'ready one', 'nothing_recorded']);
  client.close();
});

test('[CQ6] what has been recorded is read, shared, held, put together again and deleted over REST', async () => {
  await using server = await StandIn.start();
  const client = server.client('me');
  const { library } = client.recordings;
  await client.connect();
  const ready = recording({ status: 'ready' });
  server.answerRest('GET /recordings', () => ({ recordings: [ready], cursor: null }));
  server.answerRest('GET /recordings/one', () => ready);
  server.answerRest('POST /recordings/one/links', (_url, body) => ({ url: 'http://here/link', expiresAt: at, ...(body as object) }));
  server.answerRest('GET /recordings/one/consents', () => ({ receipts: [] }));
  server.answerRest('POST /recordings/one/compose', (_url, body) => ({ ...ready, composition: body }));
  server.answerRest('PUT /recordings/one/hold', () => ({ ...ready, held: true }));
  server.answerRest('DELETE /recordings/one/hold', () => ready);
  server.answerRest('DELETE /recordings/one', () => undefined);
  assert.equal((await library.list({ status: 'ready', limit: 5 })).recordings.length, 1);
  assert.equal(server.called.at(-1), 'GET /recordings?status=ready&limit=5');
  assert.equal((await library.get('one')).recordingId, 'one');
  assert.equal((await library.createLink('one', { maxUses: 1 })).url, 'http://here/link');
  assert.deepEqual(await library.consents('one'), []);
  const layout = { layout: 'speaker', gaps: 'show', withNames: true } as const;
  assert.deepEqual((await library.recompose('one', layout)).composition, layout);
  assert.equal((await library.setHold('one', true)).held, true);
  assert.equal((await library.setHold('one', false)).held, false);
  await library.remove('one');
  assert.equal(server.called.at(-1), 'DELETE /recordings/one');
  client.close();
  await assert.rejects(library.get('one'), hasCode('client.closed'));
});
