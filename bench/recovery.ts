// Recovery: the time from a media worker's death by SIGKILL until both people in a room see each other again. Two clients, Parley's own browser SDK on
// libwebrtc in Node, each send a camera through the whole server with one media worker; nothing but the SDK brings them back.
import { parseArgs } from 'node:util';
import { version as mediasoupVersion } from 'mediasoup';
import { describeCores, moveToCore, planCores } from './support/cores.ts';
import { describeMachine } from './support/machine.ts';
import { percentile } from './support/percentiles.ts';
import { Person } from './support/person.ts';
import { ServerProcess } from './support/server-process.ts';
import { formatTable } from './support/table.ts';

/** A recovery that takes longer counts as one that never came. */
const limitMs = 30_000;

const { values: options } = parseArgs({
  options: { kills: { type: 'string', default: '20' }, pause: { type: 'string', default: '10500' } },
});
const killCount = Number(options.kills);
const pauseMs = Number(options.pause);
if (!(killCount > 0 && pauseMs >= 0)) {
  console.error('usage: npm run bench -- recovery [--kills 20] [--pause milliseconds between two kills]');
  process.exit(1);
}

const cores = planCores();
console.log(describeMachine([`mediasoup ${mediasoupVersion}`]));
console.log(describeCores(cores));
moveToCore(cores.load);
console.log(await measureAll());
// The native WebRTC stack does not survive the ordinary end of a Node process.
process.exit(0);

async function measureAll(): Promise<string> {
  await using server = await ServerProcess.start(cores.server, { MEDIA_WORKERS: '1' });
  const roomId = await server.createRoom(await server.signIn('Host', 'provider'));
  const people = [await Person.join(server, roomId), await Person.join(server, roomId)];
  await Promise.all(people.map((person) => person.firstPicture));

  const recoveriesMs: number[] = [];
  for (let kill = 0; kill < killCount; kill++) {
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
    const pictures = people.map((person) => person.nextNewPicture());
    const killedAt = performance.now();
    process.kill(server.mediaWorkerPid, 'SIGKILL');
    const tooLate = new Promise<number>((resolve) => setTimeout(resolve, limitMs, Number.POSITIVE_INFINITY));
    const seenAt = await Promise.race([Promise.all(pictures).then((moments) => Math.max(...moments)), tooLate]);
    recoveriesMs.push(seenAt - killedAt);
    if (seenAt === Number.POSITIVE_INFINITY) break;
  }
  for (const person of people) person.close();
  return formatTable(
    [
      { heading: 'kills', cell: () => String(recoveriesMs.length) },
      ...([0.5, 0.95, 1] as const).map((fraction) => ({
        heading: fraction === 1 ? 'slowest ms' : `p${fraction * 100} ms`,
        cell: () => percentile(recoveriesMs, fraction).toFixed(0),
      })),
    ],
    [recoveriesMs],
  );
}
