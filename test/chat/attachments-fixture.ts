import { createHash } from 'node:crypto';
import { globSync } from 'node:fs';
import path from 'node:path';
import type { Attachment } from '../../src/protocol/chat.ts';
import { temporaryFolder } from '../storage/stores.ts';
import { type RestAnswer, startTestApp, type TestApp } from '../support/test-app.ts';

/** A form's part: a field's text, or a file's bytes with its name. */
export type Part = readonly [field: string, value: string] | readonly [field: 'file', bytes: Uint8Array, name: string];

/** What a test of attachments asks its server. */
export class Files {
  readonly app: TestApp;
  readonly folder: string;

  constructor(app: TestApp, folder: string) {
    this.app = app;
    this.folder = folder;
  }

  token(userId: string): string {
    return this.app.tokenFor(userId, userId.startsWith('admin') ? 'admin' : userId.startsWith('patient') ? 'patient' : 'provider');
  }

  /** Sends a form, its parts in this order. */
  async post(userId: string, ...parts: readonly Part[]): Promise<RestAnswer> {
    const form = new FormData();
    for (const [field, value, name] of parts) {
      if (typeof value === 'string') form.append(field, value);
      else form.append(field, new Blob([new Uint8Array(value)]), name);
    }
    return await this.send('POST', 'attachments', userId, { body: form });
  }

  /** Uploads a file that must be accepted. */
  async upload(userId: string, bytes: Uint8Array | string, name: string, ...fields: readonly Part[]): Promise<Attachment> {
    const { status, body } = await this.post(userId, ...fields, ['file', Buffer.from(bytes as string), name]);
    if (status !== 201) throw new Error(`the upload was refused: ${status} ${JSON.stringify(body)}`);
    return body as Attachment;
  }

  /** Any request with a user's token; the body of the answer is parsed, or a Buffer. */
  async send(
    method: string,
    where: string,
    userId: string,
    init: { headers?: Record<string, string>; body?: BodyInit; duplex?: 'half' } = {},
  ): Promise<RestAnswer> {
    const response = await fetch(new URL(`/api/v1/${where}`, this.app.url), {
      ...init,
      method,
      headers: { connection: 'close', authorization: `Bearer ${this.token(userId)}`, ...init.headers },
    });
    const bytes = Buffer.from(await response.arrayBuffer());
    const isJson = response.headers.get('content-type')?.includes('json') ?? false;
    return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(bytes.toString()) : bytes };
  }

  /** Reads a file's bytes. */
  content(
    userId: string,
    { attachmentId }: { attachmentId: string },
    headers: Record<string, string> = {},
    query = '',
  ): Promise<RestAnswer> {
    return this.send('GET', `attachments/${attachmentId}/content${query}`, userId, { headers });
  }

  /** A conversation of two. */
  async direct(userId: string, otherId: string): Promise<string> {
    // The server knows whom it has seen.
    await this.send('GET', 'users/me', otherId);
    const { status, body } = await this.send('POST', 'conversations/direct', userId, {
      body: JSON.stringify({ userId: otherId }),
      headers: { 'content-type': 'application/json' },
    });
    if (status !== 200 && status !== 201) throw new Error(`no conversation: ${JSON.stringify(body)}`);
    return body.conversationId as string;
  }

  /** Sends a message with files; answers what REST answered. */
  async sendMessage(userId: string, conversationId: string, attachmentIds: readonly string[]): Promise<RestAnswer> {
    return await this.send('POST', `conversations/${conversationId}/messages`, userId, {
      body: JSON.stringify({ clientId: crypto.randomUUID(), type: 'file', attachmentIds }),
      headers: { 'content-type': 'application/json' },
    });
  }

  /** Files in the blob folder, unfinished ones too. */
  blobs(): string[] {
    return globSync('**/*', { cwd: this.folder, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => path.relative(this.folder, path.join(entry.parentPath, entry.name)));
  }

  /** How many attachments the table has, and how many sweeps are planned. */
  async rows(): Promise<{ attachments: number; sweeps: number }> {
    const [row] = await this.app.sql<{ attachments: number; sweeps: number }>(
      `select (select count(*)::int from attachments) as attachments,
        (select count(*)::int from graphile_worker.jobs where task_identifier = 'attachments:sweepUpload') as sweeps`,
    );
    if (!row) throw new Error('no row');
    return row;
  }
}

export const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

/** A server with a blob folder of its own, where everybody may write to everybody. */
export async function startFiles(env: Record<string, string> = {}): Promise<Files & AsyncDisposable> {
  await using parts = new AsyncDisposableStack();
  const { folder } = parts.use(temporaryFolder());
  const app = parts.use(await startTestApp({ ACCESS_POLICY: 'open', STORAGE_URL: `file:${folder}`, ...env }));
  const all = parts.move();
  return Object.assign(new Files(app, folder), { [Symbol.asyncDispose]: () => all.disposeAsync() });
}
