import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { isOver } from '../../src/calls/call-state.ts';
import type { Call } from '../../src/protocol/call.ts';
import { caughtUp, person, unlimited } from '../chat/chat-fixture.ts';
import { startTestApp, type TestApp } from '../support/test-app.ts';
import type { TestClient } from '../support/test-client.ts';
import { waitFor } from '../support/wait-for.ts';

let app: TestApp & AsyncDisposable;
before(async () => {
  app = await startTestApp({ ...unlimited, LIMIT_RING_SECONDS: '1', LIMIT_CONNECTING_SECONDS: '1' });
});
after(() => app[Symbol.asyncDispose]());

const requests = ['call:accept', 'call:decline', 'call:cancel', 'call:end'] as const;
const ends = ['call:ended', 'call:missed', 'call:declined', 'call:failed'] as const;

test('[CA30] whatever up to four devices do to a call at once, it is accepted at most once, ends once, and does not ring for ever', async () => {
  const [doctor, patient] = [person(app, 'doctor'), person(app, 'patient', 'patient')];
  const action = fc.record({ device: fc.nat({ max: 3 }), name: fc.constantFrom(...requests) });
  await fc.assert(
    fc.asyncProperty(fc.array(fc.array(action, { minLength: 1, maxLength: 6 }), { minLength: 1, maxLength: 3 }), async (bursts) => {
      const devices = [await doctor.connect(), await doctor.connect(), await patient.connect(), await patient.connect()];
      const [caller] = devices as [TestClient];
      const { callId } = await caller.request('call:initiate', { calleeIds: [patient.userId], type: 'voice' });
      const accepted: Call[] = [];
      for (const burst of bursts) {
        const answers = await Promise.allSettled(
          burst.map(async ({ device, name }) => {
            const { call } = await (devices[device] as TestClient).request(name, { callId });
            if (name === 'call:accept') accepted.push(call);
          }),
        );
        for (const answer of answers) {
          if (answer.status === 'rejected') assert.match(answer.reason.code, /^(call\.invalid_state|auth\.forbidden)$/);
        }
      }
      assert.ok(accepted.length <= 1, 'exactly one accept wins');
      const statusOf = async () => (await doctor.rest('GET', `calls/${callId}`)).body.status;
      await waitFor('the call to end', async () => isOver(await statusOf()));
      const rows = await app.sql<{ count: string }>(
        "select count(*) from audit_log where subject = $1 and action in ('call.ended', 'call.declined', 'call.cancelled') and details ? 'reason'",
        [callId],
      );
      assert.equal(rows[0]?.count, '1', 'it ends once');
      await caughtUp(...devices);
      const told = ends.map((name) => caller.pending(name));
      assert.ok(told.reduce((sum, count) => sum + count, 0) <= 1, 'and is told at most once');
      for (const device of devices) await device.close();
    }),
    { numRuns: 25, endOnFailure: true },
  );
});
