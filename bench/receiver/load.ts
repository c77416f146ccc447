import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { onCore } from '../support/cores.ts';

const measuredSchema = z.object({
  event: z.literal('measured'),
  windowNs: z.number(),
  sentPackets: z.number(),
  receivedPackets: z.number(),
  receivedBytes: z.number(),
  rtcpPackets: z.number(),
  sequenceGaps: z.number(),
  receivingPeers: z.number(),
  loadCpuNs: z.number(),
  latencyNs: z.array(z.tuple([z.number(), z.number()])),
});

const eventSchema = z.discriminatedUnion('event', [
  z.object({ event: z.literal('ready'), fingerprint: z.string() }),
  z.object({ event: z.literal('connected'), id: z.number(), srtpCipher: z.string() }),
  z.object({ event: z.literal('failed'), id: z.number(), reason: z.string() }),
  z.object({ event: z.literal('publishing') }),
  z.object({ event: z.literal('windowOpened') }),
  z.object({ event: z.literal('windowClosed') }),
  z.object({ event: z.literal('reset') }),
  measuredSchema,
]);
type LoadEvent = z.infer<typeof eventSchema>;

/** What all subscribers counted of the packets that the publisher sent inside one window. */
export type Measurement = z.infer<typeof measuredSchema>;

/** Where a peer of the load connects to. */
export interface IceTarget {
  ip: string;
  port: number;
  usernameFragment: string;
  password: string;
}

/** The compiled load program, driven over its standard input and output; see the head of receiver.c for the words. */
export class Load implements AsyncDisposable {
  readonly fingerprint: string;
  readonly #process: ChildProcess;
  readonly #waiting = new Set<{
    wants: (event: LoadEvent) => boolean;
    resolve: (event: LoadEvent) => void;
    reject: (error: Error) => void;
  }>();
  #ended: Error | undefined;

  /** Starts the program on a core. `srtpProfiles` is what subscribers offer, in OpenSSL's names, separated by colons. */
  static async start(path: string, core: number | undefined, srtpProfiles?: string): Promise<Load> {
    const [file, args] = onCore(core, path, srtpProfiles === undefined ? [] : [srtpProfiles]);
    const child = spawn(file, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    let load: Load | undefined;
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      const error = new Error(`the load program ended (${signal ?? code})`);
      reject(error);
      if (load !== undefined) load.#end(error);
    });
    createInterface({ input: child.stdout }).on('line', (line) => {
      const event = eventSchema.parse(JSON.parse(line));
      if (event.event === 'ready') resolve(event.fingerprint);
      else if (load !== undefined) load.#handle(event);
    });
    load = new Load(child, await promise);
    return load;
  }

  private constructor(child: ChildProcess, fingerprint: string) {
    this.#process = child;
    this.fingerprint = fingerprint;
  }

  /** Does ICE and DTLS and answers the negotiated SRTP profile. Throws when either fails. */
  async connect(id: number, target: IceTarget, role: 'sender' | 'subscriber'): Promise<{ srtpCipher: string }> {
    const words = ['connect', id, target.ip, target.port, target.usernameFragment, target.password];
    this.#write([...words, ...(role === 'sender' ? ['sender'] : [])].join(' '));
    const event = await this.#next((candidate) => 'id' in candidate && candidate.id === id);
    if (event.event !== 'connected')
      throw new Error(`peer ${id} did not connect: ${event.event === 'failed' ? event.reason : event.event}`);
    return { srtpCipher: event.srtpCipher };
  }

  /** Lets a connected sender send its 1.5 Mbps from now on. */
  async publish(id: number, ssrc: number, payloadType: number): Promise<void> {
    this.#write(`publish ${id} ${ssrc} ${payloadType}`);
    await this.#next(({ event }) => event === 'publishing');
  }

  /** Measures one window; the callbacks run as it opens and as it closes, before the stragglers are waited for. */
  async measure(durationMs: number, onOpened: () => void, onClosed: () => void): Promise<Measurement> {
    this.#write(`measure ${durationMs}`);
    await this.#next(({ event }) => event === 'windowOpened');
    onOpened();
    await this.#next(({ event }) => event === 'windowClosed');
    onClosed();
    const event = await this.#next((candidate) => candidate.event === 'measured');
    return measuredSchema.parse(event);
  }

  /** Closes every peer. */
  async reset(): Promise<void> {
    this.#write('reset');
    await this.#next(({ event }) => event === 'reset');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#ended !== undefined) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#process.once('exit', () => resolve());
    this.#process.stdin?.end();
    await promise;
  }

  #write(line: string): void {
    this.#process.stdin?.write(`${line}\n`);
  }

  async #next(wants: (event: LoadEvent) => boolean): Promise<LoadEvent> {
    if (this.#ended !== undefined) throw this.#ended;
    const { promise, resolve, reject } = Promise.withResolvers<LoadEvent>();
    this.#waiting.add({ wants, resolve, reject });
    return promise;
  }

  #handle(event: LoadEvent): void {
    for (const waiter of this.#waiting) {
      if (!waiter.wants(event)) continue;
      this.#waiting.delete(waiter);
      waiter.resolve(event);
      return;
    }
  }

  #end(error: Error): void {
    this.#ended = error;
    for (const waiter of this.#waiting) waiter.reject(error);
    this.#waiting.clear();
  }
}
