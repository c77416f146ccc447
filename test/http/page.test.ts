import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { startTestApp } from '../support/test-app.ts';

const built = new URL('../../web/dist/', import.meta.url);
const skip = existsSync(new URL('index.html', built)) ? false : 'the page is not built';

let app: Awaited<ReturnType<typeof startTestApp>>;
before(async () => {
  app = await startTestApp();
});
after(() => app[Symbol.asyncDispose]());

test('[RE12] the page is served at / and at every room’s address, and is asked for anew each time', { skip }, async () => {
  for (const where of ['/', '/r/01890a5d-ac96-774b-bcce-b302099a8057', '/r/anything']) {
    const { status, headers, body } = await app.rest('GET', where);
    assert.equal(status, 200);
    assert.match(headers.get('content-type') ?? '', /^text\/html/);
    assert.equal(headers.get('cache-control'), 'no-cache');
    assert.match(body, /<script type="module"/);
  }
});

test('[RE12] its files may be kept for a year, because their names change with their content', { skip }, async () => {
  const script = readdirSync(new URL('assets/', built)).find((file) => file.endsWith('.js'));
  assert.ok(script);
  const { status, headers } = await app.rest('GET', `/assets/${script}`);
  assert.equal(status, 200);
  assert.match(headers.get('cache-control') ?? '', /max-age=31536000, immutable/);
});

test('[RE12] nothing outside the page’s folder is served', { skip }, async () => {
  for (const where of [
    '/../package.json',
    '/assets/..%2f..%2f..%2fpackage.json',
    '/%2e%2e/package.json',
    '/r/..%2f..%2fpackage.json/x',
    '/index.html.map',
  ]) {
    const { status } = await app.rest('GET', where);
    assert.ok(status === 404 || status === 400, where);
  }
});
