import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { createBareMachine } from './bare-machine.ts';

const BUILD_TOOLS = {
  'apt-get': 'echo "$@" >> "$CALLS"',
  meson: 'mkdir -p build; echo > build/build.ninja',
  ninja: 'echo "[1/2] one"; echo "[2/2] two"; echo "#!/bin/sh\nexit 41" > build/mediasoup-worker; chmod +x build/mediasoup-worker',
};

test('[SU1] a fresh checkout gets all it needs, and a second start does nothing', async () => {
  using machine = createBareMachine();
  machine.write('web/index.html', 'page');

  const first = await machine.setUp(['start']);
  assert.equal(first.exitCode, 0, first.output);
  assert.deepEqual(machine.calls(), ['npm ci', 'npm rebuild', 'download', 'vite']);

  const second = await machine.setUp(['start']);
  assert.equal(second.exitCode, 0, second.output);
  assert.deepEqual(machine.calls(), []);
  assert.equal(second.lines.length, 1, 'only the server speaks');
  assert.match(second.output, new RegExp(`^worker ${machine.cacheDir}/mediasoup-worker-1\\.2\\.3-`));
});

test('[SU1] a command that needs npm packages alone brings in nothing else', async () => {
  using machine = createBareMachine();
  machine.take('ffmpeg');
  machine.write('web/index.html', 'page');
  const { exitCode, output } = await machine.setUp(['migrate']);
  assert.equal(exitCode, 0, output);
  assert.deepEqual(machine.calls(), ['npm ci', 'npm rebuild']);
});

test('[SU2] a changed lockfile is installed again', async () => {
  using machine = createBareMachine();
  await machine.setUp(['migrate']);
  machine.calls();
  const lockfile = readFileSync(join(machine.root, 'package-lock.json'), 'utf8');
  machine.write('package-lock.json', lockfile.replace('1.2.3', '1.2.4'));
  await machine.setUp(['migrate']);
  assert.deepEqual(machine.calls(), ['npm ci', 'npm rebuild']);
});

const FAILURES = [
  {
    what: 'no network',
    says: 'npm error code ENOTFOUND\nnpm error network request failed',
    line: /^npm ci failed: .*ENOTFOUND\. Look at the network connection, then run the same command again\./,
  },
  {
    what: 'a full disk',
    says: 'npm error ENOSPC: no space left on device, write',
    line: /^npm ci failed: The disk is full: make room, then run the same command again\./,
  },
  {
    what: 'anything else',
    says: 'npm warn old\nnpm error code E401',
    line: /^npm ci failed: npm error code E401\. Put that right, then run the same command again\./,
  },
];
for (const { what, says, line } of FAILURES) {
  test(`[SU3] ${what} is one clear line, and the next run goes on from there`, async () => {
    using machine = createBareMachine();
    const npm = readFileSync(join(machine.root, '../bin/npm'), 'utf8');
    machine.give('npm', `echo "${says}" >&2; exit 1`);
    const failed = await machine.setUp(['start']);
    assert.equal(failed.exitCode, 1);
    assert.equal(failed.lines.length, 2, failed.output);
    assert.match(failed.lines[1] ?? '', line);

    machine.give('npm', npm);
    const again = await machine.setUp(['start']);
    assert.equal(again.exitCode, 0, again.output);
  });
}

test('[SU4] a user who is not root is told the line to type', async () => {
  using machine = createBareMachine();
  machine.take('ffmpeg');
  machine.give('apt-get', 'echo "$@" >> "$CALLS"');
  const { exitCode, lines } = await machine.setUp(['start']);
  assert.equal(exitCode, 1);
  assert.equal(lines.at(-1), 'Please run this, then the same command again: sudo apt-get install -y ffmpeg');
  assert.ok(!machine.calls().some((call) => call.includes('install -y')));
});

test('[SU4] a program of the user stands for the package', async () => {
  using machine = createBareMachine();
  machine.take('ffmpeg');
  const { exitCode, output } = await machine.setUp(['start'], { env: { FFMPEG_PATH: '/opt/ffmpeg' } });
  assert.equal(exitCode, 0, output);
});

test('[SU4] a system without apt-get is told what is missing', async () => {
  using machine = createBareMachine();
  machine.take('ffmpeg');
  const { exitCode, lines } = await machine.setUp(['test'], { isRoot: true });
  assert.equal(exitCode, 1);
  assert.equal(lines.at(-1), 'Please install what Debian calls ffmpeg chromium redis-server, then run the same command again.');
});

test('[SU4] root names the packages and installs them, with fresh package lists when the old ones fail', async () => {
  using machine = createBareMachine();
  machine.take('ffmpeg');
  machine.give('apt-get', 'echo "$@" >> "$CALLS"; case "$*" in *update) echo > fresh;; esac; [ -e fresh ]');
  const { exitCode, output, lines } = await machine.setUp(['start'], { isRoot: true });
  assert.equal(exitCode, 0, output);
  assert.ok(lines.includes('Installing Debian packages: ffmpeg'));
  const calls = machine.calls().filter((call) => call.includes('DPkg'));
  assert.deepEqual(
    calls.map((call) => call.split(' ').slice(2).join(' ')),
    ['install -y --no-install-recommends ffmpeg', 'update', 'install -y --no-install-recommends ffmpeg'],
  );
});

test('[SU5] the worker that MEDIASOUP_WORKER_BIN names is used, and has to be there', async () => {
  using machine = createBareMachine();
  const own = join(machine.root, 'own-worker');
  const missing = await machine.setUp(['start'], { env: { MEDIASOUP_WORKER_BIN: own } });
  assert.equal(missing.exitCode, 1);
  assert.equal(missing.lines.at(-1), `MEDIASOUP_WORKER_BIN names ${own}, which is not there. Correct it or leave it out.`);

  machine.write('own-worker', '');
  const { output } = await machine.setUp(['start'], { env: { MEDIASOUP_WORKER_BIN: own } });
  assert.match(output, new RegExp(`^worker ${own}$`, 'm'));
  assert.ok(!machine.calls().includes('download'));
});

test('[SU5] a changed build recipe has a worker of its own', async () => {
  using machine = createBareMachine();
  const first = await machine.setUp(['start']);
  machine.append('scripts/mediasoup-worker/overlay/libuv/meson.build', '# changed\n');
  machine.calls();
  const second = await machine.setUp(['start']);
  assert.notEqual(first.lines.at(-1), second.lines.at(-1));
  assert.deepEqual(machine.calls(), ['download']);
});

test('[SU6] without a download the worker is built, and a build that was cut short goes on', async () => {
  using machine = createBareMachine();
  for (const [name, body] of Object.entries(BUILD_TOOLS)) machine.give(name, body);
  machine.give('ninja', 'echo "[1/2] one"; echo > one.o; echo "ninja: No space left on device"; exit 1');
  const failed = await machine.setUp(['start'], { isRoot: true, env: { OFFLINE: '1' } });
  assert.equal(failed.exitCode, 1);
  assert.match(failed.lines.at(-1) ?? '', /^Building the mediasoup worker failed: The disk is full: make room/);
  assert.ok(failed.lines.includes('  50 %'), failed.output);

  machine.give('ninja', `[ -e one.o ]; ${BUILD_TOOLS.ninja}`);
  const again = await machine.setUp(['start'], { isRoot: true, env: { OFFLINE: '1' } });
  assert.equal(again.exitCode, 0, again.output);
  assert.ok(again.lines.includes('  100 %'), again.output);
  assert.deepEqual(
    readdirSync(machine.cacheDir).filter((name) => name.endsWith('.build')),
    [],
  );

  machine.calls();
  await machine.setUp(['start'], { env: { OFFLINE: '1' } });
  assert.deepEqual(machine.calls(), []);
});

test('[SU7] the page is built when one of its sources is newer', async () => {
  using machine = createBareMachine();
  machine.write('web/index.html', 'page');
  machine.write('src/protocol/room.ts', '');
  machine.write('src/other.ts', '');
  await machine.setUp(['start']);
  assert.ok(existsSync(join(machine.root, 'web/dist/index.html')));
  machine.calls();

  const later = new Date(Date.now() + 60_000);
  utimesSync(join(machine.root, 'src/other.ts'), later, later);
  await machine.setUp(['start']);
  assert.deepEqual(machine.calls(), []);

  utimesSync(join(machine.root, 'src/protocol/room.ts'), later, later);
  await machine.setUp(['start']);
  assert.deepEqual(machine.calls(), ['vite']);
});

test('[SU8] two set-ups at once do the work once', async () => {
  using machine = createBareMachine();
  const results = await Promise.all([machine.setUp(['start']), machine.setUp(['start'])]);
  assert.deepEqual(
    results.map((result) => result.exitCode),
    [0, 0],
    results.map((result) => result.output).join('\n'),
  );
  assert.deepEqual(machine.calls(), ['npm ci', 'npm rebuild', 'download']);
});

test('[SU9] a signal that arrives twice reaches the server once, and its exit code comes back', async () => {
  using machine = createBareMachine();
  const { child, ended } = machine.start(['start', 'stay']);
  const heard = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  assert.match(String((await heard.next()).value), /^worker /);
  child.kill('SIGINT');
  child.kill('SIGINT');
  assert.equal((await heard.next()).value, 'SIGINT');
  child.kill('SIGTERM');
  assert.equal((await heard.next()).value, 'SIGTERM');
  assert.equal((await ended).exitCode, 7);
});
