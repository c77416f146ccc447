import type { Measurement } from '../receiver/load.ts';
import type { ServerName } from '../subjects/subject.ts';
import { histogramPercentile, mergeHistograms, percentile } from './percentiles.ts';
import { type Column, formatTable } from './table.ts';

/** One window of one server with some subscribers. */
export interface Run extends Measurement {
  server: ServerName;
  subscribers: number;
  workerCpuNs: number;
  nodeCpuNs: number;
  srtpCiphers: string[];
}

type Figure = (run: Run) => number;

const workerCpu: Figure = (run) => run.workerCpuNs;
const wholeCpu: Figure = (run) => run.workerCpuNs + run.nodeCpuNs;

/**
 * A line for each number of subscribers and server. CPU time is the median round's, since a round that something else on the machine has disturbed
 * says little about either server; packets, loss and latency are those of all rounds.
 */
export function formatFigures(runs: readonly Run[]): string {
  const groups = Map.groupBy(runs, ({ subscribers, server }) => `${subscribers} ${server}`);
  const columns: Column<Run[]>[] = [
    { heading: 'subscribers', cell: (group) => String(group[0]?.subscribers) },
    { heading: 'server', cell: (group) => String(group[0]?.server), align: 'left' },
    { heading: 'packets/s', cell: (group) => (1e9 * ratio(group, (run) => run.receivedPackets, windowNs)).toFixed(0) },
    { heading: 'loss %', cell: (group) => (100 * (1 - ratio(group, (run) => run.receivedPackets, wantedPackets))).toFixed(3) },
    { heading: 'p50 ms', cell: (group) => latencyMs(group, 0.5) },
    { heading: 'p95 ms', cell: (group) => latencyMs(group, 0.95) },
    { heading: 'p99 ms', cell: (group) => latencyMs(group, 0.99) },
    { heading: 'worker s/M', cell: (group) => secondsPerMillion(group, workerCpu).toFixed(2) },
    { heading: 'Node s/M', cell: (group) => secondsPerMillion(group, (run) => run.nodeCpuNs).toFixed(3) },
    { heading: 'both s/M', cell: (group) => secondsPerMillion(group, wholeCpu).toFixed(2) },
    { heading: 'by round', cell: (group) => range(group.map((run) => secondsPerMillion([run], wholeCpu).toFixed(2))) },
    { heading: 'worker %', cell: (group) => percentOfCore(group, workerCpu) },
    { heading: 'Node %', cell: (group) => percentOfCore(group, (run) => run.nodeCpuNs) },
    { heading: 'load %', cell: (group) => percentOfCore(group, (run) => run.loadCpuNs) },
    { heading: 'SRTP', cell: (group) => [...new Set(group.flatMap((run) => run.srtpCiphers))].join(' '), align: 'left' },
  ];
  return formatTable(columns, [...groups.values()]);
}

/** How much more CPU time the other servers take per packet than the bare worker: their worker alone, and with their Node process. */
export function formatComparison(runs: readonly Run[]): string {
  const groups = Map.groupBy(
    runs.filter(({ server }) => server !== 'bare'),
    ({ subscribers, server }) => `${subscribers} ${server}`,
  );
  const rows = [...groups.values()].map((group) => ({
    subscribers: group[0]?.subscribers,
    server: group[0]?.server,
    group,
    bare: runs.filter((run) => run.server === 'bare' && run.subscribers === group[0]?.subscribers),
  }));
  const columns: Column<(typeof rows)[number]>[] = [
    { heading: 'subscribers', cell: ({ subscribers }) => String(subscribers) },
    { heading: 'server', cell: ({ server }) => String(server), align: 'left' },
    { heading: 'worker %', cell: ({ group, bare }) => percentAbove(group, bare, workerCpu) },
    { heading: 'worker and Node %', cell: ({ group, bare }) => percentAbove(group, bare, wholeCpu) },
    {
      heading: 'by round',
      cell: ({ group, bare }) => range(group.map((run, round) => percentAbove([run], bare.slice(round, round + 1), wholeCpu))),
    },
  ];
  return formatTable(columns, rows);
}

function windowNs(run: Run): number {
  return run.windowNs;
}

function wantedPackets(run: Run): number {
  return run.sentPackets * run.subscribers;
}

function ratio(group: readonly Run[], numerator: Figure, denominator: Figure): number {
  const sum = (figure: Figure): number => group.reduce((soFar, run) => soFar + figure(run), 0);
  return sum(numerator) / sum(denominator);
}

function secondsPerMillion(group: readonly Run[], cpuNs: Figure): number {
  return percentile(
    group.map((run) => cpuNs(run) / 1e3 / run.receivedPackets),
    0.5,
  );
}

function percentOfCore(group: readonly Run[], cpuNs: Figure): string {
  return percentile(
    group.map((run) => (100 * cpuNs(run)) / run.windowNs),
    0.5,
  ).toFixed(1);
}

function percentAbove(group: readonly Run[], bare: readonly Run[], cpuNs: Figure): string {
  return (100 * (secondsPerMillion(group, cpuNs) / secondsPerMillion(bare, workerCpu) - 1)).toFixed(1);
}

function latencyMs(group: readonly Run[], fraction: number): string {
  return (histogramPercentile(mergeHistograms(group.map((run) => run.latencyNs)), fraction) / 1e6).toFixed(2);
}

function range(values: readonly string[]): string {
  const sorted = [...values].sort((a, b) => Number(a) - Number(b));
  return `${sorted.at(0)} to ${sorted.at(-1)}`;
}
