import { createApp } from './app.ts';
import { readConfig } from './config.ts';

/** How long an orderly shutdown may take. */
const shutdownLimitMs = 10_000;

function giveUp(error: unknown): never {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
}

try {
  const starting = createApp(readConfig(process.env));
  let isStopping = false;
  // From the first moment on, so that a start cut short releases what it has taken.
  const stop = () => {
    if (isStopping) process.exit(1);
    isStopping = true;
    setTimeout(() => process.exit(1), shutdownLimitMs).unref();
    starting.then((app) => app.close()).then(() => process.exit(0), giveUp);
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  const { url } = await starting;
  process.stdout.write(`\n  Parley: ${url}\n\n`);
} catch (error) {
  giveUp(error);
}
