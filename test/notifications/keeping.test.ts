import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { person, unlimited } from '../chat/chat-fixture.ts';
import { startTestApp, type TestApp } from '../support/test-app.ts';
import { createTestDatabase } from '../support/test-database.ts';
import { waitFor } from '../support/wait-for.ts';
import { jobsDone, notificationsOf, post } from './notification-fixture.ts';

const newKey = (id: string) => `${id}:${randomBytes(32).toString('base64')}`;

test('[NO7, NO30] what they say is sealed for its notification, and sealed anew when the key is replaced; the key for pushing stays', async () => {
  await using database = await createTestDatabase();
  const [first, second] = [newKey('first'), newKey('second')];
  const secret = randomBytes(32).toString('hex');
  const start = (keys: string) => startTestApp({ ...unlimited, DATABASE_URL: database.url, AUTH_SECRET: secret, ENCRYPTION_KEYS: keys });
  const titlesOf = async (app: TestApp) => {
    const { body } = await app.rest('GET', 'notifications?limit=100', { token: app.tokenFor('ann') });
    return body.notifications.map(({ title, body: text, data }: { title: string; body: string | null; data: object }) => [
      title,
      text,
      data,
    ]);
  };
  const publicKeyOf = async (app: TestApp) =>
    (await app.rest('GET', 'notifications/push-key', { token: app.tokenFor('ann') })).body.publicKey;
  let publicKey: string;
  {
    await using app = await start(first);
    const sql = (text: string, values: unknown[] = []) => app.sqlOn<Record<string, string>>(database.url, text, values);
    for (let index = 1; index <= 3; index += 1) {
      await post(app, { userIds: ['ann'], title: `Zyxomania ${index}`, body: 'Zyxomania', data: { word: 'Zyxomania' } });
    }
    // Many, so that they are sealed anew in several rounds.
    await post(app, { userIds: Array.from({ length: 450 }, (_, index) => `user-${index}`), title: 'Zyxomania' });
    const rows = await sql('select n::text as text from notifications n union all select j::text from graphile_worker._private_jobs j');
    assert.ok(rows.length >= 453);
    const forms = ['zyxomania', Buffer.from('Zyxomania').toString('hex')];
    assert.deepEqual(
      rows.filter(({ text }) => forms.some((form) => text?.toLowerCase().includes(form))),
      [],
    );
    const [one, two] = await sql("select notification_id from notifications where user_id = 'ann' order by created_at");
    await sql('update notifications a set sealed = b.sealed from notifications b where a.notification_id = $1 and b.notification_id = $2', [
      one?.['notification_id'],
      two?.['notification_id'],
    ]);
    assert.deepEqual(await titlesOf(app), [
      ['Zyxomania 3', 'Zyxomania', { word: 'Zyxomania' }],
      ['Zyxomania 2', 'Zyxomania', { word: 'Zyxomania' }],
      ['', null, {}],
    ]);
    publicKey = await publicKeyOf(app);
  }
  {
    await using app = await start(`${second},${first}`);
    const left = () => app.sqlOn(database.url, "select 1 from notifications where key_id = 'first'");
    await waitFor('all but the one that cannot be opened', async () => (await left()).length === 1);
    await waitFor('the data keys too', async () => {
      const keys = await app.sqlOn(database.url, "select 1 from data_keys where key_id = 'first'");
      return keys.length === 0;
    });
  }
  await using app = await start(second);
  assert.deepEqual((await titlesOf(app)).length, 3);
  assert.equal((await titlesOf(app))[0][0], 'Zyxomania 3');
  assert.equal(await publicKeyOf(app), publicKey, 'browsers stay subscribed');
});

test('[NO8] they are kept for 90 days, and of one user the newest thousand, unread ones before read ones', async () => {
  await using app = await startTestApp(unlimited);
  const [ann, bob] = [person(app, 'ann'), person(app, 'bob')];
  const insert = (userId: string, count: number, days: number, read: boolean) =>
    app.sql(
      `insert into notifications (notification_id, user_id, type, priority, key_id, sealed, created_at, read_at)
       select gen_random_uuid(), $1, 'portal.news', 'low', 'none', '', now() - make_interval(days => $3) - make_interval(secs => n), case when $4 then now() end
       from generate_series(1, $2::int) n`,
      [userId, count, days, read],
    );
  await insert(ann.userId, 3, 91, false);
  await insert(ann.userId, 2, 89, false);
  await insert(bob.userId, 600, 5, false);
  await insert(bob.userId, 500, 1, true);
  await app.sql("select graphile_worker.add_job('notifications:removeOld')");
  await jobsDone(app);
  const left = await app.sql(
    'select user_id, read_at is null as unread, count(*)::int as count from notifications group by 1, 2 order by 1, 2',
  );
  assert.deepEqual(left, [
    { user_id: ann.userId, unread: true, count: 2 },
    { user_id: bob.userId, unread: false, count: 400 },
    { user_id: bob.userId, unread: true, count: 600 },
  ]);
  assert.equal((await notificationsOf(ann)).length, 2);
});
