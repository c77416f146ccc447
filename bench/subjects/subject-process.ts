import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import type { IceTarget } from '../receiver/load.ts';
import { onCore } from '../support/cores.ts';
import { answerSchema, type Call, iceTargetSchema } from './calls.ts';
import type { MeasuredServer, SubjectName } from './subject.ts';

/** A server under measurement in a Node process of its own, so that its CPU time is its own. */
export class SubjectProcess implements MeasuredServer {
  readonly name: SubjectName;
  readonly nodePid: number;
  readonly workerPid: number;
  readonly #process: ChildProcess;
  readonly #calls = new Map<number, PromiseWithResolvers<unknown>>();
  #lastCallId = 0;

  /** Starts the server, Node and media worker on the same core. */
  static async start(name: SubjectName, core: number | undefined): Promise<SubjectProcess> {
    const [file, args] = onCore(core, process.execPath, [join(import.meta.dirname, 'serve.ts'), name]);
    const child = spawn(file, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    child.once('error', reject);
    child.once('exit', (code, signal) => reject(new Error(`the ${name} server ended before it was ready (${signal ?? code})`)));
    child.once('message', (message) => {
      const answer = answerSchema.parse(message);
      if (answer.kind === 'started') resolve(answer.workerPid);
    });
    return new SubjectProcess(name, child, await promise);
  }

  private constructor(name: SubjectName, child: ChildProcess, workerPid: number) {
    if (child.pid === undefined) throw new Error(`the ${name} server has no process`);
    this.name = name;
    this.nodePid = child.pid;
    this.workerPid = workerPid;
    this.#process = child;
    child.on('message', (message) => {
      const answer = answerSchema.parse(message);
      if (answer.kind === 'started') return;
      const call = this.#calls.get(answer.callId);
      this.#calls.delete(answer.callId);
      if (answer.kind === 'done') call?.resolve(answer.result);
      else call?.reject(new Error(answer.message));
    });
    child.once('exit', (code, signal) => {
      for (const call of this.#calls.values()) call.reject(new Error(`the ${name} server ended (${signal ?? code})`));
      this.#calls.clear();
    });
  }

  async openRoom(): Promise<void> {
    await this.#call({ method: 'openRoom' });
  }

  async addPublisher(fingerprint: string): Promise<IceTarget> {
    return iceTargetSchema.parse(await this.#call({ method: 'addPublisher', fingerprint }));
  }

  async addSubscriber(subscriberId: number, fingerprint: string): Promise<IceTarget> {
    return iceTargetSchema.parse(await this.#call({ method: 'addSubscriber', subscriberId, fingerprint }));
  }

  async resumeSubscriber(subscriberId: number): Promise<void> {
    await this.#call({ method: 'resumeSubscriber', subscriberId });
  }

  async closeRoom(): Promise<void> {
    await this.#call({ method: 'closeRoom' });
  }

  async close(): Promise<void> {
    await this.#call({ method: 'close' });
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#process.once('exit', () => resolve());
    this.#process.disconnect();
    await promise;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process.exitCode === null && this.#process.signalCode === null) await this.close();
  }

  #call(call: Call): Promise<unknown> {
    const pending = Promise.withResolvers<unknown>();
    const callId = ++this.#lastCallId;
    this.#calls.set(callId, pending);
    this.#process.send({ callId, call });
    return pending.promise;
  }
}
