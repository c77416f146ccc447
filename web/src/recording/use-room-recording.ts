import { useEffect, useState, useSyncExternalStore } from 'react';
import type { ParleyClient, Recording, RecordingsView } from '../../../src/client/index.ts';
import { strings } from '../strings.ts';
import { speak } from './speak.ts';

type Say = (text: string, tone?: 'calm' | 'bad') => void;

/** The recording of the room that one is in; what happens to it is told and read out. */
export function useRoomRecording(client: ParleyClient, say: Say): { view: RecordingsView; spoken: string } {
  const { recordings } = client;
  const view = useSyncExternalStore(recordings.subscribe, () => recordings.view);
  const [spoken, setSpoken] = useState('');
  const { standing, question, recording } = view;
  const isRecorded = standing === 'recorded';
  const isLeftOut = standing === 'left_out' && recording?.status === 'recording';
  const isPaused = recording?.status === 'paused';

  useEffect(() => {
    const offs = follow(client, say);
    return () => {
      for (const off of offs) off();
    };
  }, [client, say]);

  const asker = question === undefined ? undefined : nameIn(recording, question.requestedBy);
  const text = spokenText({ asker, isRecorded, isLeftOut, isPaused });
  useEffect(() => {
    setSpoken(text);
    if (text !== '') speak(text);
  }, [text]);

  return { view, spoken };
}

/** Somebody's name as the recording knows it. */
export function nameIn(recording: Recording | null, userId: string): string {
  return recording?.consents.find((consent) => consent.userId === userId)?.displayName ?? strings.recording.question.someone;
}

function spokenText(now: { asker: string | undefined; isRecorded: boolean; isLeftOut: boolean; isPaused: boolean }): string {
  const { spoken, question } = strings.recording;
  if (now.asker !== undefined) return question.spoken(now.asker);
  if (now.isRecorded) return spoken.recorded;
  if (now.isLeftOut) return spoken.leftOut;
  return now.isPaused ? spoken.paused : '';
}

function follow(client: ParleyClient, say: Say): readonly (() => void)[] {
  const { recordings } = client;
  const words = strings.recording.announce;
  const answers = new Map(recordings.view.recording?.consents.map(({ userId, state }) => [userId, state]));
  return [
    recordings.on('started', () => say(words.started)),
    recordings.on('paused', ({ reason }) => say(words.paused[reason], reason === 'disk_low' ? 'bad' : 'calm')),
    recordings.on('resumed', () => say(words.resumed)),
    recordings.on('stopped', ({ recording }) => {
      if (recording.status !== 'refused') {
        say(words.stopped);
        speak(strings.recording.spoken.stopped);
      } else say(recording.consents.some(({ state }) => state === 'refused' || state === 'withdrawn') ? words.refused : words.notAsked);
    }),
    recordings.on('failed', ({ recording: { failureReason } }) => {
      say(words.failed(failureReason === undefined ? '' : strings.recording.failures[failureReason]), 'bad');
    }),
    recordings.on('consentChanged', ({ recording }) => {
      for (const { userId, displayName, state } of recording.consents) {
        const before = answers.get(userId);
        answers.set(userId, state);
        // To the one who asked alone: nobody is to be pressed.
        if (before === state || userId === client.userId || recording.requestedBy !== client.userId) continue;
        if (state === 'granted') say(words.agreed(displayName));
        else if (state === 'refused') say(words.declined(displayName));
        else if (state === 'withdrawn') say(words.withdrew(displayName));
      }
    }),
  ];
}
