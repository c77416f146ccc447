import assert from 'node:assert/strict';
import { isIPv4 } from 'node:net';
import { test } from 'node:test';
import { readConfig } from '../../src/config.ts';

const AUTH_SECRET = 'a secret of the host application, long enough';

test('[ST12] media workers on a wildcard announce an address of this machine, with a warning, when none is set', () => {
  const { media, warnings } = readConfig({ AUTH_SECRET });
  assert.equal(media.listenIp, '0.0.0.0');
  assert.ok(isIPv4(media.announcedAddress ?? ''), media.announcedAddress);
  assert.notEqual(media.announcedAddress, '0.0.0.0');
  assert.deepEqual(
    warnings.filter((warning) => warning.includes('MEDIA_ANNOUNCED_ADDRESS') && warning.includes(media.announcedAddress ?? '')).length,
    1,
  );
});

test('[ST12] an address that is set is announced, and one that is no wildcard needs none', () => {
  const set = readConfig({ AUTH_SECRET, MEDIA_ANNOUNCED_ADDRESS: 'media.example.org' });
  assert.deepEqual([set.media.announcedAddress, set.warnings], ['media.example.org', []]);
  for (const own of [readConfig({ AUTH_SECRET, MEDIA_LISTEN_IP: '127.0.0.1' }), readConfig({})]) {
    assert.deepEqual([own.media.announcedAddress, own.warnings], [undefined, []]);
  }
});

test('[ST3] a number that is none and one out of bounds are told apart', () => {
  assert.throws(() => readConfig({ PORT: 'abc', MEDIA_BASE_PORT: '70000' }), /PORT: must be a number\n {2}MEDIA_BASE_PORT: Too big/);
});
