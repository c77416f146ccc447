import { existsSync, readdirSync, renameSync, rmSync, statSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { failed } from './failure.mjs';
import { run } from './processes.mjs';

const SOURCES = ['web', 'src/client', 'src/protocol', 'package-lock.json'];
const NOT_SOURCES = /^(node_modules|dist.*|\..*)$/;

/** The step that builds web/ into web/dist when a source is newer than the last build. */
export function webPageStep({ root, env, cacheDir, say }) {
  const built = join(root, 'web/dist');
  const sources = SOURCES.map((path) => join(root, path));
  return {
    isDone: () => !existsSync(join(root, 'web/index.html')) || modifiedAt(join(built, 'index.html')) >= newestIn(sources),
    async run() {
      say('Building the web page.');
      const startedAt = new Date();
      const unfinished = join(root, 'web/dist.unfinished');
      const { ok, output } = await run('vite', ['build', 'web', '--outDir', 'dist.unfinished', '--emptyOutDir'], { cwd: root, env });
      if (!ok) throw failed('vite build', output, cacheDir);
      // What is saved while the build runs counts as newer than it.
      utimesSync(join(unfinished, 'index.html'), startedAt, startedAt);
      rmSync(built, { recursive: true, force: true });
      renameSync(unfinished, built);
    },
  };
}

/** Milliseconds since 1970; -Infinity for what is not there. */
function modifiedAt(path) {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Number.NEGATIVE_INFINITY;
}

function newestIn(paths) {
  return Math.max(
    ...paths.map((path) => {
      if (!statSync(path, { throwIfNoEntry: false })?.isDirectory()) return modifiedAt(path);
      const inside = readdirSync(path).filter((name) => !NOT_SOURCES.test(name));
      return newestIn(inside.map((name) => join(path, name)));
    }),
  );
}
