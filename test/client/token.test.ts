import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { isTokenFresh, renewalDelayMs, tokenExpiresAtMs } from '../../src/client/token.ts';

const token = (payload: unknown) => `header.${Buffer.from(JSON.stringify(payload)).toString('base64url')}.signature`;

describe('[SDK15] a token is renewed a minute before it expires', () => {
  const expiries: [string, string, number | undefined][] = [
    ['exp', token({ exp: 1_700_000_000 }), 1_700_000_000_000],
    ['with Bearer', `Bearer ${token({ exp: 5 })}`, 5000],
    ['names of any language', token({ exp: 5, name: 'Zoë Åström 李' }), 5000],
    ['no exp', token({ sub: 'x' }), undefined],
    ['exp that is no number', token({ exp: 'soon' }), undefined],
    ['no JWT', 'secret', undefined],
    ['no JSON', 'a.b.c', undefined],
    ['null', token(null), undefined],
  ];
  for (const [name, value, expected] of expiries) test(name, () => assert.equal(tokenExpiresAtMs(value), expected));

  const now = 1_000_000;
  const delays: [string, number, number][] = [
    ['an hour', 3_600_000, 3_540_000],
    ['two minutes', 120_000, 60_000],
    ['less than that: at half its life', 60_000, 30_000],
    ['expired already: not in a loop', -5000, 1000],
    ['years: no longer than a timer can wait', 10 ** 11, 2_147_483_647],
  ];
  for (const [name, lifeMs, expected] of delays) test(name, () => assert.equal(renewalDelayMs(now + lifeMs, now), expected));

  test('a cached one serves for a handshake while it lives', () => {
    assert.equal(isTokenFresh(token({ exp: now / 1000 + 60 }), now), true);
    assert.equal(isTokenFresh(token({ exp: now / 1000 + 2 }), now), false);
    assert.equal(isTokenFresh('not a JWT', now), true);
  });
});
