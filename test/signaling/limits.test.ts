import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AppError } from '../../src/protocol/errors.ts';
import { createRequestLimiter } from '../../src/signaling/request-limiter.ts';
import type { Session } from '../../src/signaling/session.ts';
import { codeOf } from '../support/refusal.ts';
import { startTestApp } from '../support/test-app.ts';
import { waitFor } from '../support/wait-for.ts';
import { closedBy, rawCode, rawRequest } from './raw-request.ts';

const mebibyte = 1_048_576;
/** An event of just so many bytes on the wire, without its acknowledgement's number. */
const eventOf = (bytes: number) => {
  const empty = '["room:leave",{"a":""}]';
  return empty.replace('""', `"${'x'.repeat(bytes - empty.length)}"`);
};

test('[SG6] an event over LIMIT_PAYLOAD_BYTES is answered with protocol.too_large on a living connection', async () => {
  await using app = await startTestApp();
  const client = await app.connect('ada');
  assert.equal(await rawCode(client, eventOf(mebibyte - 100)), 'protocol.invalid_payload');
  for (const bytes of [mebibyte + 1, 2 * mebibyte, 4 * mebibyte - 100]) {
    assert.deepEqual(await rawRequest(client, eventOf(bytes)), {
      ok: false,
      error: { code: 'protocol.too_large', message: 'The request is too large.', details: { limitBytes: mebibyte } },
    });
  }
  assert.deepEqual(await client.request('room:leave', {}), {});
});

test('[SG6] beyond four times the limit the connection closes, others go on', async () => {
  await using app = await startTestApp();
  const bystander = await app.connect('bob');
  const client = await app.connect('ada');
  await closedBy(client, `2${eventOf(4 * mebibyte + 100)}`);
  assert.deepEqual(await bystander.request('room:leave', {}), {});
  const again = await app.connect('ada', 'provider', { token: app.tokenFor('ada'), resume: client.resume });
  assert.equal(again.ready.recovered, true);
});

test('[SG6] attachments count together with their event', async () => {
  await using app = await startTestApp({ LIMIT_PAYLOAD_BYTES: '10000' });
  const client = await app.connect('ada');
  const places = '{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}';
  const event = `["room:leave",[${places}]]`;
  assert.equal(await rawCode(client, event, [Buffer.alloc(4_000), Buffer.alloc(4_000)]), 'protocol.invalid_payload');
  assert.equal(await rawCode(client, event, [Buffer.alloc(8_000), Buffer.alloc(8_000)]), 'protocol.too_large');
  assert.equal(await rawCode(client, '["room:leave",{}]'), 'ok', 'each event is measured by itself');
  await closedBy(client, `52-${event}`, Buffer.alloc(30_000), Buffer.alloc(30_000));
});

test('[SG6] a limit of 0 lets every size through', async () => {
  await using app = await startTestApp({ LIMIT_PAYLOAD_BYTES: '0' });
  const client = await app.connect('ada');
  assert.equal(await rawCode(client, eventOf(6 * mebibyte)), 'protocol.invalid_payload');
});

test('[SG7] of 1,000 requests at once a burst is answered, the surplus is protocol.rate_limited, and another session notices nothing', async () => {
  await using app = await startTestApp();
  const [flooder, bystander] = [await app.connect('ada'), await app.connect('ada')];
  const answers = Array.from({ length: 1_000 }, () =>
    flooder.send('room:leave', {}).then(
      () => undefined,
      (error: unknown) => error,
    ),
  );
  assert.deepEqual(await bystander.request('room:leave', {}), {});
  const refused = (await Promise.all(answers)).filter((error) => error !== undefined);
  const served = 1_000 - refused.length;
  assert.ok(served >= 200 && served < 600, `${served} were served`);
  for (const error of refused) {
    assert.ok(error instanceof AppError);
    assert.equal(error.code, 'protocol.rate_limited');
    const retryAfterMs = error.details?.['retryAfterMs'];
    assert.ok(typeof retryAfterMs === 'number' && retryAfterMs > 0 && retryAfterMs <= 1_000);
  }
  assert.equal(flooder.socket.connected, true);
  await waitFor('the flooder to be served again', () =>
    flooder.send('room:leave', {}).then(
      () => true,
      () => false,
    ),
  );
});

test('[SG7] refused requests do nothing', async () => {
  await using app = await startTestApp({ LIMIT_REQUESTS_PER_SECOND: '0.01' });
  const { roomId } = await app.createRoom();
  const client = await app.connect('host');
  await client.join(roomId);
  assert.equal(await codeOf(client.request('room:end', {})), 'protocol.rate_limited');
  assert.equal((await app.rest('GET', `rooms/${roomId}`, { token: app.tokenFor('host') })).body.status, 'in_progress');
});

test('[SG7] unknown events and events that are too large count as requests too', async () => {
  await using app = await startTestApp({ LIMIT_REQUESTS_PER_SECOND: '0.5', LIMIT_PAYLOAD_BYTES: '1000' });
  const client = await app.connect('ada');
  assert.equal(await codeOf(client.send('nothing:here')), 'protocol.unknown_event');
  assert.equal(await rawCode(client, eventOf(2_000)), 'protocol.too_large');
  assert.equal(await codeOf(client.send('nothing:here')), 'protocol.rate_limited');
});

test('[SG7] the rate holds over any length of time, and a session has its own', () => {
  let nowMs = 0;
  const limiter = createRequestLimiter(50, () => nowMs);
  const [one, other] = [{} as Session, {} as Session];
  const servedOf = (session: Session, count: number) => {
    let served = 0;
    for (let index = 0; index < count; index += 1) {
      try {
        limiter.consume(session);
        served += 1;
      } catch {}
    }
    return served;
  };
  assert.equal(servedOf(one, 1_000), 200);
  assert.equal(servedOf(other, 1_000), 200);
  let served = 0;
  for (; nowMs < 60_000; nowMs += 100) served += servedOf(one, 100);
  assert.equal(served, 50 * 60 - 5, '50 a second over a minute; the first round came when none had passed');
  nowMs += 3_600_000;
  assert.equal(servedOf(one, 1_000), 200);
  assert.throws(
    () => limiter.consume(one),
    (error) => error instanceof AppError && error.details?.['retryAfterMs'] === 20,
  );
});

test('[SG7] a limit of 0 serves everything', async () => {
  await using app = await startTestApp({ LIMIT_REQUESTS_PER_SECOND: '0' });
  const client = await app.connect('ada');
  await Promise.all(Array.from({ length: 1_000 }, () => client.request('room:leave', {})));
});
