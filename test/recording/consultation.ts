import type { Recording, RecordingKind } from '../../src/protocol/recording.ts';
import type { startTestApp } from '../support/test-app.ts';
import type { TestClient } from '../support/test-client.ts';
import { waitFor } from '../support/wait-for.ts';
import type { WebRtcClient } from '../support/webrtc-client.ts';

export type RecordingApp = Awaited<ReturnType<typeof startTestApp>>;
/** A server as a consultation needs it, be it in a process of its own. */
export type Clinic = Pick<RecordingApp, 'url' | 'tokenFor' | 'connect' | 'rest' | 'createRoom'>;

/** Somebody in the room of a consultation, with a real WebRTC client when they send. */
export interface Attendee {
  readonly userId: string;
  readonly client: TestClient;
  readonly media: WebRtcClient | undefined;
}

/** A room with its host, in which people are recorded. */
export class Consultation {
  readonly app: Clinic;
  readonly roomId: string;
  readonly host: Attendee;

  /** One that goes on, at another server perhaps. */
  constructor(app: Clinic, roomId: string, host: Attendee) {
    this.app = app;
    this.roomId = roomId;
    this.host = host;
  }

  static async start(app: Clinic, options: { sends?: boolean } = {}): Promise<Consultation> {
    const { roomId } = await app.createRoom({ name: 'Knee' });
    return new Consultation(app, roomId, await enter(app, roomId, 'host', 'provider', options.sends ?? false));
  }

  /** Somebody comes; with `sends` their microphone and camera are on. */
  enter(userId: string, options: { sends?: boolean } = {}): Promise<Attendee> {
    return enter(this.app, this.roomId, userId, 'patient', options.sends ?? false);
  }

  /** The host asks. */
  async ask(kinds: RecordingKind[] = ['audio', 'video', 'screen']): Promise<Recording> {
    const { recording } = await this.host.client.request('recording:request', { roomId: this.roomId, purpose: 'Training', kinds });
    return recording;
  }

  /** Somebody who was asked answers. */
  async answer({ client }: Attendee, granted: boolean): Promise<Recording> {
    const { recordingId, textVersion } = await client.notice('recording:consentRequested');
    return (await client.request('recording:consent', { recordingId, granted, textVersion })).recording;
  }

  /** How a recording stands, as an administrator sees it. */
  async look(recordingId: string): Promise<Recording> {
    const { status, body } = await this.app.rest('GET', `recordings/${recordingId}`, { token: this.admin });
    if (status !== 200) throw new Error(`the recording was not shown: ${JSON.stringify(body)}`);
    return body as Recording;
  }

  /** Resolves when it is ready, or fails with what the row says. */
  async ready(recordingId: string, timeoutMs = 90_000): Promise<Recording> {
    let last = await this.look(recordingId);
    await waitFor(
      'the recording to be ready',
      async () => {
        last = await this.look(recordingId);
        return last.status === 'ready' || last.status === 'failed';
      },
      timeoutMs,
    );
    if (last.status !== 'ready') throw new Error(`the recording has failed: ${last.failureReason}`);
    return last;
  }

  /** Resolves when so much of a recording has been written by its capture. */
  async captured(seconds: number): Promise<void> {
    const until = Date.now() + seconds * 1_000;
    await waitFor(`${seconds} s of the recording`, () => Date.now() >= until, seconds * 1_000 + 5_000);
  }

  get admin(): string {
    return this.app.tokenFor('boss', 'admin');
  }
}

async function enter(app: Clinic, roomId: string, userId: string, role: 'provider' | 'patient', sends: boolean): Promise<Attendee> {
  const client = await app.connect(userId, role);
  if (!sends) {
    await client.join(roomId);
    return { userId, client, media: undefined };
  }
  const { media } = await client.joinWithMedia(roomId);
  await media.publishAudio();
  await media.publishVideo('camera', { width: 640, height: 360 });
  return { userId, client, media };
}
