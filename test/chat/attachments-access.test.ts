import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import sharp from 'sharp';
import type { Attachment } from '../../src/protocol/chat.ts';
import { waitFor } from '../support/wait-for.ts';
import { type Files, startFiles } from './attachments-fixture.ts';

const notFound = [404, 'chat.attachment_not_found'];

/** What every way to a file answers. */
async function ways(files: Files, userId: string, { attachmentId }: Pick<Attachment, 'attachmentId'>) {
  const answers = [];
  for (const [method, where] of [
    ['GET', ''],
    ['GET', '/content'],
    ['DELETE', ''],
  ] as const) {
    const { status, body } = await files.send(method, `attachments/${attachmentId}${where}`, userId);
    answers.push([status, body.error?.code]);
  }
  return answers;
}

const reads = async (files: Files, userId: string, { attachmentId }: Attachment) =>
  (await files.content(userId, { attachmentId })).status === 200 &&
  (await files.send('GET', `attachments/${attachmentId}`, userId)).status === 200;

test('[AT40] a private file is its owner’s; a stranger gets what a missing one gets, and cannot send, show or delete it', async () => {
  await using files = await startFiles();
  const file = await files.upload('doctor', 'text', 'a.txt');
  const conversationId = await files.direct('doctor', 'patient');
  assert.ok(await reads(files, 'doctor', file));
  const missing = { attachmentId: randomUUID() };
  assert.deepEqual(await ways(files, 'patient', file), [notFound, notFound, notFound]);
  assert.deepEqual(await ways(files, 'patient', missing), [notFound, notFound, notFound]);
  for (const attachmentId of [file.attachmentId, missing.attachmentId]) {
    const { status, body } = await files.sendMessage('patient', conversationId, [attachmentId]);
    assert.deepEqual([status, body.error.code], notFound);
  }
  assert.ok(await reads(files, 'doctor', file));
});

test('[AT41] a conversation’s file is its members’, before it is sent too; for a conversation of strangers it is refused', async () => {
  await using files = await startFiles();
  const conversationId = await files.direct('doctor', 'patient');
  const file = await files.upload('doctor', 'text', 'a.txt', ['access', 'conversation'], ['conversationId', conversationId]);
  assert.ok(await reads(files, 'patient', file));
  assert.deepEqual((await ways(files, 'stranger', file)).slice(0, 2), [notFound, notFound]);
  for (const id of [conversationId, randomUUID()]) {
    for (const order of ['before', 'after']) {
      const access = [
        ['access', 'conversation'],
        ['conversationId', id],
      ] as const;
      const content = ['file', Buffer.from('text'), 'a.txt'] as const;
      const { status, body } = await files.post('stranger', ...(order === 'before' ? [...access, content] : [content, ...access]));
      assert.deepEqual([status, body.error.code], [404, 'chat.conversation_not_found']);
    }
  }
  assert.equal(files.blobs().length, 1);
});

test('[AT42] a call’s file is for those in the call’s conversation; a call of strangers is a missing one', async () => {
  await using files = await startFiles();
  const doctor = await files.app.connect('doctor');
  await files.app.connect('patient', 'patient');
  const { callId: ownCallId } = await doctor.request('call:initiate', { calleeIds: ['patient'], type: 'voice' });
  const file = await files.upload('doctor', 'text', 'a.txt', ['access', 'call'], ['callId', ownCallId]);
  assert.ok(await reads(files, 'patient', file));
  assert.deepEqual((await ways(files, 'stranger', file)).slice(0, 2), [notFound, notFound]);
  for (const [userId, callId] of [
    ['stranger', ownCallId],
    ['doctor', randomUUID()],
  ] as const) {
    const { status, body } = await files.post(userId, ['access', 'call'], ['callId', callId], ['file', Buffer.from('x'), 'a.txt']);
    assert.deepEqual([status, body.error.code], [404, 'call.not_found']);
  }
});

test('[AT43] a private file that is sent becomes the conversation’s; messages show it in the order given', async () => {
  await using files = await startFiles();
  const conversationId = await files.direct('doctor', 'patient');
  const sent: Attachment[] = [];
  for (const name of ['c', 'a', 'b']) sent.push(await files.upload('doctor', name, `${name}.txt`));
  const { status, body } = await files.sendMessage(
    'doctor',
    conversationId,
    sent.map(({ attachmentId }) => attachmentId),
  );
  assert.equal(status, 201, JSON.stringify(body));
  const history = await files.send('GET', `conversations/${conversationId}/messages`, 'patient');
  assert.deepEqual(history.body.messages.at(-1).attachments, sent);
  for (const file of sent) assert.ok(await reads(files, 'patient', file));
  assert.deepEqual(await ways(files, 'stranger', sent[0]!), [notFound, notFound, notFound]);
});

test('[AT44] what cannot be sent: sent already, twice in one message, another conversation’s, expired, an eleventh', async () => {
  await using files = await startFiles();
  const conversationId = await files.direct('doctor', 'patient');
  const otherId = await files.direct('doctor', 'patient2');
  const code = async (ids: string[], where = conversationId) => {
    const { status, body } = await files.sendMessage('doctor', where, ids);
    return [status, body.error?.code];
  };
  const { attachmentId: once } = await files.upload('doctor', 'x', 'a.txt');
  assert.deepEqual(await code([once, once]), [400, 'protocol.invalid_payload']);
  assert.deepEqual(await code([once, randomUUID()]), notFound);
  assert.deepEqual(await code([once]), [201, undefined]);
  assert.deepEqual(await code([once]), notFound);
  const { attachmentId: elsewhere } = await files.upload(
    'doctor',
    'x',
    'a.txt',
    ['access', 'conversation'],
    ['conversationId', conversationId],
  );
  assert.deepEqual(await code([elsewhere], otherId), notFound);
  assert.deepEqual(await code([elsewhere]), [201, undefined]);
  const { attachmentId: expired } = await files.upload('doctor', 'x', 'a.txt', [
    'expiresAt',
    new Date(Date.now() + 3_600_000).toISOString(),
  ]);
  await files.app.sql(`update attachments set expires_at = now() - interval '1 second' where attachment_id = $1`, [expired]);
  assert.deepEqual(await code([expired]), notFound);
  const many: string[] = [];
  for (let index = 0; index < 11; index += 1) many.push((await files.upload('doctor', `${index}`, 'a.txt')).attachmentId);
  assert.deepEqual(await code(many), [400, 'protocol.invalid_payload']);
  assert.deepEqual(await code(many.slice(1)), [201, undefined]);
});

test('[AT45] of two messages that take the same file at once one gets it', async () => {
  await using files = await startFiles();
  const conversationId = await files.direct('doctor', 'patient');
  for (let round = 0; round < 5; round += 1) {
    const { attachmentId } = await files.upload('doctor', `${round}`, 'a.txt');
    const answers = await Promise.all([1, 2, 3].map(() => files.sendMessage('doctor', conversationId, [attachmentId])));
    assert.deepEqual(answers.map(({ status }) => status).sort(), [201, 404, 404]);
  }
  const [row] = await files.app.sql<{ messages: number }>(`select count(*)::int as messages from messages where type <> 'system'`);
  assert.equal(row?.messages, 5);
});

test('[AT46] deleting: one’s own while it is not sent; afterwards with the message, which destroys it', async () => {
  await using files = await startFiles();
  const conversationId = await files.direct('doctor', 'patient');
  const unsent = await files.upload('doctor', 'x', 'a.txt');
  assert.equal((await files.send('DELETE', `attachments/${unsent.attachmentId}`, 'doctor')).status, 204);
  assert.deepEqual(await ways(files, 'doctor', unsent), [notFound, notFound, notFound]);
  await waitFor('the blob to be deleted', () => files.blobs().length === 0);

  const sent = await files.upload('doctor', 'x', 'a.txt');
  const { body: message } = await files.sendMessage('doctor', conversationId, [sent.attachmentId]);
  const { status, body } = await files.send('DELETE', `attachments/${sent.attachmentId}`, 'doctor');
  assert.deepEqual([status, body.error.code], [409, 'chat.attachment_sent']);
  const messageId = message.messageId ?? message.message?.messageId;
  assert.ok((await files.send('DELETE', `messages/${messageId}?forEveryone=true`, 'doctor')).status < 300);
  assert.deepEqual((await ways(files, 'patient', sent)).slice(0, 2), [notFound, notFound]);
  await waitFor('the blob to be deleted', () => files.blobs().length === 0);
  assert.equal((await files.rows()).attachments, 0);
});

test('[AT47] admins read every file, and each time is written down; they delete none', async () => {
  await using files = await startFiles();
  const file = await files.upload('doctor', 'text', 'a.txt');
  assert.ok(await reads(files, 'admin', file));
  const rows = await files.app.sql<{ actor_id: string; subject: string; details: unknown }>(
    `select actor_id, subject, details from audit_log where action = 'attachment.read'`,
  );
  const entry = { actor_id: 'admin', subject: file.attachmentId, details: { ownerId: 'doctor' } };
  assert.deepEqual(rows, [entry, entry]);
  assert.equal((await files.send('DELETE', `attachments/${file.attachmentId}`, 'admin')).status, 404);
  assert.ok(await reads(files, 'doctor', file));
});

test('[AT48] a group’s picture is a picture of one’s own, read by the members', async () => {
  await using files = await startFiles();
  await files.send('GET', 'users/me', 'patient');
  const json = { 'content-type': 'application/json' };
  const group = await files.send('POST', 'conversations/group', 'doctor', {
    body: JSON.stringify({ name: 'Team', memberIds: ['patient'] }),
    headers: json,
  });
  assert.equal(group.status, 201, JSON.stringify(group.body));
  const set = async (userId: string, avatarId: string) =>
    (await files.send('PATCH', `conversations/${group.body.conversationId}`, userId, { body: JSON.stringify({ avatarId }), headers: json }))
      .status;
  const png = await sharp({ create: { width: 4, height: 4, channels: 3, background: 'red' } })
    .png()
    .toBuffer();
  const picture = await files.upload('doctor', png, 'a.png');
  const text = await files.upload('doctor', 'x', 'a.txt');
  const anothers = await files.upload('patient', png, 'a.png');
  assert.equal(await set('doctor', text.attachmentId), 404);
  assert.equal(await set('doctor', anothers.attachmentId), 404);
  assert.equal(await reads(files, 'patient', picture), false);
  assert.equal(await set('doctor', picture.attachmentId), 200);
  assert.ok(await reads(files, 'patient', picture));
  assert.equal(await reads(files, 'stranger', picture), false);
});

test('[AT49] a token for one room reaches the files of that room’s conversation alone, be it an admin’s', async () => {
  await using files = await startFiles();
  const conversationId = await files.direct('doctor', 'patient');
  const file = await files.upload('doctor', 'text', 'a.txt', ['access', 'conversation'], ['conversationId', conversationId]);
  for (const [hostId, role] of [
    ['doctor', 'provider'],
    ['admin', 'admin'],
  ] as const) {
    const { roomId } = await files.app.createRoom({}, hostId, role);
    const { body } = await files.app.rest('GET', `rooms/${roomId}/token`, { token: files.app.tokenFor(hostId, role) });
    for (const where of ['', '/content']) {
      const answer = await files.app.rest('GET', `attachments/${file.attachmentId}${where}`, { token: body.accessToken });
      assert.deepEqual([answer.status, answer.body.error.code], notFound);
    }
  }
});
