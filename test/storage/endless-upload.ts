// A process that uploads without end into the folder it is given; says a line once bytes are on disk.
import { setImmediate } from 'node:timers/promises';
import { openLocalStore } from '../../src/storage/local-store.ts';

const store = await openLocalStore(process.argv[2] ?? '');
async function* endless() {
  for (let index = 0; index < 100_000; index += 1) {
    yield Buffer.alloc(16);
    if (index === 100) process.stdout.write('uploading\n');
    await setImmediate();
  }
}
await store.put('endless-upload', endless());
