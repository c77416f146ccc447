import assert from 'node:assert/strict';
import { test } from 'node:test';
import { temporaryFolder } from '../storage/stores.ts';
import { startTestApp } from '../support/test-app.ts';
import { Files, sha256 } from './attachments-fixture.ts';

async function startFiles(env: Record<string, string> = {}) {
  await using parts = new AsyncDisposableStack();
  const { folder } = parts.use(temporaryFolder());
  const app = parts.use(await startTestApp({ ACCESS_POLICY: 'open', STORAGE_URL: `file:${folder}`, ...env }));
  const all = parts.move();
  return Object.assign(new Files(app, folder), { [Symbol.asyncDispose]: () => all.disposeAsync() });
}

test('[AT1] a file is stored, sealed, and comes back as it was', async () => {
  await using files = await startFiles();
  const text = 'Đau đầu từ hôm qua\n'.repeat(1_000);
  const file = await files.upload('doctor', text, 'đau đầu.txt');
  const answer = await files.content('doctor', file);
  assert.equal(answer.body.toString(), text);
  assert.equal(answer.headers.get('etag'), `"${sha256(Buffer.from(text))}"`);
});
