import { accessSync, constants, existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { failed } from './failure.mjs';
import { run, SetupError } from './processes.mjs';

/**
 * What has to be on the machine: the command or file looked for, the Debian package that brings it, and what it is for: commands of
 * package.json, and `worker` for building the mediasoup worker.
 *
 * @type {{ debian: string, command?: string, file?: string, insteadOf?: string, for: string[] }[]}
 */
const NEEDS = [
  { debian: 'ffmpeg', command: 'ffmpeg', insteadOf: 'FFMPEG_PATH', for: ['start', 'dev', 'test', 'bench'] },
  { debian: 'chromium', command: 'chromium', for: ['test', 'bench'] },
  { debian: 'redis-server', command: 'redis-server', for: ['test'] },
  { debian: 'gcc', command: 'cc', for: ['bench'] },
  { debian: 'g++', command: 'g++', for: ['worker'] },
  { debian: 'meson', command: 'meson', for: ['worker'] },
  { debian: 'ninja-build', command: 'ninja', for: ['worker'] },
  { debian: 'pkg-config', command: 'pkg-config', for: ['worker'] },
  { debian: 'flatbuffers-compiler', command: 'flatc', for: ['worker'] },
  { debian: 'libflatbuffers-dev', file: '/usr/include/flatbuffers/flatbuffers.h', for: ['worker'] },
  { debian: 'libabsl-dev', file: '/usr/include/absl/base/config.h', for: ['worker'] },
  { debian: 'libsrtp2-dev', file: '/usr/include/srtp2/srtp.h', for: ['worker'] },
  { debian: 'libssl-dev', file: '/usr/include/openssl/ssl.h', for: ['bench', 'worker'] },
  { debian: 'libuv1-dev', file: '/usr/include/uv.h', for: ['worker'] },
];

/**
 * The Debian packages that are missing for these purposes.
 *
 * @param {string[]} purposes
 * @param {NodeJS.ProcessEnv} env its PATH is looked through; a variable that names a program of the user's own stands for that program
 */
export function missingDebianPackages(purposes, env) {
  return NEEDS.filter((need) => need.for.some((purpose) => purposes.includes(purpose)))
    .filter((need) => !(need.insteadOf && env[need.insteadOf]))
    .filter((need) => (need.command ? !isInPath(need.command, env) : !existsSync(need.file)))
    .map((need) => need.debian);
}

/**
 * The step that brings in what npm doesn't have. Only root can; everybody else, and every system without apt-get, is told what to install.
 *
 * @param {() => string[]} purposes asked each time, as a worker that could be downloaded needs no compiler
 */
export function debianPackagesStep({ env, cacheDir, say, isRoot }, purposes) {
  const missing = () => missingDebianPackages(purposes(), env);
  return {
    isDone: () => missing().length === 0,
    async run() {
      const packages = missing();
      const names = packages.join(' ');
      if (!isInPath('apt-get', env)) throw new SetupError(`Please install what Debian calls ${names}, then run the same command again.`);
      if (!isRoot) throw new SetupError(`Please run this, then the same command again: sudo apt-get install -y ${names}`);

      say(`Installing Debian packages: ${names}`);
      const aptGet = (...args) =>
        run('apt-get', ['-o', 'DPkg::Lock::Timeout=600', ...args], { env: { ...env, DEBIAN_FRONTEND: 'noninteractive' } });
      const install = () => aptGet('install', '-y', '--no-install-recommends', ...packages);
      // Package lists that are old or not there yet are the usual reason for a first failure.
      let result = await install();
      if (!result.ok) {
        const update = await aptGet('update');
        result = update.ok ? await install() : update;
      }
      if (!result.ok) throw failed(`apt-get install ${names}`, result.output, cacheDir);
    },
  };
}

function isInPath(command, env) {
  return (env.PATH ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, command), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
