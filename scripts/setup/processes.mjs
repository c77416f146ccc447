import { spawn } from 'node:child_process';
import { constants } from 'node:os';

const RELAYED_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'];

/** One press of Ctrl-C reaches this process twice, from the terminal and from npm; both arrive within this time. */
const SAME_SIGNAL_MS = 500;

/** Exit codes above this one stand for the signal that ended the program. */
export const ENDED_BY_SIGNAL = 128;

/** Ends set-up with exit code 1; the message is one line for the person at the terminal. */
export class SetupError extends Error {}

/**
 * Runs one program of the set-up to its end without input, and keeps what it prints.
 *
 * @param {string} program a path, or a name looked up in PATH
 * @param {string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv, timeoutMs?: number, onLine?: (line: string) => void }} options `onLine` is told every line as
 *   it comes
 * @returns {Promise<{ ok: boolean, output: string }>} `ok` is exit code 0; `output` is standard output and error as they came
 */
export function run(program, args, { cwd, env, timeoutMs, onLine } = {}) {
  return new Promise((resolve) => {
    const child = spawn(program, args, { cwd, env, timeout: timeoutMs, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    let unfinished = '';
    const take = (chunk) => {
      output += chunk;
      const lines = (unfinished + chunk).split('\n');
      unfinished = lines.pop();
      if (onLine) lines.forEach(onLine);
    };
    child.stdout.setEncoding('utf8').on('data', take);
    child.stderr.setEncoding('utf8').on('data', take);

    let interruptedBy;
    const stopRelaying = relaySignals((signal) => {
      interruptedBy = signal;
      child.kill(signal);
    });
    const end = (ok) => {
      stopRelaying();
      if (interruptedBy) process.exit(exitCodeOf(interruptedBy));
      resolve({ ok, output });
    };
    child.once('error', (error) => {
      output += `\n${error.message}`;
      end(false);
    });
    child.once('close', (code) => end(code === 0));
  });
}

/**
 * Runs programs side by side with the terminal as their own. When one ends, the others are asked to end too.
 * Each is in a process group of its own, so that it gets a signal once, from here, however many processes above it got that signal.
 *
 * @param {string[][]} commandLines
 * @param {{ cwd: string, env: NodeJS.ProcessEnv }} options
 * @returns {Promise<number>} the exit code of the one that ended first
 */
export async function runInForeground(commandLines, { cwd, env }) {
  const children = commandLines.map(([program, ...args]) => spawn(program, args, { cwd, env, stdio: 'inherit', detached: true }));
  const sendToAll = (signal) => {
    for (const child of children) child.kill(signal);
  };
  const stopRelaying = relaySignals(sendToAll);
  const endings = children.map(
    (child) =>
      new Promise((resolve, reject) => {
        child.once('error', reject);
        child.once('exit', (code, signal) => resolve(code ?? exitCodeOf(signal)));
      }),
  );
  try {
    const exitCode = await Promise.race(endings);
    sendToAll('SIGTERM');
    await Promise.all(endings);
    return exitCode;
  } finally {
    stopRelaying();
  }
}

/** Hands every signal that asks this process to end to `send`, once; returns what stops that. */
function relaySignals(send) {
  const lastAt = new Map();
  const relay = (signal) => {
    const isRepeated = performance.now() - (lastAt.get(signal) ?? Number.NEGATIVE_INFINITY) < SAME_SIGNAL_MS;
    if (isRepeated) return;
    lastAt.set(signal, performance.now());
    send(signal);
  };
  for (const signal of RELAYED_SIGNALS) process.on(signal, relay);
  return () => {
    for (const signal of RELAYED_SIGNALS) process.off(signal, relay);
  };
}

function exitCodeOf(signal) {
  return ENDED_BY_SIGNAL + constants.signals[signal];
}
