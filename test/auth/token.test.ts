import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { test } from 'node:test';
import jwt from 'jsonwebtoken';
import { createTokenService, type TokenService } from '../../src/auth/token.ts';
import { readConfig } from '../../src/config.ts';
import { codeOf } from '../support/refusal.ts';
import { assemble, claimsOf, makeKey, secondsFromNow, signWith } from './keys.ts';

const secret = 'a-secret-of-the-host-application-0123456789';
const ownSecret = 'what-the-server-made-under-its-data-folder';
const roomId = '01890a5d-ac96-774b-bcce-b302099a8057';
const rsa = makeKey('RS256');
const ec = makeKey('ES256');

function serviceOf(env: Record<string, string>): TokenService {
  const { auth, isDemo } = readConfig(env);
  return createTokenService({ auth, isDemo, ownSecret });
}
const bySecret = serviceOf({ AUTH_SECRET: secret });
const byRsa = serviceOf({ AUTH_PUBLIC_KEY: rsa.pem });
const byEc = serviceOf({ AUTH_PUBLIC_KEY: ec.pem });

test('[AU1] a token counts with and without "Bearer "', async () => {
  const token = signWith(secret);
  for (const given of [token, `Bearer ${token}`, `bearer ${token}`, `Bearer   ${token} `]) {
    const identity = await bySecret.verify(given);
    assert.deepEqual([identity.userId, identity.displayName, identity.role], ['ada', 'Ada', 'provider']);
  }
});

test('[AU1] no token, an empty one and a bare "Bearer" are missing tokens', async () => {
  for (const given of [undefined, '', '  ', 'Bearer', 'Bearer ']) assert.equal(await codeOf(bySecret.verify(given)), 'auth.missing_token');
});

test('[AU2] HS256 counts by the secret, RS256 and ES256 by the public key', async () => {
  assert.equal((await bySecret.verify(signWith(secret))).userId, 'ada');
  assert.equal((await byRsa.verify(signWith(rsa))).userId, 'ada');
  assert.equal((await byEc.verify(signWith(ec))).userId, 'ada');
});

test('[AU2] a public key may be written with \\n for its line ends', async () => {
  for (const key of [rsa, ec]) {
    const service = serviceOf({ AUTH_PUBLIC_KEY: key.pem.replaceAll('\n', '\\n') });
    assert.equal((await service.verify(signWith(key))).userId, 'ada');
  }
});

test('[AU2] secret and public key can be configured together, each with its own algorithm', async () => {
  const both = serviceOf({ AUTH_SECRET: secret, AUTH_PUBLIC_KEY: rsa.pem });
  assert.equal((await both.verify(signWith(secret))).userId, 'ada');
  assert.equal((await both.verify(signWith(rsa))).userId, 'ada');
  assert.equal(await codeOf(both.verify(signWith(ec))), 'auth.invalid_token');
});

test('[AU3] a token whose algorithm is "none" is refused', async () => {
  for (const service of [bySecret, byRsa, byEc]) {
    for (const alg of ['none', 'None', 'NONE', '']) {
      assert.equal(await codeOf(service.verify(assemble({ alg, typ: 'JWT' }, claimsOf()))), 'auth.invalid_token');
    }
    assert.equal(
      await codeOf(service.verify(assemble({ alg: 'none', kid: 'parley' }, claimsOf({ room: { id: roomId } })))),
      'auth.invalid_token',
    );
  }
});

test('[AU3] HS256 signed with the public key as its secret is refused', async () => {
  for (const [service, key] of [
    [byRsa, rsa],
    [byEc, ec],
  ] as const) {
    for (const kid of [undefined, 'parley']) {
      for (const guess of [key.pem, key.pem.trim(), key.pem.replaceAll('\n', '\\n')]) {
        const signed = assemble({ alg: 'HS256', typ: 'JWT', kid }, claimsOf({ room: { id: roomId } })).slice(0, -1);
        const signature = createHmac('sha256', guess).update(signed).digest('base64url');
        assert.equal(await codeOf(service.verify(`${signed}.${signature}`)), 'auth.invalid_token');
      }
    }
  }
});

test('[AU3] algorithms that are not configured, and keys of another kind, are refused', async () => {
  assert.equal(await codeOf(bySecret.verify(signWith(rsa))), 'auth.invalid_token');
  assert.equal(await codeOf(byRsa.verify(signWith(ec))), 'auth.invalid_token');
  assert.equal(await codeOf(byEc.verify(signWith(rsa))), 'auth.invalid_token');
  assert.equal(await codeOf(byRsa.verify(signWith(secret))), 'auth.invalid_token');
  assert.equal(await codeOf(byRsa.verify(signWith(makeKey('RS256')))), 'auth.invalid_token');
  for (const algorithm of ['RS384', 'RS512', 'PS256'] as const) {
    const token = jwt.sign(claimsOf(), rsa.privateKey, { algorithm });
    assert.equal(await codeOf(byRsa.verify(token)), 'auth.invalid_token');
  }
  for (const [alg, hash] of [
    ['HS384', 'sha384'],
    ['HS512', 'sha512'],
  ] as const) {
    const signed = assemble({ alg, typ: 'JWT' }, claimsOf()).slice(0, -1);
    const token = `${signed}.${createHmac(hash, secret).update(signed).digest('base64url')}`;
    assert.equal(await codeOf(bySecret.verify(token)), 'auth.invalid_token');
  }
});

test('[AU3] a changed payload, a header that wants to be understood, and what is no token at all are refused', async () => {
  const token = signWith(secret);
  const [header = '', , signature = ''] = token.split('.');
  const other = Buffer.from(JSON.stringify(claimsOf({ role: 'admin' }))).toString('base64url');
  const noJson = assemble({ alg: 'HS256', typ: 'JWT' }, 'not json').slice(0, -1);
  const malformed = [
    `${header}.${other}.${signature}`,
    signWith(secret, claimsOf(), { crit: ['b64'], b64: false }),
    `${noJson}.${createHmac('sha256', secret).update(noJson).digest('base64url')}`,
    assemble('not json', claimsOf(), 'x'),
    assemble('[]', claimsOf(), 'x'),
    assemble('null', claimsOf(), 'x'),
    assemble({ alg: 'HS256', kid: { toString: 'x' } }, claimsOf(), 'x'),
    assemble({ alg: 'HS256', typ: 'JWT' }, '"text"', 'x'),
    'x',
    '...',
    'a.b.c',
    `${token}.${token}`,
    'Bearer Bearer',
    '\0',
    'ü'.repeat(100),
  ];
  for (const given of malformed) assert.equal(await codeOf(bySecret.verify(given)), 'auth.invalid_token', given);
});

test('[AU4] a token is good until 30 s after its exp', async () => {
  assert.equal((await bySecret.verify(signWith(secret, claimsOf({ exp: secondsFromNow(-27) })))).userId, 'ada');
  assert.equal(await codeOf(bySecret.verify(signWith(secret, claimsOf({ exp: secondsFromNow(-31) })))), 'auth.expired_token');
  assert.equal(await codeOf(byRsa.verify(signWith(rsa, claimsOf({ exp: secondsFromNow(-3600) })))), 'auth.expired_token');
});

test('[AU4] a token is good from 30 s before its nbf', async () => {
  assert.equal((await bySecret.verify(signWith(secret, claimsOf({ nbf: secondsFromNow(27) })))).userId, 'ada');
  assert.equal(await codeOf(bySecret.verify(signWith(secret, claimsOf({ nbf: secondsFromNow(35) })))), 'auth.invalid_token');
});

test('[AU4] a forged token is invalid, not expired', async () => {
  const forged = signWith('another secret', claimsOf({ exp: secondsFromNow(-3600) }));
  assert.equal(await codeOf(bySecret.verify(forged)), 'auth.invalid_token');
});

test('[AU5] issuer and audience count when they are configured', async () => {
  const strict = serviceOf({ AUTH_SECRET: secret, AUTH_ISSUER: 'https://portal.example', AUTH_AUDIENCE: 'parley' });
  const right = { iss: 'https://portal.example', aud: 'parley' };
  assert.equal((await strict.verify(signWith(secret, claimsOf(right)))).userId, 'ada');
  assert.equal((await strict.verify(signWith(secret, claimsOf({ ...right, aud: ['other', 'parley'] })))).userId, 'ada');
  for (const wrong of [{ iss: 'https://evil.example' }, { iss: undefined }, { aud: 'other' }, { aud: undefined }, { aud: ['parley2'] }]) {
    assert.equal(await codeOf(strict.verify(signWith(secret, claimsOf({ ...right, ...wrong })))), 'auth.invalid_token');
  }
  assert.equal((await bySecret.verify(signWith(secret, claimsOf({ iss: 'anybody', aud: 'anything' })))).userId, 'ada');
});

test('[AU6] claims that do not fit make a token invalid', async () => {
  const wrong: Record<string, unknown>[] = [
    { sub: undefined },
    { sub: '' },
    { sub: 'a'.repeat(65) },
    { sub: 'a b' },
    { sub: 'a/b' },
    { sub: 'ädä' },
    { sub: 'a\n' },
    { sub: 7 },
    { role: undefined },
    { role: 'root' },
    { role: 'Admin' },
    { role: ['admin'] },
    { exp: undefined },
    { exp: 'tomorrow' },
    { exp: null },
    { exp: 1e300 },
    { exp: Date.now() * 10_000 },
    { name: 7 },
    { name: 'x'.repeat(201) },
    { name: 'a\0b' },
    { room: 'all' },
    { room: null },
    { room: {} },
    { room: { id: '' } },
    { room: { id: 7 } },
    { room: { id: roomId, canPublish: ['hologram'] } },
    { room: { id: roomId, canPublish: 'camera' } },
    { room: { id: roomId, canSubscribe: 'yes' } },
  ];
  for (const changes of wrong) {
    assert.equal(await codeOf(bySecret.verify(signWith(secret, claimsOf(changes)))), 'auth.invalid_token', JSON.stringify(changes));
  }
});

test('[AU6] a token without a name, or with an empty one, names its user by the id', async () => {
  for (const name of [undefined, '', '   ']) assert.equal((await bySecret.verify(signWith(secret, claimsOf({ name })))).displayName, 'ada');
  const sub = 'A.b_c:d@e-9';
  assert.equal((await bySecret.verify(signWith(secret, claimsOf({ sub })))).userId, sub);
});

test('[AU13] a token that the server signed carries its room and grants, whatever keys the host application uses', async () => {
  const grants = { roomId, canPublish: ['microphone'], canSubscribe: false, canModerate: true, canRecord: false } as const;
  const expiresAt = new Date(secondsFromNow(60) * 1000);
  for (const env of [{ AUTH_SECRET: secret }, { AUTH_PUBLIC_KEY: rsa.pem, AUTH_ISSUER: 'i', AUTH_AUDIENCE: 'a' }, {}]) {
    const service = serviceOf(env);
    const token = service.sign({ userId: 'ada', displayName: 'Ada', role: 'patient', grants }, expiresAt);
    assert.deepEqual(await service.verify(token), { userId: 'ada', displayName: 'Ada', role: 'patient', expiresAt, grants });
  }
});

test('[AU23] what demo mode handed out is worth nothing once a key is configured', async () => {
  const demo = serviceOf({});
  const admin = demo.sign({ userId: 'eve', displayName: 'Eve', role: 'admin' }, new Date(secondsFromNow(600) * 1000));
  assert.equal((await demo.verify(admin)).role, 'admin');
  assert.equal(await codeOf(byRsa.verify(admin)), 'auth.invalid_token');
  assert.equal(await codeOf(bySecret.verify(admin)), 'auth.invalid_token');
});
