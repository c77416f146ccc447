import { EventEmitter } from 'node:events';
import type { types } from 'mediasoup';
import type { Logger } from 'pino';
import { mediasoupCall } from './media-error.ts';
import type { ProducerInfo } from './peer-events.ts';

/** How often levels are told. */
const levelIntervalMs = 500;
/** How often it is asked who speaks. */
const speakerIntervalMs = 300;
/** Quieter microphones count as silent; speech lies well above. */
const silenceThresholdDbov = -60;
const maxLevels = 16;

/** How loud one microphone was in the last half second. */
export interface AudioLevel {
  peerId: string;
  producerId: string;
  /** From -127 (silence) to 0 (overload), as in RFC 6464. */
  volumeDbov: number;
}

/** What a room tells of its microphones. */
export interface VoiceEvents {
  /** Another peer speaks than before; without ids: nobody does. */
  activeSpeaker: [speaker: { peerId?: string; producerId?: string }];
  /** Who is heard, loudest first, twice a second; once with an empty list when all fall silent. */
  audioLevels: [levels: AudioLevel[]];
}

/** Listens to the microphones of one room: who speaks, and how loud everybody is. Dies with its router. */
export class VoiceObserver extends EventEmitter<VoiceEvents> {
  readonly #levels: types.AudioLevelObserver;
  readonly #speakers: types.ActiveSpeakerObserver;
  readonly #log: Logger;
  readonly #microphones = new Map<string, ProducerInfo>();
  /** Whom mediasoup told last: it does not tell again when the same one goes on after a silence. */
  #dominantId: string | undefined;
  /** Whom we told last. */
  #speakerId: string | undefined;
  #closed = false;

  private constructor(levels: types.AudioLevelObserver, speakers: types.ActiveSpeakerObserver, log: Logger) {
    super();
    this.#levels = levels;
    this.#speakers = speakers;
    this.#log = log;
    levels.on('volumes', (volumes) => this.#onVolumes(volumes));
    levels.on('silence', () => this.#onSilence());
    speakers.on('dominantspeaker', ({ producer }) => {
      this.#dominantId = producer.id;
      this.#setSpeaker(producer.id);
    });
  }

  static async create(router: types.Router, log: Logger): Promise<VoiceObserver> {
    const [levels, speakers] = await mediasoupCall(
      Promise.all([
        router.createAudioLevelObserver({ interval: levelIntervalMs, threshold: silenceThresholdDbov, maxEntries: maxLevels }),
        router.createActiveSpeakerObserver({ interval: speakerIntervalMs }),
      ]),
      'media.unavailable',
    );
    return new VoiceObserver(levels, speakers, log);
  }

  /** Begins to listen to a microphone. Returns at once. */
  add(microphone: ProducerInfo): void {
    const { producerId } = microphone;
    this.#microphones.set(producerId, microphone);
    Promise.all([this.#levels.addProducer({ producerId }), this.#speakers.addProducer({ producerId })]).catch((error: unknown) => {
      // Closed before it was added: nothing to listen to.
      if (this.#closed || !this.#microphones.has(producerId)) return;
      this.#log.warn({ err: error, producerId }, 'cannot listen to a microphone');
    });
  }

  /** Stops listening; mediasoup itself forgets producers that are closed. */
  remove(producerId: string): void {
    if (!this.#microphones.delete(producerId)) return;
    if (this.#dominantId === producerId) this.#dominantId = undefined;
    if (this.#speakerId === producerId) this.#setSpeaker(undefined);
  }

  /** Fires nothing from here on. The router closes mediasoup's side. */
  close(): void {
    this.#closed = true;
    this.removeAllListeners();
    this.#microphones.clear();
  }

  #onVolumes(volumes: types.AudioLevelObserverVolume[]): void {
    const levels: AudioLevel[] = volumes.flatMap(({ producer, volume }) => {
      const microphone = this.#microphones.get(producer.id);
      return microphone === undefined ? [] : [{ peerId: microphone.peerId, producerId: producer.id, volumeDbov: volume }];
    });
    if (levels.length === 0) return;
    this.emit('audioLevels', levels);
    if (this.#speakerId !== undefined) return;
    const dominant = levels.find(({ producerId }) => producerId === this.#dominantId) ?? levels[0];
    this.#setSpeaker(dominant?.producerId);
  }

  #onSilence(): void {
    if (this.#closed) return;
    this.emit('audioLevels', []);
    this.#setSpeaker(undefined);
  }

  #setSpeaker(producerId: string | undefined): void {
    const microphone = producerId === undefined ? undefined : this.#microphones.get(producerId);
    if (this.#closed || microphone?.producerId === this.#speakerId) return;
    this.#speakerId = microphone?.producerId;
    this.emit('activeSpeaker', microphone === undefined ? {} : { peerId: microphone.peerId, producerId: microphone.producerId });
  }
}
