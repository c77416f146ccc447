import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { io } from 'socket.io-client';
import { AppError } from '../../src/protocol/errors.ts';
import type { RequestName } from '../../src/protocol/index.ts';
import { requests } from '../../src/protocol/index.ts';
import { codeOf } from '../support/refusal.ts';
import { startTestApp } from '../support/test-app.ts';
import type { TestClient } from '../support/test-client.ts';
import { waitFor } from '../support/wait-for.ts';
import { closedBy, rawCode } from './raw-request.ts';

let app: Awaited<ReturnType<typeof startTestApp>>;
let roomId: string;
before(async () => {
  app = await startTestApp({ LIMIT_REQUESTS_PER_SECOND: '0' });
  ({ roomId } = await app.createRoom());
});
after(() => app[Symbol.asyncDispose]());

/** The connection is the one it was, and answers. */
async function assertAlive(client: TestClient): Promise<void> {
  assert.equal(client.socket.connected, true);
  assert.deepEqual(await client.request('room:leave', {}), {});
}

async function errorOf(answer: Promise<unknown>): Promise<AppError> {
  const error = await answer.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof AppError);
  return error;
}

test('[SG1] every answer is {ok: true, data} or {ok: false, error: {code, message, details?}}', async () => {
  const client = await app.connect('ada');
  assert.deepEqual(await client.socket.emitWithAck('room:leave', {}), { ok: true, data: {} });
  assert.deepEqual(await client.socket.emitWithAck('room:lock', {}), {
    ok: false,
    error: { code: 'room.not_joined', message: 'Join a room first.' },
  });
});

test('[SG2] an event that is no request is answered with protocol.unknown_event, whatever its name', async () => {
  const client = await app.connect('ada');
  const names = [
    'nothing:here',
    '__proto__',
    'constructor',
    'prototype',
    'toString',
    'hasOwnProperty',
    'valueOf',
    '',
    ' ',
    'room',
    'room:',
    ':join',
  ];
  const others = [
    'ROOM:JOIN',
    'room:join ',
    'session:ready',
    'room:participantJoined',
    'error',
    'message',
    'x'.repeat(100_000),
    '\0',
    '💥',
  ];
  for (const name of [...names, ...others]) assert.equal(await codeOf(client.send(name, {})), 'protocol.unknown_event', name.slice(0, 50));
  for (const name of ['7', '-1', '1.5', '1e3']) assert.equal(await rawCode(client, `[${name},{}]`), 'protocol.unknown_event', name);
  assert.equal(await rawCode(client, ''), 'protocol.unknown_event', 'no name at all');
  await assertAlive(client);
});

test('[SG2] a packet that is none closes its connection and harms nobody else', async () => {
  const bystander = await app.connect('bob');
  const packets = [
    '2["disconnect"]',
    '2["connect",{}]',
    '2["newListener",{}]',
    '2[null]',
    '2[]',
    '2{}',
    'garbage',
    '9',
    '51-["room:join"',
    '599999-["room:join"]',
  ];
  for (const packet of packets) {
    const client = await app.connect('ada');
    await closedBy(client, packet);
  }
  await closedBy(await app.connect('ada'), Buffer.from('nobody announced this'));
  await closedBy(await app.connect('ada'), '51-["room:join",{"_placeholder":true,"num":0}]', '2["room:leave"]');
  await closedBy(await app.connect('ada'), '51-["room:join",{"_placeholder":true,"num":99}]', Buffer.from('x'));
  await assertAlive(bystander);
});

test('[SG2] there is no other namespace', async () => {
  const socket = io(`${app.url}/admin`, {
    auth: { token: app.tokenFor('root', 'admin') },
    transports: ['websocket'],
    reconnection: false,
    forceNew: true,
  });
  const { promise, resolve } = Promise.withResolvers<Error>();
  socket.once('connect_error', resolve);
  assert.equal((await promise).message, 'Invalid namespace');
  socket.close();
});

test('[SG3] a payload that does not fit names the field and stores nothing', async () => {
  const client = await app.connect('ada');
  const cases: [RequestName, unknown, string][] = [
    ['room:join', {}, 'roomId'],
    ['room:join', { roomId: '' }, 'roomId'],
    ['room:join', { roomId: null }, 'roomId'],
    ['room:join', { roomId, rtpCapabilities: { codecs: [{ kind: 'smell' }] } }, 'rtpCapabilities.codecs.0.kind'],
    ['room:join', { roomId, colour: 'red' }, 'colour'],
    ['room:join', { roomId, device: 7 }, 'device'],
    ['room:join', { roomId, token: 'x'.repeat(20_000) }, 'token'],
    ['room:raiseHand', { raised: 'yes' }, 'raised'],
    ['room:raiseHand', { raised: 1 }, 'raised'],
    ['room:leave', { roomId }, 'roomId'],
    ['room:leave', { ['__proto__x']: 1 }, '__proto__x'],
    ['auth:renew', { token: '' }, 'token'],
    ['auth:renew', {}, 'token'],
    ['media:consume', { producerId: '', rtpCapabilities: {} }, 'producerId'],
    ['media:setPriority', { consumerId: 'x', priority: 1.5 }, 'priority'],
    ['media:setPriority', { consumerId: 'x', priority: 256 }, 'priority'],
    ['media:produce', { transportId: 'x', source: 'hologram', rtpParameters: { codecs: [] } }, 'source'],
  ];
  for (const [name, payload, field] of cases) {
    const { code, details } = await errorOf(client.send(name, payload));
    assert.equal(code, 'protocol.invalid_payload', `${name} ${field}`);
    assert.equal(details?.['field'], field, name);
    assert.ok(Array.isArray(details['issues']) && details['issues'].length <= 10);
  }
  await assertAlive(client);
});

test('[SG3] a payload of own "__proto__" or "constructor" pollutes nothing', async () => {
  const client = await app.connect('ada');
  for (const json of ['{"__proto__":{"polluted":true}}', '{"constructor":{"prototype":{"polluted":true}}}']) {
    assert.equal(await rawCode(client, `["room:raiseHand",${json}]`), 'protocol.invalid_payload');
    assert.equal(
      await rawCode(client, `["room:join",{"roomId":"nowhere","device":${json}}]`),
      'room.not_found',
      'a device may say what it likes',
    );
  }
  assert.equal(({} as Record<string, unknown>)['polluted'], undefined);
  await assertAlive(client);
});

test('[SG3] what is no object is no payload; none at all and null count as an empty one', async () => {
  const client = await app.connect('ada');
  for (const payload of ['text', 7, true, [], [{}], Buffer.from('x')]) {
    for (const name of ['room:leave', 'room:join', 'auth:renew'] as const) {
      assert.equal(await codeOf(client.send(name, payload)), 'protocol.invalid_payload', `${name} ${String(payload)}`);
    }
  }
  assert.equal(await codeOf(client.send('room:leave', {}, {})), 'protocol.invalid_payload');
  assert.equal(await codeOf(client.send('room:leave', {}, 'text', 7)), 'protocol.invalid_payload');
  assert.deepEqual(await client.send('room:leave'), {});
  assert.deepEqual(await client.send('room:leave', null), {});
  await assertAlive(client);
});

test('[SG3] a payload of 10,000 levels is refused like any other that does not fit', async () => {
  const client = await app.connect('ada');
  for (const levels of [10_000, 200_000]) {
    const lists = '['.repeat(levels) + ']'.repeat(levels);
    const objects = `${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`;
    for (const deep of [lists, levels > 10_000 ? lists : objects]) {
      assert.equal(await rawCode(client, `["room:leave",${deep}]`), 'protocol.invalid_payload');
      assert.equal(await rawCode(client, `["room:join",{"roomId":${deep}}]`), 'protocol.invalid_payload');
      const codecs = `[{"kind":"audio","mimeType":"audio/opus","clockRate":48000,"parameters":{"a":${deep}}}]`;
      assert.equal(
        await rawCode(client, `["room:join",{"roomId":"${roomId}","rtpCapabilities":{"codecs":${codecs}}}]`),
        'protocol.invalid_payload',
      );
      assert.equal(await rawCode(client, `["room:leave",{},${deep}]`), 'protocol.invalid_payload');
    }
  }
  await assertAlive(client);
});

test('[SG3] binary attachments are refused where a request has no place for them, however deep they hang', async () => {
  const client = await app.connect('ada');
  const placeholder = '{"_placeholder":true,"num":0}';
  assert.equal(await rawCode(client, `["room:leave",${placeholder}]`, [Buffer.from('x')]), 'protocol.invalid_payload');
  assert.equal(await rawCode(client, `["room:join",{"roomId":${placeholder}}]`, [Buffer.from(roomId)]), 'protocol.invalid_payload');
  const shallow = `${'['.repeat(500)}${placeholder}${']'.repeat(500)}`;
  assert.equal(await rawCode(client, `["room:join",${shallow}]`, [Buffer.from('x')]), 'protocol.invalid_payload');
  await assertAlive(client);
  const bottomless = `${'['.repeat(150_000)}${placeholder}${']'.repeat(150_000)}`;
  await closedBy(client, `51-["room:join",${bottomless}]`, Buffer.from('x'));
  await assertAlive(await app.connect('bob'));
});

test('[SG4] without an acknowledgement function a request is done all the same, and a wrong one does nothing', async () => {
  const client = await app.connect('host');
  await client.join(roomId);
  client.socket.emit('room:raiseHand', { raised: 'yes' });
  client.socket.emit('nothing:here', {});
  client.socket.emit('room:raiseHand', { raised: true });
  const { participant } = await client.notice('room:participantUpdated');
  assert.equal(participant.handRaised, true);
  client.socket.emit('room:leave');
  await waitFor('the room to be left', () => app.app.rooms.all.length === 0);
  await assertAlive(client);
});

test('[SG5] every request answers a stranger to every room with a code, never with internal', async () => {
  const client = await app.connect('ada');
  const uuid = '01890a5d-ac96-774b-bcce-b302099a8057';
  const codec = { mimeType: 'audio/opus', payloadType: 100, clockRate: 48_000, channels: 2 };
  const dtlsParameters = { fingerprints: [{ algorithm: 'sha-256', value: '00' }] };
  const payloads: Record<RequestName, unknown> = {
    'auth:renew': { token: 'nonsense' },
    'room:join': { roomId: uuid },
    'room:leave': {},
    'room:participants': { roomId: uuid },
    'room:admit': { participantId: uuid },
    'room:deny': { participantId: uuid },
    'room:lock': {},
    'room:unlock': {},
    'room:end': {},
    'room:mute': { participantId: uuid, source: 'camera' },
    'room:kick': { participantId: uuid },
    'room:raiseHand': { raised: true },
    'media:createTransport': { direction: 'send' },
    'media:connectTransport': { transportId: 'x', dtlsParameters },
    'media:restartIce': { transportId: 'x' },
    'media:produce': { transportId: 'x', source: 'microphone', rtpParameters: { codecs: [codec] } },
    'media:pauseProducer': { producerId: 'x' },
    'media:resumeProducer': { producerId: 'x' },
    'media:closeProducer': { producerId: 'x' },
    'media:consume': { producerId: 'x', rtpCapabilities: {} },
    'media:resumeConsumer': { consumerId: 'x' },
    'media:pauseConsumer': { consumerId: 'x' },
    'media:closeConsumer': { consumerId: 'x' },
    'media:requestKeyFrame': { consumerId: 'x' },
    'media:setPreferredLayers': { consumerId: 'x', spatialLayer: 0 },
    'media:setPriority': { consumerId: 'x', priority: 1 },
    'media:produceData': { transportId: 'x', sctpStreamParameters: { streamId: 0 }, label: 'x' },
    'media:consumeData': { dataProducerId: 'x' },
    'call:initiate': { calleeIds: ['nobody'], type: 'video' },
    'call:accept': { callId: uuid },
    'call:decline': { callId: uuid },
    'call:cancel': { callId: uuid },
    'call:end': { callId: uuid },
    'call:invite': { callId: uuid, userId: 'nobody' },
    'call:requestVideo': { callId: uuid },
    'call:answerVideo': { callId: uuid, accepted: true },
    'call:signal': { callId: uuid, recipientId: 'nobody', signalType: 'offer', signal: {} },
    'chat:send': { conversationId: uuid, clientId: 'x', type: 'text', content: 'x' },
    'chat:edit': { messageId: uuid, content: 'x' },
    'chat:delete': { messageId: uuid, forEveryone: true },
    'chat:react': { messageId: uuid, emoji: '👍' },
    'chat:unreact': { messageId: uuid, emoji: '👍' },
    'chat:history': { conversationId: uuid },
    'chat:search': { query: 'x', conversationId: uuid },
    'chat:delivered': { conversationId: uuid, seq: 1 },
    'chat:read': { conversationId: uuid, seq: 1 },
    'chat:typing': { conversationId: uuid, typing: true },
    'chat:conversations': {},
    'recording:request': { roomId: uuid, purpose: 'x', kinds: ['audio'] },
    'recording:consent': { recordingId: uuid, granted: true, textVersion: 1 },
    'recording:withdraw': { recordingId: uuid },
    'recording:pause': { recordingId: uuid },
    'recording:resume': { recordingId: uuid },
    'recording:stop': { recordingId: uuid },
    'notification:list': {},
    'notification:read': { notificationId: uuid },
    'notification:readAll': {},
    'notification:unreadCount': {},
    'notification:subscribe': { topics: ['news'] },
    'notification:unsubscribe': { topics: ['news'] },
    'presence:get': { userIds: ['nobody'] },
    'presence:set': { status: 'online' },
    'presence:subscribe': { userIds: ['nobody'] },
    'presence:unsubscribe': { userIds: ['nobody'] },
    'presence:heartbeat': {},
  };
  const expected: Partial<Record<RequestName, string>> = {
    'auth:renew': 'auth.invalid_token',
    'room:join': 'room.not_found',
    'room:leave': 'ok',
    'call:initiate': 'auth.forbidden',
    'call:invite': 'auth.forbidden',
    'chat:edit': 'chat.message_not_found',
    'chat:delete': 'chat.message_not_found',
    'chat:react': 'chat.message_not_found',
    'chat:unreact': 'chat.message_not_found',
    'chat:conversations': 'ok',
    'recording:request': 'room.not_found',
    'notification:read': 'notification.not_found',
  };
  const usualCodes: Record<string, string> = {
    call: 'call.not_found',
    chat: 'chat.conversation_not_found',
    notification: 'ok',
    presence: 'ok',
    recording: 'recording.not_found',
  };
  for (const name of Object.keys(requests) as RequestName[]) {
    const code = await rawCode(client, JSON.stringify([name, payloads[name]]));
    const usual = usualCodes[name.split(':', 1)[0] ?? ''] ?? 'room.not_joined';
    assert.equal(code, expected[name] ?? usual, name);
  }
});
