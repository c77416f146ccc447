import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { refusalOf } from '../support/refusal.ts';
import { startTestApp } from '../support/test-app.ts';

/** No key for tokens: demo mode. */
const demo = { AUTH_SECRET: '', HOST: '' };

test('[AU22] in demo mode anybody gets a token of any role, in an address on loopback', async () => {
  await using app = await startTestApp(demo);
  assert.equal(new URL(app.url).hostname, '127.0.0.1');
  for (const role of ['patient', 'provider', 'admin', 'service']) {
    const { status, body } = await app.rest('POST', 'demo/token', { body: { name: ' Ada ', role } });
    assert.equal(status, 200);
    const client = await app.connect(body.userId, 'provider', { token: body.token });
    assert.equal(client.ready.userId, body.userId);
    const me = await app.rest('GET', 'users/me', { token: body.token });
    assert.deepEqual([me.body.displayName, me.body.role], ['Ada', role]);
    assert.ok(Date.parse(body.expiresAt) > Date.now());
  }
});

test('[AU22] a demo token wants a name and a role', async () => {
  await using app = await startTestApp(demo);
  for (const body of [
    {},
    { name: 'Ada' },
    { name: '', role: 'patient' },
    { name: 'Ada', role: 'root' },
    { name: 'Ada', role: 'admin', userId: 'x' },
  ]) {
    const { status, body: answer } = await app.rest('POST', 'demo/token', { body });
    assert.deepEqual([status, answer.error.code], [400, 'protocol.invalid_payload']);
  }
});

test('[AU22] with a key for tokens there is no such address', async () => {
  await using app = await startTestApp();
  const { status, body } = await app.rest('POST', 'demo/token', { body: { name: 'Ada', role: 'admin' } });
  assert.deepEqual([status, body.error.code], [404, 'protocol.not_found']);
  const { body: document } = await app.rest('GET', 'openapi.json');
  assert.ok(!('/api/v1/demo/token' in document.paths));
});

test('[AU23] the secret is made once for its data folder, for the owner’s eyes only, so that tokens outlive a restart', async () => {
  const dataDir = mkdtempSync(path.join(tmpdir(), 'parley-demo-'));
  try {
    const file = path.join(dataDir, 'secrets', 'token-secret');
    let token: string;
    {
      await using app = await startTestApp({ ...demo, DATA_DIR: dataDir });
      token = (await app.rest('POST', 'demo/token', { body: { name: 'Ada', role: 'admin' } })).body.token;
    }
    const secret = readFileSync(file, 'utf8');
    assert.ok(secret.length >= 43, '256 bits');
    assert.equal(statSync(file).mode & 0o077, 0);
    {
      await using app = await startTestApp({ ...demo, DATA_DIR: dataDir });
      assert.equal((await app.rest('GET', 'users/me', { token })).status, 200);
      assert.equal(readFileSync(file, 'utf8'), secret);
    }
    await using app = await startTestApp({ DATA_DIR: dataDir });
    assert.equal((await refusalOf(app.url, { token })).data.code, 'auth.invalid_token');
  } finally {
    rmSync(dataDir, { recursive: true, force: true });
  }
});

test('[AU23] a token of another data folder is refused', async () => {
  let token: string;
  {
    await using one = await startTestApp(demo);
    token = (await one.rest('POST', 'demo/token', { body: { name: 'Ada', role: 'admin' } })).body.token;
  }
  await using other = await startTestApp(demo);
  assert.equal((await refusalOf(other.url, { token })).data.code, 'auth.invalid_token');
});
