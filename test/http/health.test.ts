import assert from 'node:assert/strict';
import { test } from 'node:test';
import pg from 'pg';
import { startTestApp } from '../support/test-app.ts';
import { databaseUrl } from '../support/test-database.ts';
import { waitFor } from '../support/wait-for.ts';

test('[RE11] /healthz says that the process is up, /readyz that everything it needs is there', async () => {
  await using app = await startTestApp();
  const health = await app.rest('GET', '/healthz');
  assert.deepEqual([health.status, health.body], [200, { status: 'ok' }]);
  const ready = await app.rest('GET', '/readyz');
  assert.deepEqual(
    [ready.status, ready.body.status, ready.body.checks.database, ready.body.checks.media],
    [200, 'ready', { ok: true }, { ok: true }],
  );
});

test('[RE11] without its database the server is unready with 503, healthy all the same, and ready again when it is back', async () => {
  await using app = await startTestApp();
  const name = new URL(app.databaseUrl.replace('postgresql://', 'http://').replace(/@\//, '@host/')).pathname.slice(1);
  const admin = new pg.Client({ connectionString: databaseUrl() });
  await admin.connect();
  try {
    await admin.query(`alter database ${name} with allow_connections false`);
    await admin.query('select pg_terminate_backend(pid) from pg_stat_activity where datname = $1', [name]);
    const { status, body } = await app.rest('GET', '/readyz');
    assert.deepEqual([status, body.status], [503, 'unready']);
    assert.deepEqual([body.checks.database, body.checks.media], [{ ok: false }, { ok: true }], 'without the words of the database');
    assert.equal((await app.rest('GET', '/healthz')).status, 200);
    const refused = await app.rest('GET', 'users/me', { token: app.tokenFor('ada') });
    assert.deepEqual([refused.status, refused.body.error.code], [503, 'server.unavailable']);
  } finally {
    await admin.query(`alter database ${name} with allow_connections true`);
    await admin.end();
  }
  await waitFor('the server to be ready again', async () => (await app.rest('GET', '/readyz')).status === 200);
  assert.equal((await app.rest('GET', 'users/me', { token: app.tokenFor('ada') })).status, 200);
});

test('[RE11] without a living media worker the server is unready', async () => {
  await using app = await startTestApp();
  await app.app.workers.close();
  const { status, body } = await app.rest('GET', '/readyz');
  assert.deepEqual([status, body.checks.media], [503, { ok: false }]);
});
