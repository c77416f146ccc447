import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { SetupError } from './processes.mjs';

const DISK_FULL = /ENOSPC|No space left on device/;
const NO_NETWORK =
  /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|Temporary failure resolving|Failed to fetch|Unable to fetch/;

/**
 * Turns the output of a program that failed into the one line that set-up ends with, and keeps the whole output in a file.
 *
 * @param {string} what what was being done, as in "npm ci"
 * @param {string} output what the program printed
 * @param {string} [cacheDir] where the file goes; without it there is none
 */
export function failed(what, output, cacheDir) {
  const advice = DISK_FULL.test(output)
    ? 'The disk is full: make room'
    : NO_NETWORK.test(output)
      ? `${tellingLine(output)}. Look at the network connection`
      : `${tellingLine(output)}. Put that right`;
  return new SetupError(`${what} failed: ${advice}, then run the same command again.${cacheDir ? keep(output, cacheDir) : ''}`);
}

/** The line that says most: the first that speaks of an error and isn't a heading, else the last one. */
function tellingLine(output) {
  const lines = stripVTControlCharacters(output)
    .split(/[\r\n]+/)
    .filter((line) => /[^:\s]\s*$/.test(line));
  const line = lines.find((each) => /\berror\b|^E:|^FAILED/i.test(each)) ?? lines.at(-1) ?? 'it said nothing';
  return line.trim().replace(/\.$/, '');
}

function keep(output, cacheDir) {
  const file = join(cacheDir, 'setup.log');
  try {
    writeFileSync(file, output);
    return ` All it said is in ${file}.`;
  } catch {
    return '';
  }
}
