import type { Role } from '../../src/protocol/ids.ts';
import type { Chromium, Person } from '../support/chromium.ts';
import type { TestApp } from '../support/test-app.ts';
import { inCall, join, press, shows } from './visit.ts';

/** What somebody's camera shows and what they sound like, so that a recording can be searched for them. */
export interface Look {
  /** As CSS has it. */
  readonly colour: string;
  readonly toneHz: number;
}

/** Opens a room's page as somebody of one colour and one tone, and joins; resolves in the call. */
export async function enterAs(
  app: TestApp,
  chromium: Chromium,
  roomId: string,
  userId: string,
  options: { role?: Role; look?: Look; viewport?: { width: number; height: number } } = {},
): Promise<Person> {
  const { role = 'patient', look, viewport } = options;
  const person = await chromium.open('about:blank', viewport && { viewport });
  await person.page.addInitScript(rememberSpeech);
  if (look !== undefined) await person.page.addInitScript(wear, look);
  await person.page.goto(`${app.url}/r/${roomId}#token=${app.tokenFor(userId, role)}`);
  await join(person);
  await inCall(person);
  return person;
}

/** Asks everybody in the room for a recording. */
export async function askToRecord(moderator: Person, purpose: string): Promise<void> {
  await press(moderator, 'Record');
  await moderator.page.getByLabel('Purpose').fill(purpose);
  await press(moderator, 'Ask everybody');
  await shows(moderator, 'Asking to record: details');
}

/** What a page has said out loud. */
export function spokenBy({ page }: Person): Promise<string[]> {
  return page.evaluate(() => (globalThis as { spoken?: string[] }).spoken ?? []);
}

/** Runs in the page, before anything else does. */
function rememberSpeech(): void {
  const spoken: string[] = [];
  Object.assign(globalThis, { spoken });
  if (typeof speechSynthesis === 'undefined') return;
  speechSynthesis.speak = (utterance) => void spoken.push(utterance.text);
}

/** Runs in the page, before anything else does: its devices are a plane of one colour and a steady tone. */
function wear({ colour, toneHz }: Look): void {
  navigator.mediaDevices.getUserMedia = async ({ audio, video } = {}) => {
    const stream = new MediaStream();
    if (video) {
      const canvas = document.createElement('canvas');
      Object.assign(canvas, { width: 640, height: 360 });
      const drawing = canvas.getContext('2d');
      let count = 0;
      // Something moves, or no frame would be sent.
      setInterval(() => {
        if (drawing === null) return;
        drawing.fillStyle = colour;
        drawing.fillRect(0, 0, 640, 360);
        drawing.fillStyle = '#fff';
        drawing.fillRect((count++ * 5) % 640, 340, 20, 20);
      }, 66);
      for (const track of canvas.captureStream(15).getVideoTracks()) stream.addTrack(track);
    }
    if (audio) {
      const sound = new AudioContext();
      const tone = new OscillatorNode(sound, { frequency: toneHz });
      const out = sound.createMediaStreamDestination();
      tone.connect(new GainNode(sound, { gain: 0.5 })).connect(out);
      tone.start();
      for (const track of out.stream.getAudioTracks()) stream.addTrack(track);
    }
    return stream;
  };
}
