import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { buildWorker } from '../mediasoup-worker/build.mjs';
import { failed } from './failure.mjs';
import { lockedVersion } from './npm-packages.mjs';
import { run, SetupError } from './processes.mjs';

const DOWNLOAD_TIMEOUT_MS = 60_000;

/** What a worker exits with when it is started without its version in the environment. */
const STARTED_BY_HAND = 41;

/**
 * Where the mediasoup worker is or will be: the one that MEDIASOUP_WORKER_BIN names, else one in the cache that all checkouts share, whose name
 * changes with everything that changes the binary.
 */
export function workerFile({ root, env, cacheDir }) {
  if (env.MEDIASOUP_WORKER_BIN) return env.MEDIASOUP_WORKER_BIN;
  const version = lockedVersion(root, 'mediasoup');
  const recipe = hashOfFolder(join(root, 'scripts/mediasoup-worker'));
  return join(cacheDir, `mediasoup-worker-${version}-${process.platform}-${process.arch}-${recipe}`);
}

/** True when the worker is there and this machine can run it; a cache may have moved here from a machine with other libraries. */
export function isWorkerReady(context) {
  const file = workerFile(context);
  if (!context.env.MEDIASOUP_WORKER_BIN) return runs(file);
  if (!existsSync(file)) throw new SetupError(`MEDIASOUP_WORKER_BIN names ${file}, which is not there. Correct it or leave it out.`);
  return true;
}

/** The step that tries mediasoup's own download of a finished worker. A download that fails is no fault: the worker is then built. */
export function downloadWorkerStep(context) {
  const { root, env, say } = context;
  return {
    isDone: () => isWorkerReady(context),
    async run() {
      say('Looking for a mediasoup worker to download.');
      const packageDir = join(root, 'node_modules/mediasoup');
      const { ok } = await run('node', ['npm-scripts.mjs', 'postinstall'], {
        cwd: packageDir,
        // Without a Python mediasoup's script can't go on to a build of its own, which wants the network too.
        env: { ...env, PYTHON: 'false' },
        timeoutMs: DOWNLOAD_TIMEOUT_MS,
      });
      const downloaded = join(packageDir, 'worker/out/Release/mediasoup-worker');
      if (ok && runs(downloaded)) moveIntoPlace(downloaded, workerFile(context));
      else say('There is none for this machine or network; it is built here instead.');
    },
  };
}

/** The step that builds the worker from the sources in its npm package, against Debian's libraries. What an earlier try built is kept. */
export function buildWorkerStep(context) {
  const { root, env, cacheDir, say, showProgress } = context;
  return {
    isDone: () => isWorkerReady(context),
    async run() {
      say('Building the mediasoup worker, once for this machine: three to five minutes on two cores.');
      const file = workerFile(context);
      await buildWorker({
        packageDir: join(root, 'node_modules/mediasoup'),
        workDir: `${file}.build`,
        env,
        onProgress: showProgress,
        onBuilt: (binary) => moveIntoPlace(binary, file),
        onFailure: (what, output) => {
          throw failed(what, output, cacheDir);
        },
      });
      if (!runs(file)) throw new SetupError(`The mediasoup worker was built, but does not run: try ${file} by hand.`);
    },
  };
}

function runs(file) {
  return existsSync(file) && spawnSync(file, { env: {}, stdio: 'ignore' }).status === STARTED_BY_HAND;
}

function moveIntoPlace(from, to) {
  mkdirSync(dirname(to), { recursive: true });
  const unfinished = `${to}.${process.pid}`;
  copyFileSync(from, unfinished);
  renameSync(unfinished, to);
}

function hashOfFolder(folder) {
  const hash = createHash('sha256');
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    .sort();
  for (const file of files) hash.update(file.slice(folder.length)).update('\0').update(readFileSync(file)).update('\0');
  return hash.digest('hex').slice(0, 12);
}
