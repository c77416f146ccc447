import { cpuTimeNs, databaseCpuTimeNs } from '../support/cpu-time.ts';
import { Clinic, type Person } from './clinic.ts';
import { smallTalk } from './small-talk.ts';

const membersPerConversation = 4;
const tickMs = 1;
/** How long what is under way at the end is waited for. */
const drainMs = 20_000;
const mark = '"clientId":"';

/** What is asked of the server. */
export interface MessageLoad {
  readonly members: number;
  /** Offered messages a second, evenly spaced, whether or not the server keeps up. */
  readonly rate: number;
  /** Seconds that are measured, after those that are not. */
  readonly seconds: number;
  readonly warmUpSeconds: number;
}

/** What came of it. Times are in milliseconds from when the load sent the message, CPU times in nanoseconds of the measured seconds. */
export interface MessageFigures {
  readonly load: MessageLoad;
  readonly elapsedMs: number;
  /** Messages of the measured seconds that reached all other members inside those seconds, a second. */
  readonly achievedRate: number;
  readonly receiveMs: number[];
  readonly acknowledgeMs: number[];
  /** How much later than planned the load sent. */
  readonly lateMs: number[];
  /** Acknowledged or not: what did not reach somebody, or reached them twice; and what was refused. Warming up included. */
  readonly lost: number;
  readonly doubled: number;
  readonly refused: number;
  readonly serverCpuNs: number;
  readonly databaseCpuNs: number;
  readonly loadCpuNs: number;
}

/** Members in conversations of four send and receive through one server. */
export async function measureMessages(core: number | undefined, load: MessageLoad): Promise<MessageFigures> {
  await using clinic = await Clinic.open(core);
  const people = await clinic.admit(load.members);
  const conversations: { conversationId: string; members: Person[] }[] = [];
  for (let first = 0; first < people.length; first += membersPerConversation) {
    const members = people.slice(first, first + membersPerConversation);
    conversations.push({ conversationId: await clinic.gather(members), members });
  }

  const ledger = new Ledger(load);
  for (const { members } of conversations) {
    for (const [position, { socket }] of members.entries()) {
      socket.onNotice = (packet) => ledger.received(packet, position);
      socket.onAcknowledgement = (message, isOk, packet) => ledger.acknowledged(message, isOk, packet);
    }
  }
  const { server } = clinic;
  const readCpu = (): [number, number, number] => [cpuTimeNs(server.pid), databaseCpuTimeNs(server.databasePid), cpuTimeNs(process.pid)];
  const cpu = { before: readCpu(), after: readCpu() };

  await ledger.pace({
    send: (message) => {
      const conversation = conversations[Math.floor(Math.random() * conversations.length)];
      const position = Math.floor(Math.random() * membersPerConversation);
      const sender = conversation?.members[position];
      if (!conversation || !sender) throw new Error('nobody is there to send');
      const payload = { conversationId: conversation.conversationId, clientId: clientIdOf(message), type: 'text', content: smallTalk() };
      ledger.sent(message, position);
      sender.socket.request(message, 'chat:send', payload);
    },
    onMeasuring: () => {
      cpu.before = readCpu();
    },
    onMeasured: () => {
      cpu.after = readCpu();
    },
  });
  const [serverCpuNs = 0, databaseCpuNs = 0, loadCpuNs = 0] = cpu.after.map((after, index) => after - (cpu.before[index] ?? 0));
  return { ...ledger.figures(), serverCpuNs, databaseCpuNs, loadCpuNs };
}

const clientIdOf = (message: number) => String(message).padStart(10, '0');

/** What was sent when, and who has it. Messages are numbered in the order of sending. */
class Ledger {
  readonly #load: MessageLoad;
  readonly #total: number;
  readonly #firstMeasured: number;
  readonly #sentAt: Float64Array;
  readonly #deliveries: Uint8Array;
  readonly #acknowledgements: Uint8Array;
  readonly #receiveMs: number[] = [];
  readonly #acknowledgeMs: number[] = [];
  readonly #lateMs: number[] = [];
  #sentCount = 0;
  #refused = 0;
  #settled = 0;
  #startedAt = 0;
  #elapsedMs = 0;
  #inTime = 0;

  constructor(load: MessageLoad) {
    this.#load = load;
    this.#firstMeasured = Math.round(load.rate * load.warmUpSeconds);
    this.#total = this.#firstMeasured + Math.round(load.rate * load.seconds);
    this.#sentAt = new Float64Array(this.#total);
    this.#deliveries = new Uint8Array(this.#total * membersPerConversation);
    this.#acknowledgements = new Uint8Array(this.#total);
  }

  /** Calls `send` for each message when it is due, and waits for what is then still under way. */
  async pace(parts: { send: (message: number) => void; onMeasuring: () => void; onMeasured: () => void }): Promise<void> {
    const { rate, seconds } = this.#load;
    const beganAt = performance.now();
    while (this.#sentCount < this.#total) {
      const dueCount = Math.min(this.#total, Math.floor(((performance.now() - beganAt) * rate) / 1000) + 1);
      while (this.#sentCount < dueCount) {
        const message = this.#sentCount++;
        if (message === this.#firstMeasured) {
          this.#startedAt = performance.now();
          parts.onMeasuring();
        }
        if (message >= this.#firstMeasured) this.#lateMs.push(performance.now() - beganAt - (message * 1000) / rate);
        parts.send(message);
      }
      await sleep(tickMs);
    }
    await sleep(Math.max(0, this.#startedAt + seconds * 1000 - performance.now()));
    this.#elapsedMs = performance.now() - this.#startedAt;
    this.#inTime = this.#complete(this.#firstMeasured);
    parts.onMeasured();
    const giveUpAt = performance.now() + drainMs;
    while (this.#settled < this.#total * membersPerConversation && performance.now() < giveUpAt) await sleep(50);
    await sleep(500); // For doubles.
  }

  sent(message: number, position: number): void {
    this.#sentAt[message] = performance.now();
    // The sender's own place: taken by the acknowledgement.
    this.#deliveries[message * membersPerConversation + position] = 0xff;
  }

  received(packet: string, position: number): void {
    const now = performance.now();
    if (!packet.startsWith('42["chat:message"')) return;
    const at = packet.indexOf(mark) + mark.length;
    const message = Number(packet.slice(at, at + 10));
    const place = message * membersPerConversation + position;
    this.#deliveries[place] = (this.#deliveries[place] ?? 0) + 1;
    this.#settled += 1;
    if (message >= this.#firstMeasured) this.#receiveMs.push(now - (this.#sentAt[message] ?? 0));
  }

  acknowledged(message: number, isOk: boolean, packet: string): void {
    this.#acknowledgements[message] = (this.#acknowledgements[message] ?? 0) + 1;
    this.#settled += 1;
    if (!isOk) {
      if (this.#refused++ === 0) console.error(`refused: ${packet}`);
      this.#settled += membersPerConversation - 1;
    }
    if (message >= this.#firstMeasured) this.#acknowledgeMs.push(performance.now() - (this.#sentAt[message] ?? 0));
  }

  figures(): Omit<MessageFigures, 'serverCpuNs' | 'databaseCpuNs' | 'loadCpuNs'> {
    const others = this.#deliveries.filter((times) => times !== 0xff);
    return {
      load: this.#load,
      elapsedMs: this.#elapsedMs,
      achievedRate: (this.#inTime * 1000) / this.#elapsedMs,
      receiveMs: this.#receiveMs,
      acknowledgeMs: this.#acknowledgeMs,
      lateMs: this.#lateMs,
      lost: others.filter((times) => times === 0).length + this.#acknowledgements.filter((times) => times === 0).length,
      doubled: others.filter((times) => times > 1).length + this.#acknowledgements.filter((times) => times > 1).length,
      refused: this.#refused,
    };
  }

  /** Messages from this one on that everybody has. */
  #complete(from: number): number {
    let complete = 0;
    for (let message = from; message < this.#total; message += 1) {
      const places = this.#deliveries.subarray(message * membersPerConversation, (message + 1) * membersPerConversation);
      if (this.#acknowledgements[message] && places.every((times) => times > 0)) complete += 1;
    }
    return complete;
  }
}

const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
