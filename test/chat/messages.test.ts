import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { startTestApp } from '../support/test-app.ts';

test('[CH1] a message is acknowledged, told to the other member once and found in the history', async () => {
  await using app = await startTestApp({ ACCESS_POLICY: 'open' });
  const doctor = await app.connect('doctor', 'provider');
  const patient = await app.connect('patient', 'patient');
  const { status, body: conversation } = await app.rest('POST', 'conversations/direct', {
    token: app.tokenFor('doctor', 'provider'),
    body: { userId: 'patient' },
  });
  assert.equal(status, 201);
  const added = await patient.notice('chat:conversationAdded');
  assert.equal(added.conversation.name, 'Name of doctor');
  const { conversationId } = conversation;

  const { message } = await doctor.request('chat:send', { conversationId, clientId: randomUUID(), type: 'text', content: 'Đau đầu?' });
  assert.equal(message.seq, 1);
  assert.equal(message.status, 'sent');
  const notice = await patient.notice('chat:message');
  assert.deepEqual(notice.message, message);
  const history = await patient.request('chat:history', { conversationId });
  assert.deepEqual(history.messages, [message]);
  assert.equal(history.hasMore, false);

  const [own] = (await patient.request('chat:conversations', {})).conversations;
  assert.equal(own?.unreadCount, 1);
  await patient.request('chat:read', { conversationId, seq: 1 });
  assert.deepEqual(await doctor.notice('chat:read'), { conversationId, userId: 'patient', seq: 1 });
  assert.equal((await patient.request('chat:conversations', {})).conversations[0]?.unreadCount, 0);
  assert.equal((await doctor.request('chat:history', { conversationId })).messages[0]?.status, 'read');

  const { hits } = await patient.request('chat:search', { query: 'dau dau' });
  assert.deepEqual(hits[0]?.highlights, [
    [0, 3],
    [4, 7],
  ]);
});
