import { cpSync, existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from '../setup/processes.mjs';

/** What has to change in mediasoup's sources for the libraries of Debian 12. */
const CHANGES = [
  {
    // Debian 12 has meson 1.0.1, and nothing in the file needs 1.1.
    file: 'meson.build',
    from: "meson_version: '>= 1.1.0'",
    to: "meson_version: '>= 1.0.0'",
  },
  {
    // flatc 2.0.8 writes sibling includes without their folder.
    file: 'fbs/meson.build',
    from: "include_directories: '.',",
    to: "include_directories: include_directories('.', 'FBS'),",
  },
  {
    // The callback answers 1 to every BIO_ctrl. An OpenSSL built with kernel TLS, as Debian's is, takes that for "kernel TLS is on", allocates no
    // write buffer and crashes on the first handshake record. The call's own result has to come back.
    file: 'src/RTC/DtlsTransport.cpp',
    from: '(operationType == BIO_CB_RETURN)',
    to: '((operationType & BIO_CB_RETURN) != 0)',
  },
];

/**
 * Builds mediasoup-worker from the sources inside its npm package against Debian's libraries, for a network where the finished binary can't be
 * downloaded. The folder `overlay` stands in for the library sources that mediasoup's own build downloads.
 *
 * @param {object} options
 * @param {string} options.packageDir the installed npm package
 * @param {string} options.workDir kept until the build is whole, so that the next try goes on from there
 * @param {NodeJS.ProcessEnv} options.env
 * @param {(done: number, total: number) => void} options.onProgress
 * @param {(binary: string) => void} options.onBuilt called once, before the folder goes
 * @param {(what: string, output: string) => never} options.onFailure
 */
export async function buildWorker({ packageDir, workDir, env, onProgress, onBuilt, onFailure }) {
  const buildDir = join(workDir, 'build');
  if (!existsSync(workDir)) prepareSources(packageDir, workDir);
  if (!existsSync(join(buildDir, 'build.ninja'))) {
    const setup = await run('meson', ['setup', 'build', '--buildtype', 'release', '-Db_ndebug=true', '-Db_lto=false'], {
      cwd: workDir,
      env,
    });
    if (!setup.ok) onFailure('meson setup of the mediasoup worker', setup.output);
  }
  const onLine = (line) => {
    const [, done, total] = /^\[(\d+)\/(\d+)\]/.exec(line) ?? [];
    if (total) onProgress(Number(done), Number(total));
  };
  const ninja = await run('ninja', ['-C', 'build', 'mediasoup-worker'], { cwd: workDir, env, onLine });
  if (!ninja.ok) onFailure('Building the mediasoup worker', ninja.output);
  onBuilt(join(buildDir, 'mediasoup-worker'));
  rmSync(workDir, { recursive: true, force: true });
}

function prepareSources(packageDir, workDir) {
  const unfinished = `${workDir}.unfinished`;
  rmSync(unfinished, { recursive: true, force: true });
  cpSync(join(packageDir, 'worker'), unfinished, { recursive: true });
  const subprojects = join(unfinished, 'subprojects');
  for (const name of readdirSync(subprojects)) if (name.endsWith('.wrap')) rmSync(join(subprojects, name));
  cpSync(fileURLToPath(new URL('overlay', import.meta.url)), subprojects, { recursive: true });
  for (const { file, from, to } of CHANGES) replaceIn(join(unfinished, file), from, to);
  renameSync(unfinished, workDir);
}

function replaceIn(file, from, to) {
  const text = readFileSync(file, 'utf8');
  if (!text.includes(from)) throw new Error(`${file} no longer has "${from}"; the recipe has to follow mediasoup's new version`);
  writeFileSync(file, text.replaceAll(from, to));
}
