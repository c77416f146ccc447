import { existsSync, readdirSync, statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { debianPackagesStep } from './debian-packages.mjs';
import { buildWorkerStep, downloadWorkerStep, isWorkerReady } from './mediasoup-worker.mjs';
import { npmPackagesStep } from './npm-packages.mjs';
import { SetupError } from './processes.mjs';
import { webPageStep } from './web-page.mjs';

/** Test files that run at once. Most of a file's time is waiting for media, so one more than there are cores. */
const TEST_FILES_AT_ONCE = availableParallelism() + 1;

/**
 * The commands of package.json. `server` says whether the command needs all that the server needs, or npm packages alone. `run` gives the command
 * lines, run one after the other, or side by side where `sideBySide` says so; programs are looked up in node_modules/.bin first.
 *
 * @type {Record<string, { server: boolean, sideBySide?: boolean, run: (args: string[], root: string) => string[][] }>}
 */
export const COMMANDS = {
  start: { server: true, run: (args) => [['node', 'src/main.ts', ...args]] },
  dev: {
    server: true,
    sideBySide: true,
    run: (args) => [
      ['node', '--watch', 'src/main.ts', ...args],
      ['vite', 'web'],
    ],
  },
  test: { server: true, run: (args, root) => [testCommandLine(args, root)] },
  check: {
    server: false,
    run: () => [
      ['tsc', '--noEmit'],
      ['biome', 'check'],
      ['node', '--test', 'test/architecture.test.ts'],
    ],
  },
  migrate: { server: false, run: (args) => [['node', 'src/db/migrate.ts', ...args]] },
  bench: { server: true, run: (args, root) => [benchCommandLine(args, root)] },
};

/**
 * What has to be there before a command can run, in order. Each step says whether it is done, which takes milliseconds, and does it.
 *
 * @param {string} command a key of COMMANDS
 * @param {{ root: string, env: NodeJS.ProcessEnv, cacheDir: string, isRoot: boolean, say: (text: string) => void,
 *   showProgress: (done: number, total: number) => void }} context
 * @returns {{ isDone: () => boolean, run: () => Promise<void> }[]}
 */
export function stepsFor(command, context) {
  const npmPackages = npmPackagesStep(context);
  if (!COMMANDS[command].server) return [npmPackages];
  return [
    npmPackages,
    downloadWorkerStep(context),
    debianPackagesStep(context, () => (isWorkerReady(context) ? [command] : [command, 'worker'])),
    buildWorkerStep(context),
    webPageStep(context),
  ];
}

/** Arguments that name a file, a folder or a pattern choose the tests; all others are options for the test runner. */
function testCommandLine(args, root) {
  const chosen = args.filter((arg) => !arg.startsWith('-') && (arg.includes('*') || existsSync(join(root, arg))));
  const files = chosen.map((path) =>
    statSync(join(root, path), { throwIfNoEntry: false })?.isDirectory() ? join(path, '**/*.test.ts') : path,
  );
  return [
    'node',
    '--test',
    '--test-global-setup=test/support/global-setup.ts',
    '--test-reporter=spec',
    `--test-concurrency=${TEST_FILES_AT_ONCE}`,
    // A test that fails may leave something running: the others go on all the same.
    '--test-timeout=300000',
    '--test-force-exit',
    ...args.filter((arg) => !chosen.includes(arg)),
    ...(files.length > 0 ? files : ['test/**/*.test.ts']),
  ];
}

function benchCommandLine([name, ...args], root) {
  const names = readdirSync(join(root, 'bench'))
    .filter((file) => file.endsWith('.ts'))
    .map((file) => file.slice(0, -'.ts'.length));
  if (!names.includes(name)) throw new SetupError(`Please name a benchmark: npm run bench -- ${names.join('|')}`);
  return ['node', `bench/${name}.ts`, ...args];
}
