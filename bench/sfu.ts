// Forwarding: what one publisher's packets cost on their way to many subscribers, in Parley and in a bare mediasoup router.
// Both are measured by turns with the same load. See README.md for what the columns mean.
import { parseArgs } from 'node:util';
import { version as mediasoupVersion } from 'mediasoup';
import { buildReceiver } from './receiver/build.ts';
import { Load } from './receiver/load.ts';
import { type MeasuredServer, publishedStream, type ServerName, serverNames } from './subjects/subject.ts';
import { SubjectProcess } from './subjects/subject-process.ts';
import { describeCores, planCores } from './support/cores.ts';
import { cpuTimeNs } from './support/cpu-time.ts';
import { formatComparison, formatFigures, type Run } from './support/forwarding-figures.ts';
import { describeMachine } from './support/machine.ts';

/** How many subscribers do their handshakes at once. */
const joinsAtOnce = 20;
const settleMs = 1_000;
const publisherId = 0;

const { values: options } = parseArgs({
  options: {
    subscribers: { type: 'string', default: '10,50,100,200' },
    rounds: { type: 'string' },
    window: { type: 'string' },
    srtp: { type: 'string' },
    servers: { type: 'string', default: 'parley,bare' },
    quick: { type: 'boolean', default: false },
  },
});
const sizes = options.subscribers.split(',').map(Number);
const rounds = Number(options.rounds ?? (options.quick ? 1 : 5));
const windowMs = 1_000 * Number(options.window ?? (options.quick ? 2 : 3.5));
const names = serverNames.filter((name) => options.servers.split(',').includes(name));
if (names.length === 0 || [...sizes, rounds, windowMs].some((number) => !(number > 0))) {
  console.error('usage: npm run bench -- sfu [--subscribers 10,50,100,200] [--rounds 5] [--window seconds] [--quick]');
  console.error('                            [--servers parley,bare,whole] [--srtp SRTP_AEAD_AES_128_GCM]');
  process.exit(1);
}

const cores = planCores();
console.log(describeMachine([`mediasoup ${mediasoupVersion}`]));
console.log(describeCores(cores));
console.log(`Runs: ${rounds} rounds of ${windowMs / 1_000} s each; one publisher, 1.5 Mbps in packets of 1200 bytes, 30 bursts a second\n`);

await using cleanup = new AsyncDisposableStack();
const load = cleanup.use(await Load.start(await buildReceiver(), cores.load, options.srtp));
const servers: MeasuredServer[] = [];
for (const name of names) servers.push(cleanup.use(await startServer(name)));

const runs: Run[] = [];
for (const size of sizes) {
  for (let round = 0; round < rounds; round++) {
    // By turns first and second, so that neither always has the warmer machine.
    for (const server of round % 2 === 0 ? servers : servers.toReversed()) {
      showProgress(`${size} subscribers, round ${round + 1} of ${rounds}, ${server.name}`);
      runs.push(await measure(server, size));
    }
  }
}
showProgress('');
console.log(formatFigures(runs));
if (names.includes('bare') && names.length > 1)
  console.log(`\nCPU time per packet above that of the bare mediasoup worker:\n${formatComparison(runs)}`);

async function startServer(name: ServerName): Promise<MeasuredServer> {
  if (name !== 'whole') return SubjectProcess.start(name, cores.server);
  // Loaded only when asked for: it brings a native WebRTC stack along.
  const { WholeServer } = await import('./subjects/whole-server.ts');
  return WholeServer.start(cores.server);
}

/** One line that is written over, on a terminal only. */
function showProgress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`);
}

async function measure(server: MeasuredServer, subscribers: number): Promise<Run> {
  await server.openRoom();
  await load.connect(publisherId, await server.addPublisher(load.fingerprint), 'sender');
  const ids = Array.from({ length: subscribers }, (_, index) => index + 1);
  const srtpCiphers = new Set<string>();
  for (let first = 0; first < ids.length; first += joinsAtOnce) {
    await Promise.all(
      ids.slice(first, first + joinsAtOnce).map(async (id) => {
        const target = await server.addSubscriber(id, load.fingerprint);
        srtpCiphers.add((await load.connect(id, target, 'subscriber')).srtpCipher);
        await server.resumeSubscriber(id);
      }),
    );
  }
  await load.publish(publisherId, publishedStream.ssrc, publishedStream.payloadType);
  await new Promise((resolve) => setTimeout(resolve, settleMs));

  const cpu = { worker: 0, node: 0 };
  const measurement = await load.measure(
    windowMs,
    () => {
      cpu.worker -= cpuTimeNs(server.workerPid);
      cpu.node -= cpuTimeNs(server.nodePid);
    },
    () => {
      cpu.worker += cpuTimeNs(server.workerPid);
      cpu.node += cpuTimeNs(server.nodePid);
    },
  );
  await load.reset();
  await server.closeRoom();
  if (measurement.receivingPeers < subscribers) {
    console.error(`\n${server.name}: only ${measurement.receivingPeers} of ${subscribers} subscribers received anything`);
  }
  return { ...measurement, server: server.name, subscribers, workerCpuNs: cpu.worker, nodeCpuNs: cpu.node, srtpCiphers: [...srtpCiphers] };
}
