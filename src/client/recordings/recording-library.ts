import type { CompositionSettings, ConsentReceipt, Recording } from '../../protocol/recording.ts';
import { type Rest, withQuery } from '../rest.ts';
import type { RecordingLink, RecordingLinkOptions, RecordingsPage, RecordingsQuery } from './recordings-events.ts';

/** What has been recorded, over REST. All methods throw `client.*`, those of one recording `recording.not_found` and `auth.forbidden`. */
export class RecordingLibrary {
  readonly #rest: Rest;

  constructor(rest: Rest) {
    this.#rest = rest;
  }

  /** A page of the recordings that one may see, newest first. */
  list(query: RecordingsQuery = {}): Promise<RecordingsPage> {
    return this.#rest.json<RecordingsPage>('GET', withQuery('/recordings', { ...query }));
  }

  get(recordingId: string): Promise<Recording> {
    return this.#rest.json<Recording>('GET', at(recordingId));
  }

  /** A link that a player or somebody else opens without a token. Throws `recording.invalid_state` while there is nothing to play. */
  createLink(recordingId: string, options: RecordingLinkOptions = {}): Promise<RecordingLink> {
    return this.#rest.json<RecordingLink>('POST', `${at(recordingId)}/links`, options);
  }

  /** Who was asked, in which words, and what they answered. */
  async consents(recordingId: string): Promise<readonly ConsentReceipt[]> {
    return (await this.#rest.json<{ receipts: ConsentReceipt[] }>('GET', `${at(recordingId)}/consents`)).receipts;
  }

  /** Puts it together again in another layout, or tries a failed one again. Throws `recording.invalid_state`. */
  recompose(recordingId: string, composition: CompositionSettings): Promise<Recording> {
    return this.#rest.json<Recording>('POST', `${at(recordingId)}/compose`, composition);
  }

  /** A legal hold keeps it from being deleted until it is lifted. */
  setHold(recordingId: string, isHeld: boolean): Promise<Recording> {
    return this.#rest.json<Recording>(isHeld ? 'PUT' : 'DELETE', `${at(recordingId)}/hold`);
  }

  /** Destroys every copy. Throws `recording.held`, `recording.invalid_state`. */
  remove(recordingId: string): Promise<void> {
    return this.#rest.json<void>('DELETE', at(recordingId));
  }

  /** The composed recording as a whole, for those who may play it and not hand out links. */
  content(recordingId: string, signal?: AbortSignal): Promise<Blob> {
    return this.#rest.blob(`${at(recordingId)}/content`, signal);
  }

  /** A picture of it. */
  poster(recordingId: string, signal?: AbortSignal): Promise<Blob> {
    return this.#rest.blob(`${at(recordingId)}/poster`, signal);
  }

  /** Who speaks when, as WebVTT. */
  async speakers(recordingId: string, signal?: AbortSignal): Promise<string> {
    return (await this.#rest.blob(`${at(recordingId)}/speakers.vtt`, signal)).text();
  }

  /** One part of what somebody sent. */
  track(recordingId: string, trackId: string, part = 0, signal?: AbortSignal): Promise<Blob> {
    return this.#rest.blob(withQuery(`${at(recordingId)}/tracks/${encodeURIComponent(trackId)}/content`, { part }), signal);
  }

  /** All tracks and the timeline, as a ZIP file. */
  archive(recordingId: string, signal?: AbortSignal): Promise<Blob> {
    return this.#rest.blob(`${at(recordingId)}/archive`, signal);
  }
}

function at(recordingId: string): string {
  return `/recordings/${encodeURIComponent(recordingId)}`;
}
