import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { createTokenService } from '../../src/auth/token.ts';
import { readConfig } from '../../src/config.ts';
import { codeOf, refusalOf } from '../support/refusal.ts';
import { startTestApp } from '../support/test-app.ts';
import { claimsOf, makeKey, signWith } from './keys.ts';

/** A host application's key set on a local address. */
class KeySetServer {
  keys: Record<string, unknown>[] = [];
  /** What is answered in the place of the keys. */
  answer: { status: number; body: string } | undefined;
  fetches = 0;
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(): Promise<KeySetServer> {
    const server = createServer((_request, response) => {
      set.fetches += 1;
      response.writeHead(set.answer?.status ?? 200, { 'content-type': 'application/json', connection: 'close' });
      response.end(set.answer?.body ?? JSON.stringify({ keys: set.keys }));
    });
    const set = new KeySetServer(server);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return set;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/jwks.json`;
  }

  async close(): Promise<void> {
    if (!this.#server.listening) return;
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, 'close');
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

function serviceOf(url: string) {
  const { auth, isDemo } = readConfig({ AUTH_JWKS_URL: url });
  return createTokenService({ auth, isDemo, ownSecret: 'own' });
}

const [first, second, third] = [makeKey('RS256'), makeKey('ES256'), makeKey('RS256')];

test('[AU8] keys of a set count by their id, and one fetch serves many tokens', async () => {
  await using set = await KeySetServer.start();
  set.keys = [first.jwk('one'), second.jwk('two')];
  const tokens = serviceOf(set.url);
  const identities = await Promise.all(
    Array.from({ length: 20 }, (_, index) =>
      tokens.verify(index % 2 ? signWith(first, claimsOf(), { kid: 'one' }) : signWith(second, claimsOf(), { kid: 'two' })),
    ),
  );
  assert.equal(identities.length, 20);
  assert.equal(set.fetches, 1);
  assert.equal(await codeOf(tokens.verify(signWith(first, claimsOf(), { kid: 'two' }))), 'auth.invalid_token');
  assert.equal(await codeOf(tokens.verify(signWith('own', claimsOf(), { kid: 'one' }))), 'auth.invalid_token');
});

test('[AU8] a token without a key id counts by the only key of the set', async () => {
  await using set = await KeySetServer.start();
  set.keys = [first.jwk()];
  const tokens = serviceOf(set.url);
  assert.equal((await tokens.verify(signWith(first))).userId, 'ada');
  set.keys = [first.jwk('one'), third.jwk('three')];
  assert.equal(await codeOf(serviceOf(set.url).verify(signWith(first))), 'auth.invalid_token');
});

test('[AU8] a key that the set has got since is found at once, one that it has lost no longer counts', async () => {
  await using set = await KeySetServer.start();
  set.keys = [first.jwk('one')];
  const tokens = serviceOf(set.url);
  await tokens.verify(signWith(first, claimsOf(), { kid: 'one' }));
  set.keys = [third.jwk('three')];
  assert.equal((await tokens.verify(signWith(third, claimsOf(), { kid: 'three' }))).userId, 'ada');
  assert.equal(set.fetches, 2);
  assert.equal(await codeOf(tokens.verify(signWith(first, claimsOf(), { kid: 'one' }))), 'auth.invalid_token');
});

test('[AU8] made-up key ids cost ten fetches a minute and shut nobody out', async () => {
  await using set = await KeySetServer.start();
  set.keys = [first.jwk('one')];
  const tokens = serviceOf(set.url);
  for (let index = 0; index < 30; index += 1) {
    assert.equal(await codeOf(tokens.verify(signWith(third, claimsOf(), { kid: `guess-${index}` }))), 'auth.invalid_token');
  }
  assert.equal(set.fetches, 11);
  assert.equal((await tokens.verify(signWith(first, claimsOf(), { kid: 'one' }))).userId, 'ada');
});

test('[AU8] keys of other kinds and for other uses are passed over', async () => {
  await using set = await KeySetServer.start();
  set.keys = [
    { ...first.jwk('one'), use: 'enc' },
    { ...third.jwk('three'), alg: 'RS512' },
    { kty: 'oct', k: 'c2VjcmV0', kid: 'shared', alg: 'HS256' },
    { kty: 'RSA', kid: 'broken' },
    second.jwk('two'),
  ];
  const tokens = serviceOf(set.url);
  assert.equal((await tokens.verify(signWith(second, claimsOf(), { kid: 'two' }))).userId, 'ada');
  assert.equal(await codeOf(tokens.verify(signWith(first, claimsOf(), { kid: 'one' }))), 'auth.invalid_token');
  assert.equal(await codeOf(tokens.verify(signWith(third, claimsOf(), { kid: 'three' }))), 'auth.invalid_token');
  assert.equal(await codeOf(tokens.verify(signWith('secret', claimsOf(), { kid: 'shared' }))), 'auth.invalid_token');
});

test('[AU9] while the set cannot be fetched a token is answered with auth.unavailable, and tried again with the next', async () => {
  await using set = await KeySetServer.start();
  const tokens = serviceOf(set.url);
  const token = signWith(first, claimsOf(), { kid: 'one' });
  for (const answer of [
    { status: 500, body: '' },
    { status: 404, body: '{}' },
    { status: 200, body: '<html>' },
    { status: 200, body: '{"keys":[]}' },
    { status: 200, body: 'null' },
  ]) {
    set.answer = answer;
    assert.equal(await codeOf(tokens.verify(token)), 'auth.unavailable', answer.body);
  }
  set.answer = undefined;
  set.keys = [first.jwk('one')];
  assert.equal((await tokens.verify(token)).userId, 'ada');
  await set.close();
  assert.equal((await tokens.verify(token)).userId, 'ada', 'a known key goes on');
});

test('[AU9] socket and REST say that tokens cannot be checked, and count nobody for it', async () => {
  await using set = await KeySetServer.start();
  await using app = await startTestApp({ AUTH_SECRET: '', AUTH_JWKS_URL: set.url, LIMIT_REFUSED_CONNECTIONS_PER_MINUTE: '1' });
  const token = signWith(first, claimsOf(), { kid: 'one' });
  set.answer = { status: 503, body: '' };
  for (let attempt = 0; attempt < 3; attempt += 1) {
    const { message, data } = await refusalOf(app.url, { token });
    assert.equal(message, 'Authentication error: Tokens cannot be checked right now');
    assert.equal(data.code, 'auth.unavailable');
  }
  const { status, body } = await app.rest('GET', 'users/me', { token });
  assert.equal(status, 503);
  assert.equal(body.error.code, 'auth.unavailable');
  set.answer = undefined;
  set.keys = [first.jwk('one')];
  assert.equal((await app.connect('ada', 'provider', { token })).ready.userId, 'ada');
});
