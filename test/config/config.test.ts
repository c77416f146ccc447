import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { ConfigError, readConfig } from '../../src/config.ts';
import { settingDefaults, settingNames } from '../../src/environment.ts';
import { createLog } from '../../src/log.ts';
import { startTestApp } from '../support/test-app.ts';

/** A usual secret. */
const AUTH_SECRET = 'x'.repeat(32);

/** The faults of settings, without their explanations. */
function faultsOf(env: Record<string, string>): string[] {
  try {
    readConfig(env);
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    return error.faults.map((fault) => fault.split(':')[0] ?? '');
  }
  return [];
}

const pemOf = ({ publicKey }: ReturnType<typeof generateKeyPairSync>) => publicKey.export({ type: 'spki', format: 'pem' }).toString();

test('[ST1] .env.example lists every setting once, in order, with one comment and its default', () => {
  const lines = readFileSync(new URL('../../.env.example', import.meta.url), 'utf8')
    .trim()
    .split('\n')
    .slice(2);
  const listed = lines.flatMap((line, index) => {
    if (line.startsWith('#')) return [];
    assert.match(lines[index - 1] ?? '', /^# \S.*\.$/, `${line} has a comment`);
    assert.doesNotMatch(lines[index - 2] ?? '', /^#/, `${line} has one comment`);
    const [name, value] = line.split('=', 2);
    return [[name, value]];
  });
  assert.deepEqual(
    listed,
    settingNames.map((name) => [name, String(settingDefaults[name] ?? '')]),
  );
});

test('[ST2] a setting that is empty or blank counts as left out', () => {
  assert.deepEqual(readConfig(Object.fromEntries(settingNames.map((name) => [name, '']))), readConfig({}));
  assert.deepEqual(readConfig(Object.fromEntries(settingNames.map((name) => [name, '  ']))), readConfig({}));
});

test('[ST3] every fault is told at once, by the setting’s name', () => {
  const env = {
    NODE_ENV: 'production',
    PORT: '70000',
    HOST: '0.0.0.0',
    PUBLIC_URL: 'ftp://meet.example',
    DATABASE_URL: 'mysql://db',
    ACCESS_POLICY: 'closed',
    CORS_ORIGINS: 'https://portal.example/path',
    TRUSTED_PROXIES: 'everybody',
    TLS_CERT_FILE: '/nowhere/cert.pem',
    MEDIA_LISTEN_IP: 'localhost',
    MEDIA_BASE_PORT: '65530',
    MEDIA_WORKERS: '99',
    TURN_URLS: 'turn:turn.example',
    LOG_LEVEL: 'loud',
    LIMIT_PARTICIPANTS: 'many',
    LIMIT_ROOM_MINUTES: '-1',
  };
  assert.deepEqual(
    new Set(faultsOf(env)),
    new Set([
      'PORT',
      'PUBLIC_URL',
      'DATABASE_URL',
      'ACCESS_POLICY',
      'CORS_ORIGINS',
      'TRUSTED_PROXIES',
      'TLS_CERT_FILE',
      'MEDIA_LISTEN_IP',
      'LOG_LEVEL',
      'LIMIT_PARTICIPANTS',
      'LIMIT_ROOM_MINUTES',
      'AUTH_SECRET, AUTH_JWKS_URL or AUTH_PUBLIC_KEY',
      'HOST',
      'TLS_CERT_FILE, TLS_KEY_FILE',
      'TURN_SECRET',
      'MEDIA_BASE_PORT',
    ]),
  );
});

test('[ST3] values that cannot be meant are faults', () => {
  const wrong: Record<string, string[]> = {
    PORT: ['-1', '1.5', 'http', '65536'],
    MEDIA_WORKERS: ['0', '257', '1.5'],
    MEDIASOUP_WORKER_BIN: ['/nowhere', tmpdir()],
    AUTH_JWKS_URL: ['portal.example/jwks', 'file:///etc/passwd'],
    CORS_ORIGINS: ['*', 'portal.example', 'https://portal.example/'],
    TRUSTED_PROXIES: ['10.0.0.0/99'],
    LIMIT_PARTICIPANTS: ['-1', '2.5', 'Infinity', 'NaN'],
    LIMIT_RECONNECT_SECONDS: ['-1', '99999999999'],
    LIMIT_PING_INTERVAL_SECONDS: ['0', '-1'],
    LIMIT_PAYLOAD_BYTES: ['1MB'],
    LIMIT_ICE_HOURS: ['0'],
  };
  for (const [name, values] of Object.entries(wrong)) {
    for (const value of values) assert.deepEqual(faultsOf({ AUTH_SECRET, [name]: value }), [name], `${name}=${value}`);
  }
});

test('[CAP16] ports of recordings below 1024, past 65535 or of media workers are faults', () => {
  const workers = { AUTH_SECRET, MEDIA_WORKERS: '2' };
  assert.deepEqual(faultsOf({ ...workers, RECORDING_BASE_PORT: '80' }), ['RECORDING_BASE_PORT']);
  assert.deepEqual(faultsOf({ ...workers, RECORDING_PORTS: '5' }), ['RECORDING_PORTS']);
  assert.deepEqual(faultsOf({ ...workers, RECORDING_BASE_PORT: '65000' }), ['RECORDING_PORTS']);
  assert.deepEqual(faultsOf({ ...workers, RECORDING_BASE_PORT: '43000' }), ['RECORDING_BASE_PORT']);
  assert.deepEqual(faultsOf({ ...workers, RECORDING_BASE_PORT: '44001' }), ['RECORDING_BASE_PORT']);
  assert.deepEqual(faultsOf({ ...workers, RECORDING_BASE_PORT: '44002' }), []);
  assert.deepEqual(readConfig({ AUTH_SECRET }).media.recordingPorts, { basePort: 22_000, count: 1_200 });
});

test('[ST3] a public key must be one of RS256 or ES256, long enough, and public', () => {
  const good = [generateKeyPairSync('rsa', { modulusLength: 2048 }), generateKeyPairSync('ec', { namedCurve: 'P-256' })];
  for (const pair of good) assert.deepEqual(faultsOf({ AUTH_PUBLIC_KEY: pemOf(pair) }), []);
  const privateHalf = good[1]?.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() ?? '';
  const bad = [
    pemOf(generateKeyPairSync('rsa', { modulusLength: 1024 })),
    pemOf(generateKeyPairSync('ec', { namedCurve: 'P-384' })),
    pemOf(generateKeyPairSync('ed25519')),
    'not a key',
    '-----BEGIN PUBLIC KEY-----\\nAAAA\\n-----END PUBLIC KEY-----',
  ];
  for (const pem of bad) assert.deepEqual(faultsOf({ AUTH_PUBLIC_KEY: pem }), ['AUTH_PUBLIC_KEY']);
  const { auth } = readConfig({ AUTH_PUBLIC_KEY: privateHalf.replaceAll('\n', '\\n') });
  assert.match(auth.publicKey ?? '', /\n/);
});

test('[ST3] certificate and key must be there, both, and belong together', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'parley-tls-'));
  try {
    const [cert, key] = [path.join(folder, 'cert.pem'), path.join(folder, 'key.pem')];
    writeFileSync(cert, 'no certificate');
    writeFileSync(key, 'no key');
    assert.deepEqual(faultsOf({ AUTH_SECRET, TLS_CERT_FILE: cert, TLS_KEY_FILE: key }), ['TLS_CERT_FILE, TLS_KEY_FILE']);
    assert.deepEqual(faultsOf({ AUTH_SECRET, TLS_CERT_FILE: cert }), ['TLS_CERT_FILE, TLS_KEY_FILE']);
    assert.deepEqual(faultsOf({ AUTH_SECRET, TLS_CERT_FILE: folder, TLS_KEY_FILE: key }), ['TLS_CERT_FILE']);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('[ST4] without a key for tokens the server is in demo mode: on loopback, and not in production', () => {
  const demo = readConfig({});
  assert.deepEqual([demo.isDemo, demo.http.host, demo.media.listenIp], [true, '127.0.0.1', '127.0.0.1']);
  for (const HOST of ['127.0.0.1', '::1', 'localhost']) assert.equal(readConfig({ HOST }).http.host, HOST);
  for (const HOST of ['0.0.0.0', '::', '192.0.2.1', 'meet.example', '127.0.0.1.evil.example'])
    assert.deepEqual(faultsOf({ HOST }), ['HOST']);
  assert.deepEqual(faultsOf({ NODE_ENV: 'production' }), ['AUTH_SECRET, AUTH_JWKS_URL or AUTH_PUBLIC_KEY']);
  const real = readConfig({ AUTH_SECRET, NODE_ENV: 'production' });
  assert.deepEqual([real.isDemo, real.http.host, real.media.listenIp], [false, '0.0.0.0', '0.0.0.0']);
});

test('[ST5] a secret shorter than 32 characters is taken, with a warning in the log that does not show it', async () => {
  assert.deepEqual(readConfig({ AUTH_SECRET, MEDIA_LISTEN_IP: '127.0.0.1' }).warnings, []);
  const lines: string[] = [];
  const log = createLog('info', { write: (line) => void lines.push(line) });
  await using app = await startTestApp({ AUTH_SECRET: 'tooShort' }, { log });
  assert.equal((await app.connect('ada')).ready.userId, 'ada');
  const warnings = lines.filter((line) => line.includes('"level":"warn"'));
  assert.equal(warnings.length, 1);
  assert.match(warnings[0] ?? '', /AUTH_SECRET is shorter than 32 characters/);
  assert.ok(!lines.some((line) => line.includes('tooShort')));
});

test('[ST6] a limit of 0 is off', async () => {
  const off = settingNames.filter((name) => name.startsWith('LIMIT_') && !/PING|ICE/.test(name));
  await using app = await startTestApp(Object.fromEntries(off.map((name) => [name, '0'])));
  for (let count = 0; count < 12; count += 1) await app.createRoom({ maxParticipants: 1000 }, 'ada');
  const { roomId } = await app.createRoom({}, 'ada');
  const clients = await Promise.all(Array.from({ length: 17 }, (_, index) => app.connect(`guest-${index}`, 'patient')));
  const snapshots = await Promise.all(clients.map((client) => client.join(roomId)));
  assert.ok(snapshots.every(({ room }) => room.endsAt === null));
});
