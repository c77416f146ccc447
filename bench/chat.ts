// Chat: messages a second with their latency, stored and encrypted, through the whole server; and what thousands of open sockets take. See
// README.md for what the columns mean.
import { parseArgs } from 'node:util';
import { type MessageFigures, measureMessages } from './chat/messages.ts';
import { measureSockets, type SocketFigures } from './chat/open-sockets.ts';
import { describeCores, moveToCore, planCores } from './support/cores.ts';
import { describeMachine } from './support/machine.ts';
import { percentile } from './support/percentiles.ts';
import { formatTable } from './support/table.ts';

const { values: options } = parseArgs({
  options: {
    only: { type: 'string' },
    members: { type: 'string', default: '1000' },
    rate: { type: 'string', default: '1000' },
    seconds: { type: 'string' },
    sockets: { type: 'string' },
    shared: { type: 'boolean', default: false },
    quick: { type: 'boolean', default: false },
  },
});
const { quick, shared, only } = options;
const members = Number(options.members);
const rates = options.rate.split(',').map(Number);
const seconds = Number(options.seconds ?? (quick ? 5 : 30));
const socketCount = Number(options.sockets ?? (quick ? 1_000 : 10_000));
const isValid = [members, ...rates, seconds, socketCount].every((value) => value > 0) && members % 4 === 0;
if (!isValid || (only !== undefined && only !== 'messages' && only !== 'sockets')) {
  console.error(
    'usage: npm run bench -- chat [--quick] [--only messages|sockets] [--members 1000] [--rate 1000,2000] [--seconds 30] [--sockets 10000] [--shared]',
  );
  process.exit(1);
}

const cores = shared ? { server: undefined, load: undefined } : planCores();
console.log(describeMachine([]));
console.log(shared ? 'Cores: server, database and load share all of them' : describeCores(cores));
moveToCore(cores.load);
if (only !== 'sockets') {
  const all: MessageFigures[] = [];
  for (const rate of rates) all.push(await measureMessages(cores.server, { members, rate, seconds, warmUpSeconds: quick ? 2 : 5 }));
  console.log(`\nMessages: ${members} members in conversations of 4, ${seconds} s\n\n${formatMessages(all)}`);
}
if (only !== 'messages') {
  const figures = await measureSockets(cores.server, { count: socketCount, idleSeconds: quick ? 5 : 30, broadcasts: 5 });
  console.log(`\nSockets that say nothing\n\n${formatSockets(figures)}`);
}

function formatMessages(all: readonly MessageFigures[]): string {
  const times = (of: (figures: MessageFigures) => number[], fraction: number) => (figures: MessageFigures) =>
    percentile(of(figures), fraction).toFixed(1);
  const ofCore = (of: (figures: MessageFigures) => number) => (figures: MessageFigures) =>
    ((100 * of(figures)) / 1e6 / figures.elapsedMs).toFixed(1);
  const received = (figures: MessageFigures) => figures.receiveMs;
  const acknowledged = (figures: MessageFigures) => figures.acknowledgeMs;
  return formatTable(
    [
      { heading: 'offered/s', cell: ({ load }) => String(load.rate) },
      { heading: 'achieved/s', cell: ({ achievedRate }) => achievedRate.toFixed(1) },
      { heading: 'receive p50 ms', cell: times(received, 0.5) },
      { heading: 'p95', cell: times(received, 0.95) },
      { heading: 'p99', cell: times(received, 0.99) },
      { heading: 'slowest', cell: times(received, 1) },
      { heading: 'ack p50 ms', cell: times(acknowledged, 0.5) },
      { heading: 'p99', cell: times(acknowledged, 0.99) },
      { heading: 'lost', cell: ({ lost }) => String(lost) },
      { heading: 'doubled', cell: ({ doubled }) => String(doubled) },
      { heading: 'refused', cell: ({ refused }) => String(refused) },
      { heading: 'server %', cell: ofCore(({ serverCpuNs }) => serverCpuNs) },
      { heading: 'database %', cell: ofCore(({ databaseCpuNs }) => databaseCpuNs) },
      { heading: 'load %', cell: ofCore(({ loadCpuNs }) => loadCpuNs) },
      { heading: 'load late p99 ms', cell: times(({ lateMs }) => lateMs, 0.99) },
    ],
    all,
  );
}

function formatSockets(figures: SocketFigures): string {
  const { count, connectMs, idleSeconds, broadcasts, residentBytesBefore, residentBytesHalfway, residentBytesAfter } = figures;
  const lasts = broadcasts.map(({ lastMs }) => lastMs);
  const spreads = broadcasts.map(({ firstMs, lastMs }) => lastMs - firstMs);
  const rows: [name: string, figure: string][] = [
    ['sockets', String(count)],
    ['connected a second', ((1000 * count) / connectMs).toFixed(0)],
    ['server CPU a connect, µs', (figures.connectServerCpuNs / 1e3 / count).toFixed(0)],
    ['database CPU a connect, µs', (figures.connectDatabaseCpuNs / 1e3 / count).toFixed(0)],
    ['resident memory before, MiB', (residentBytesBefore / 2 ** 20).toFixed(1)],
    ['resident memory after, MiB', (residentBytesAfter / 2 ** 20).toFixed(1)],
    ['resident memory a socket, KiB', ((residentBytesAfter - residentBytesBefore) / 1024 / count).toFixed(1)],
    ['the same of the second half of them', ((residentBytesAfter - residentBytesHalfway) / 1024 / Math.ceil(count / 2)).toFixed(1)],
    ['server CPU at rest, % of a core', (figures.idleServerCpuNs / 1e7 / idleSeconds).toFixed(1)],
    ['server CPU at rest a socket and second, µs', (figures.idleServerCpuNs / 1e3 / idleSeconds / count).toFixed(1)],
    ['one message to all, until the last has it, ms', `${percentile(lasts, 0.5).toFixed(0)} (median of ${broadcasts.length})`],
    ['from the first to the last, ms', `${percentile(spreads, 0.5).toFixed(0)} (${spreads.map((ms) => ms.toFixed(0)).join(', ')})`],
  ];
  return formatTable(
    [
      { heading: 'figure', cell: ([name]) => name, align: 'left' },
      { heading: 'value', cell: ([, figure]) => figure, align: 'left' },
    ],
    rows,
  );
}
