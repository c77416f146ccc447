import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const SCRIPTS = fileURLToPath(new URL('../../scripts', import.meta.url));

/** All of the real machine that a bare one has. */
const SYSTEM_COMMANDS = ['sh', 'cat', 'cp', 'chmod', 'flock', 'ln', 'mkdir', 'sleep'];

const LOCKFILE = {
  packages: {
    '': {},
    'node_modules/mediasoup': { version: '1.2.3' },
    'node_modules/node': { version: '24.0.0' },
    'node_modules/for-another-platform': { version: '1.0.0', optional: true },
  },
};

/** npm that "installs" by writing what the set-up looks at: npm's own record, the runtime, mediasoup with its script, vite. */
const NPM = `
echo "npm $1" >> "$CALLS"
[ "$1" = ci ] || exit 0
sleep 0.1
mkdir -p node_modules/.bin node_modules/mediasoup/worker/subprojects
ln -sf "$REAL_NODE" node_modules/.bin/node
cp "$FIXTURES/vite" node_modules/.bin/vite
cp "$FIXTURES/npm-scripts.mjs" node_modules/mediasoup/npm-scripts.mjs
cp -r "$FIXTURES/worker-sources/." node_modules/mediasoup/worker
cp package-lock.json node_modules/.package-lock.json`;

const VITE = `
echo vite >> "$CALLS"
mkdir -p web/dist.unfinished
echo page > web/dist.unfinished/index.html`;

/** mediasoup's own install script on a network that lets it download. */
const MEDIASOUP_SCRIPT = `
import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
appendFileSync(process.env.CALLS, 'download\\n');
if (process.env.OFFLINE) process.exit(1);
mkdirSync('worker/out/Release', { recursive: true });
writeFileSync('worker/out/Release/mediasoup-worker', '#!/bin/sh\\nexit 41\\n', { mode: 0o755 });`;

/** The places in mediasoup's sources that the build recipe changes. */
const WORKER_SOURCES = {
  'meson.build': "meson_version: '>= 1.1.0'",
  'fbs/meson.build': "include_directories: '.',",
  'src/RTC/DtlsTransport.cpp': '(operationType == BIO_CB_RETURN)',
  'subprojects/libuv.wrap': '',
};

/** Stands in for the server: says that it is there, then tells of every signal and ends when its input or the test says so. */
const SERVER = `
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => {
  console.log(signal);
  if (signal === 'SIGTERM') process.exit(7);
});
console.log(\`worker \${process.env.MEDIASOUP_WORKER_BIN}\`);
if (process.argv.includes('stay')) setInterval(() => {}, 1000);`;

export type SetupResult = { exitCode: number | null; output: string; lines: string[] };

/** A fresh checkout with this repository's real scripts on a machine that has nothing: npm, apt-get and the build tools are small programs of the test. */
export function createBareMachine() {
  const folder = mkdtempSync(join(tmpdir(), 'parley-setup-'));
  const root = join(folder, 'checkout');
  const commands = join(folder, 'bin');
  const fixtures = join(folder, 'fixtures');
  const cacheHome = join(folder, 'cache');
  const callsFile = join(folder, 'calls');

  const write = (file: string, text: string) => {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  };
  const writeProgram = (file: string, body: string) => {
    write(file, `#!/bin/sh\nset -e\n${body}\n`);
    chmodSync(file, 0o755);
  };

  cpSync(SCRIPTS, join(root, 'scripts'), { recursive: true });
  write(join(root, 'package-lock.json'), JSON.stringify(LOCKFILE));
  write(join(root, 'src/main.ts'), SERVER);
  write(join(root, 'src/db/migrate.ts'), '');
  writeProgram(join(fixtures, 'vite'), VITE);
  write(join(fixtures, 'npm-scripts.mjs'), MEDIASOUP_SCRIPT);
  for (const [name, text] of Object.entries(WORKER_SOURCES)) write(join(fixtures, 'worker-sources', name), text);
  writeProgram(join(commands, 'npm'), NPM);
  writeProgram(join(commands, 'ffmpeg'), '');
  for (const name of SYSTEM_COMMANDS) {
    const place = (process.env.PATH ?? '').split(delimiter).find((path) => existsSync(join(path, name)));
    if (place) symlinkSync(join(place, name), join(commands, name));
  }

  const children: ChildProcess[] = [];
  const start = (args: string[], { env = {}, isRoot = false }: { env?: Record<string, string>; isRoot?: boolean } = {}) => {
    const becomeUser = `data:text/javascript,process.getuid=()=>${isRoot ? 0 : 1000}`;
    const child = spawn(process.execPath, ['--import', becomeUser, 'scripts/setup.mjs', ...args], {
      cwd: root,
      env: { PATH: commands, XDG_CACHE_HOME: cacheHome, CALLS: callsFile, FIXTURES: fixtures, REAL_NODE: process.execPath, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    children.push(child);
    let output = '';
    const collect = (chunk: Buffer) => {
      output += chunk;
    };
    child.stdout.on('data', collect);
    child.stderr.on('data', collect);
    const ended: Promise<SetupResult> = once(child, 'close').then(([exitCode]) => ({
      exitCode,
      output,
      lines: output.split('\n').filter((line) => line !== ''),
    }));
    return { child, ended };
  };

  return {
    root,
    cacheDir: join(cacheHome, 'parley'),
    /** Starts `node scripts/setup.mjs` with these arguments. */
    start,
    /** The same, to its end. */
    setUp: (args: string[], options?: Parameters<typeof start>[1]) => start(args, options).ended,
    /** Puts a file into the checkout. */
    write: (path: string, text: string) => write(join(root, path), text),
    append: (path: string, text: string) => appendFileSync(join(root, path), text),
    /** Gives the machine a program, written in sh. */
    give: (name: string, body: string) => writeProgram(join(commands, name), body),
    take: (name: string) => rmSync(join(commands, name)),
    /** What the programs were called for since the last time this was asked. */
    calls: () => {
      const calls = existsSync(callsFile) ? readFileSync(callsFile, 'utf8').trim().split('\n') : [];
      rmSync(callsFile, { force: true });
      return calls;
    },
    [Symbol.dispose]: () => {
      for (const child of children) child.kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
