import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createFacts } from '../../src/facts.ts';
import { createAnnouncer } from '../../src/presence/announcer.ts';
import { waitFor } from '../support/wait-for.ts';
import { log } from './presence-fixture.ts';

/** What was done, in order. */
function start({ failures = 0 }: { failures?: number } = {}) {
  const facts = createFacts();
  const done: string[] = [];
  let left = failures;
  facts.on('presence.changed', ({ userIds }) => done.push(`told ${userIds.join()}`));
  const announcer = createAnnouncer({
    facts,
    log,
    publish: async (userIds) => {
      done.push(`published ${userIds.join()}`);
    },
    saveLastSeen: async (lastSeenAt) => {
      if (left > 0) {
        left -= 1;
        throw new Error('the database is away');
      }
      if (lastSeenAt.size > 0) done.push(`saved ${[...lastSeenAt.keys()].join()}`);
    },
  });
  return { announcer, done };
}

test('[PR10] changes of a moment are said together: to other servers and the database first, then to whoever listens', async () => {
  const { announcer, done } = start();
  for (let round = 0; round < 100; round += 1) for (const userId of ['ann', 'bob']) announcer.changed(userId);
  announcer.seen('ann', new Date());
  await waitFor('them to be told', () => done.includes('told ann,bob'));
  assert.deepEqual(done, ['published ann,bob', 'saved ann', 'told ann,bob']);
  await announcer.close();
});

test('[PR2] when somebody was last there is written as soon as it can be; that they went is told meanwhile', async () => {
  const { announcer, done } = start({ failures: 1 });
  announcer.seen('ann', new Date());
  announcer.changed('ann');
  await waitFor('it to be written', () => done.includes('saved ann'));
  assert.deepEqual(
    done.filter((what) => what !== 'published '),
    ['published ann', 'told ann', 'saved ann'],
  );
  await announcer.close();
});

test('[PR10] what is left at the end is said, and nothing after it', async () => {
  const { announcer, done } = start();
  announcer.changed('ann');
  await announcer.close();
  announcer.changed('bob');
  await announcer.close();
  assert.deepEqual(done, ['published ann', 'told ann']);
});
