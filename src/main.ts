import { createApp } from './app.ts';
import { ConfigError, readConfig } from './config.ts';

/** How long an orderly shutdown may take. */
const shutdownLimitMs = 10_000;

try {
  const app = await createApp(readConfig(process.env));
  process.stdout.write(`\n  Parley: ${app.url}\n\n`);
  let isStopping = false;
  const stop = () => {
    if (isStopping) process.exit(1);
    isStopping = true;
    setTimeout(() => process.exit(1), shutdownLimitMs).unref();
    app.close().then(
      () => process.exit(0),
      (error: unknown) => {
        process.stderr.write(`${String(error)}\n`);
        process.exit(1);
      },
    );
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
} catch (error) {
  process.stderr.write(`${error instanceof ConfigError || error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
}
