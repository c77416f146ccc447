import assert from 'node:assert/strict';
import type { WireError } from '../../src/protocol/errors.ts';
import { TestClient } from './test-client.ts';

/** Connects with a handshake that must be refused; answers what `connect_error` says. */
export async function refusalOf(url: string, auth: Record<string, unknown>): Promise<{ message: string; data: WireError }> {
  try {
    const client = await TestClient.connect(url, auth);
    await client.close();
  } catch (error) {
    const { message, data } = error as Error & { data?: WireError };
    assert.ok(data, `refused, but without a code: ${message}`);
    return { message, data };
  }
  throw new Error('the connection was not refused');
}

/** The code of what a request is answered with; fails when it succeeds. */
export async function codeOf(answer: Promise<unknown>): Promise<string> {
  try {
    await answer;
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
  throw new Error('the request was not refused');
}
