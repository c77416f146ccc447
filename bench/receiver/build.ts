import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const execFileAsync = promisify(execFile);
const flags = ['-std=c11', '-O2', '-Wall', '-Wextra', '-D_GNU_SOURCE'];
const libraries = ['-lssl', '-lcrypto', '-lpthread'];

/**
 * Compiles the load program unless this version of it has been compiled before, and answers its path. It lies in the user's cache folder.
 * Needs a C compiler and OpenSSL's headers (Debian: `gcc`, `libssl-dev`); throws a plain Error that says so.
 */
export async function buildReceiver(): Promise<string> {
  const sources = readdirSync(import.meta.dirname)
    .filter((name) => /\.[ch]$/.test(name))
    .sort();
  const hash = createHash('sha256').update(flags.join(' '));
  for (const name of sources) hash.update(name).update(readFileSync(join(import.meta.dirname, name)));
  const folder = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'parley', 'bench');
  const path = join(folder, `receiver-${hash.digest('hex').slice(0, 16)}`);
  if (existsSync(path)) return path;

  mkdirSync(folder, { recursive: true });
  const unfinished = `${path}.${process.pid}`;
  const files = sources.filter((name) => name.endsWith('.c')).map((name) => join(import.meta.dirname, name));
  try {
    await execFileAsync(process.env['CC'] ?? 'cc', [...flags, ...files, '-o', unfinished, ...libraries]);
  } catch (error) {
    throw new Error('the load program does not compile; it needs a C compiler and OpenSSL headers (Debian: gcc, libssl-dev)', {
      cause: error,
    });
  }
  renameSync(unfinished, path);
  return path;
}
