import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

/** The rooms of the house by storey. A room imports values only from storeys below its own; on its own storey, types only. */
const storeys: readonly (readonly string[])[] = [
  ['environment.ts'],
  ['protocol', 'facts.ts', 'log.ts', 'config.ts', 'notifier.ts'],
  ['sfu', 'db', 'auth', 'storage', 'jobs'],
  ['cluster', 'users', 'rooms', 'appointments', 'calls', 'chat', 'presence', 'notifications', 'recording', 'quality', 'audit'],
  ['signaling', 'http'],
  ['app.ts'],
  ['main.ts'],
];

interface Import {
  file: string;
  from: string;
  to: string;
  isTypeOnly: boolean;
  target: string;
}

const roomOf = (file: string) => file.split('/')[0] ?? '';
const storeyOf = (room: string) => storeys.findIndex((rooms) => rooms.includes(room));

function importsBelow(folder: string): Import[] {
  const base = path.join(root, folder);
  return globSync('**/*.{ts,tsx}', { cwd: base }).flatMap((file) => {
    const text = readFileSync(path.join(base, file), 'utf8');
    const matches = text.matchAll(/^(?:import|export)\s+(type\s+)?[^;'"]*?from\s+'([^']+)'/gm);
    return [...matches].map(([statement, typeOnly, target = '']) => {
      const names =
        /\{([^}]*)\}/
          .exec(statement)?.[1]
          ?.split(',')
          .map((name) => name.trim())
          .filter(Boolean) ?? [];
      const isTypeOnly = typeOnly !== undefined || (names.length > 0 && names.every((name) => name.startsWith('type ')));
      const to = target.startsWith('.') ? path.posix.normalize(path.posix.join(path.posix.dirname(file), target)) : target;
      return { file: `${folder}/${file}`, from: roomOf(file), to: roomOf(to), isTypeOnly, target: to };
    });
  });
}

const isLocal = ({ target }: Import) => target.endsWith('.ts') || target.endsWith('.tsx');
const describe = ({ file, target }: Import) => `${file} → ${target}`;

test('[HS1] imports point down: a room takes values only from storeys below it', () => {
  const server = importsBelow('src').filter((entry) => entry.from !== 'client' && isLocal(entry) && entry.from !== entry.to);
  assert.ok(server.length > 50, 'imports were read');
  const unknown = server.filter(({ from, to }) => storeyOf(from) < 0 || storeyOf(to) < 0);
  assert.deepEqual(unknown.map(describe), []);
  const upwards = server.filter(({ from, to, isTypeOnly }) => {
    const difference = storeyOf(from) - storeyOf(to);
    return difference < 0 || (difference === 0 && !isTypeOnly);
  });
  assert.deepEqual(upwards.map(describe), []);
});

test('[HS2] the protocol imports zod and nothing else that runs', () => {
  const foreign = importsBelow('src').filter(
    ({ from, to, isTypeOnly }) => from === 'protocol' && to !== 'protocol' && to !== 'zod' && !isTypeOnly,
  );
  assert.deepEqual(foreign.map(describe), []);
});

test('[HS3] the browser SDK takes types of the protocol, and values of its errors alone', () => {
  const entries = importsBelow('src').filter(({ from, to }) => from === 'client' && to !== 'client');
  const wrong = entries.filter((entry) => {
    if (!isLocal(entry)) return !['mediasoup-client', 'socket.io-client', '@socket.io', 'idb'].includes(entry.to);
    return entry.to !== 'protocol' || !(entry.isTypeOnly || entry.target === 'protocol/errors.ts');
  });
  assert.deepEqual(wrong.map(describe), []);
});

test('[HS4] the page uses the SDK and types of the protocol', () => {
  const wrong = importsBelow('web').filter((entry) => {
    const match = /src\/(client|protocol)\//.exec(entry.target);
    if (!match) return entry.target.includes('../src/');
    return match[1] === 'protocol' && !entry.isTypeOnly;
  });
  assert.deepEqual(wrong.map(describe), []);
});

test('[HS5] only config.ts reads the environment, and no file has a name that says nothing', () => {
  const files = globSync('src/**/*.ts', { cwd: root });
  const readers = files.filter((file) => readFileSync(path.join(root, file), 'utf8').includes('process.env'));
  assert.deepEqual(readers.sort(), ['src/main.ts']);
  const vague = files.filter((file) => /\/(utils?|helpers?|common|manager|types)\.ts$/.test(file));
  assert.deepEqual(vague, []);
});

test('[HS6] every rule is quoted by a test, and every test quotes a rule', () => {
  const rules = [...readFileSync(path.join(root, 'docs/behaviour.md'), 'utf8').matchAll(/^- \*\*([A-Z]{2,3}\d+)\*\*/gm)].map(
    ([, rule = '']) => rule,
  );
  assert.equal(new Set(rules).size, rules.length, 'no rule has another one’s number');
  const tests = globSync('test/**/*.test.ts', { cwd: root }).map((file) => readFileSync(path.join(root, file), 'utf8'));
  const names = tests.flatMap((text) => [...text.matchAll(/\[([A-Z]{2,3}\d+(?:, [A-Z]{2,3}\d+)*)\]/g)]);
  const quoted = new Set(names.flatMap(([, list = '']) => list.split(', ')));
  assert.deepEqual(
    [...quoted].filter((rule) => !rules.includes(rule)),
    [],
    'tests without a rule',
  );
  assert.deepEqual(
    rules.filter((rule) => !quoted.has(rule)),
    [],
    'rules without a test',
  );
});
