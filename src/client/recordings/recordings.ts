import type { RequestInput } from '../../protocol/index.ts';
import type { Recording, RecordingKind } from '../../protocol/recording.ts';
import type { Connection } from '../connection.ts';
import { Emitter, type Unsubscribe } from '../emitter.ts';
import { ParleyError } from '../parley-error.ts';
import type { Rest } from '../rest.ts';
import type { Room } from '../room.ts';
import { RecordingLibrary } from './recording-library.ts';
import { type ConsentQuestion, noRecording, standingOf } from './recording-state.ts';
import type { RecordingsEvents, RecordingsView } from './recordings-events.ts';

type ActionName = 'recording:withdraw' | 'recording:pause' | 'recording:resume' | 'recording:stop';

/**
 * Recording the room that one is in, being asked for it, and what has been recorded. Made by `client.recordings`; ends with `client.close()`. What the
 * room's recording is asked goes to the room's own server.
 */
export class Recordings {
  /** What has been recorded. */
  readonly library: RecordingLibrary;
  readonly #connection: Connection;
  readonly #events = new Emitter<RecordingsEvents>();
  readonly #off: Unsubscribe[] = [];
  #offRoom: readonly Unsubscribe[] = [];
  #room: Room | undefined;
  /** A question whose text has changed while it was open. */
  #renewed: ConsentQuestion | undefined;
  /** The end that was told last: a room's server and one's own both tell of it. */
  #toldEnd = '';
  #view: RecordingsView | undefined;

  constructor({ connection, rest }: { connection: Connection; rest: Rest }) {
    this.#connection = connection;
    this.library = new RecordingLibrary(rest);
    this.#off.push(
      connection.onNotice('recording:ready', ({ recording }) => this.#tellEnd('ready', recording)),
      connection.onNotice('recording:failed', ({ recording }) => this.#tellEnd('failed', recording)),
      connection.onNotice('recording:progress', (told) => this.#events.emit('progress', told)),
    );
  }

  /** The recording of the room that one is in; the same object until something changes. */
  get view(): RecordingsView {
    this.#view ??= this.#makeView();
    return this.#view;
  }

  /** Calls `listener` after each change of `view`. Bound, as React's `useSyncExternalStore` takes it. */
  readonly subscribe = (listener: () => void): Unsubscribe => this.#events.on('changed', () => listener());

  /** Listens until the answered function is called. */
  on<E extends keyof RecordingsEvents>(event: E, listener: (payload: RecordingsEvents[E]) => void): Unsubscribe {
    return this.#events.on(event, listener);
  }

  /**
   * Asks everybody in the room whether they may be recorded; asking is one's own consent.
   *
   * @throws {ParleyError} `room.not_joined`, `auth.forbidden`, `recording.disabled`, `recording.no_capacity`, `recording.invalid_state`, `client.*`
   */
  async request({ purpose, kinds }: { purpose: string; kinds: readonly RecordingKind[] }): Promise<Recording> {
    const room = this.#inRoom();
    const { recording } = await room.request('recording:request', { roomId: room.roomId, purpose, kinds: [...kinds] });
    return recording;
  }

  /**
   * Answers the open question. When its text has changed meanwhile, `view.question` has the new one afterwards.
   *
   * @throws {ParleyError} `recording.text_outdated`, `recording.invalid_state`, `recording.not_found`, `client.*`
   */
  async consent(granted: boolean): Promise<Recording> {
    const { question } = this.view;
    if (question === undefined) throw new ParleyError('recording.invalid_state');
    const { recordingId, textVersion } = question;
    try {
      return (await this.#inRoom().request('recording:consent', { recordingId, granted, textVersion })).recording;
    } catch (error) {
      if (error instanceof ParleyError && error.code === 'recording.text_outdated') this.#renew(question, error.details ?? {});
      throw error;
    }
  }

  /**
   * Takes one's consent back; with `erase` what was written of one is removed. Of the room's recording, or of one that is over (with `erase` alone).
   *
   * @throws {ParleyError} `recording.not_found`, `recording.invalid_state`, `recording.held`, `client.*`
   */
  withdraw({ erase = false, recordingId }: { erase?: boolean; recordingId?: string } = {}): Promise<Recording> {
    return this.#act('recording:withdraw', recordingId, { erase });
  }

  /** Lets it stand still. Throws `recording.not_found`, `recording.invalid_state`, `recording.consent_required`, `auth.forbidden`, `client.*`. */
  pause(): Promise<Recording> {
    return this.#act('recording:pause');
  }

  /** Goes on. Throws as {@link Recordings.pause}, and `recording.no_capacity`. */
  resume(): Promise<Recording> {
    return this.#act('recording:resume');
  }

  /** Ends it, or asks no more. Throws as {@link Recordings.pause}. */
  stop(): Promise<Recording> {
    return this.#act('recording:stop');
  }

  /** Follows the room that one is in; the client calls it. */
  follow(room: Room | undefined): void {
    for (const off of this.#offRoom) off();
    this.#offRoom = [];
    this.#room = room;
    this.#changed();
    if (room === undefined) return;
    this.#offRoom = [
      room.subscribe(() => this.#changed()),
      room.on('recordingAsked', (told) => {
        this.#changed();
        this.#events.emit('asked', told);
      }),
      room.on('recordingChanged', ({ change, recording, reason }) => {
        this.#changed();
        if (change === 'failed' || change === 'ready') this.#tellEnd(change, recording);
        else if (change === 'paused') this.#events.emit('paused', { recording, reason: reason ?? 'by_moderator' });
        else this.#events.emit(change, { recording });
      }),
    ];
  }

  /** Ends; the client calls it. */
  close(): void {
    for (const off of [...this.#off.splice(0), ...this.#offRoom]) off();
    this.#offRoom = [];
    this.#events.clear();
  }

  #inRoom(): Room {
    if (this.#room === undefined) throw new ParleyError('room.not_joined');
    return this.#room;
  }

  async #act<N extends ActionName>(
    name: N,
    recordingId?: string,
    more: Omit<RequestInput<N>, 'recordingId'> | object = {},
  ): Promise<Recording> {
    const current = this.view.recording?.recordingId;
    const wanted = recordingId ?? current;
    if (wanted === undefined) throw new ParleyError('recording.not_found');
    // What the room records now is its server's; everything else any server knows.
    const way = wanted === current ? this.#inRoom() : this.#connection;
    return (await way.request(name, { recordingId: wanted, ...more } as RequestInput<N>)).recording;
  }

  #renew(question: ConsentQuestion, details: Readonly<Record<string, unknown>>): void {
    const { text, textVersion, language } = details;
    if (typeof text !== 'string' || typeof textVersion !== 'number' || typeof language !== 'string') return;
    this.#renewed = { ...question, text, textVersion, language };
    this.#changed();
  }

  #tellEnd(change: 'ready' | 'failed', recording: Recording): void {
    const end = `${change} ${recording.recordingId} ${recording.status} ${recording.bytes ?? ''}`;
    if (end === this.#toldEnd) return;
    this.#toldEnd = end;
    this.#events.emit(change, { recording });
  }

  #changed(): void {
    const before = this.#view;
    const now = this.#makeView();
    if (before?.recording === now.recording && before.question === now.question && before.standing === now.standing) return;
    this.#view = now;
    this.#events.emit('changed', now);
  }

  #makeView(): RecordingsView {
    const { recording, question: asked } = this.#room?.view.recording ?? noRecording;
    const isRenewed =
      asked !== undefined && this.#renewed?.recordingId === asked.recordingId && this.#renewed.textVersion !== asked.textVersion;
    return {
      recording,
      question: isRenewed ? this.#renewed : asked,
      standing: standingOf(recording, this.#room?.view.me?.userId),
    };
  }
}
