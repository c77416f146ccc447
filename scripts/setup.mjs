/**
 * Brings in what a command of package.json needs and is not there yet, then runs that command. Runs on any Node.js from 20 on, before anything is
 * installed. Without a command it only brings in what `start` needs.
 *
 *   node scripts/setup.mjs [start | test | dev | check | migrate | bench] [arguments of the command]
 */
import { homedir } from 'node:os';
import { delimiter, dirname, isAbsolute, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { COMMANDS, stepsFor } from './setup/commands.mjs';
import { failed } from './setup/failure.mjs';
import { whileLocked } from './setup/lock.mjs';
import { workerFile } from './setup/mediasoup-worker.mjs';
import { ENDED_BY_SIGNAL, runInForeground, SetupError } from './setup/processes.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

async function main([command = '', ...args]) {
  if (command !== '' && !(command in COMMANDS))
    throw new SetupError(`Unknown command ${command}; there are ${Object.keys(COMMANDS).join(', ')}.`);
  const context = createContext();
  await setUp(command || 'start', context);
  return command === '' ? 0 : await runCommand(COMMANDS[command], args, context);
}

function createContext() {
  const cacheHome = isAbsolute(process.env.XDG_CACHE_HOME ?? '') ? process.env.XDG_CACHE_HOME : join(homedir(), '.cache');
  return {
    root,
    cacheDir: join(cacheHome, 'parley'),
    // Every child finds the Node.js of node_modules first, whatever the machine has.
    env: { ...process.env, PATH: [join(root, 'node_modules/.bin'), process.env.PATH].join(delimiter) },
    isRoot: process.getuid?.() === 0,
    say: (text) => console.error(text),
    showProgress: createProgress(process.stderr),
  };
}

async function setUp(command, context) {
  const steps = stepsFor(command, context);
  if (steps.every((step) => step.isDone())) return;
  await whileLocked(join(context.cacheDir, 'setup.lock'), context.say, async () => {
    // Asked again: another set-up may have done it in the meantime, and a step can make a later one unnecessary.
    for (const step of steps) if (!step.isDone()) await step.run();
  });
}

async function runCommand({ server, sideBySide, run }, args, context) {
  const env = server ? { ...context.env, MEDIASOUP_WORKER_BIN: workerFile(context) } : context.env;
  const commandLines = run(args, root);
  if (sideBySide) return runInForeground(commandLines, { cwd: root, env });
  const exitCodes = [];
  for (const commandLine of commandLines) {
    exitCodes.push(await runInForeground([commandLine], { cwd: root, env }));
    if (exitCodes.at(-1) > ENDED_BY_SIGNAL) break;
  }
  return Math.max(...exitCodes);
}

/** One line that counts up on a terminal, a line every tenth elsewhere. */
function createProgress(stream) {
  let lastTenth = 0;
  return (done, total) => {
    const tenth = Math.floor((done / total) * 10);
    if (stream.isTTY) stream.write(`\r  ${done} of ${total}${done === total ? '\n' : ''}`);
    else if (tenth > lastTenth) stream.write(`  ${tenth * 10} %\n`);
    lastTenth = tenth;
  };
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  // A full disk or a folder that can't be written shows itself as a system call that failed; anything else is a fault of this program.
  if (!(error instanceof SetupError || error.syscall)) throw error;
  console.error(error instanceof SetupError ? error.message : failed('Set-up', error.message).message);
  process.exitCode = 1;
}
