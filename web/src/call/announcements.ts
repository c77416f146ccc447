import { useCallback, useEffect, useRef, useState } from 'react';
import type { Participant, Room, Source } from '../../../src/client/index.ts';
import { errorText } from '../error-text.ts';
import { strings } from '../strings.ts';

export interface Announcement {
  readonly key: number;
  readonly text: string;
  readonly tone: 'calm' | 'bad';
}

const shownMs = 6000;

/** What happens in the room, in short sentences that go away by themselves; `say` adds one. */
export function useAnnouncements(room: Room): {
  announcements: readonly Announcement[];
  say: (text: string, tone?: 'calm' | 'bad') => void;
} {
  const [announcements, setAnnouncements] = useState<readonly Announcement[]>([]);
  const timers = useRef(new Set<ReturnType<typeof setTimeout>>());
  const nextKey = useRef(0);

  const say = useCallback((text: string, tone: 'calm' | 'bad' = 'calm') => {
    nextKey.current += 1;
    const key = nextKey.current;
    setAnnouncements((shown) => [...shown.filter((other) => other.text !== text).slice(-3), { key, text, tone }]);
    const timer = setTimeout(() => {
      timers.current.delete(timer);
      setAnnouncements((shown) => shown.filter((other) => other.key !== key));
    }, shownMs);
    timers.current.add(timer);
  }, []);

  useEffect(() => {
    const pending = timers.current;
    return () => {
      for (const timer of pending) clearTimeout(timer);
      pending.clear();
    };
  }, []);

  useEffect(() => {
    const unsubscribes = listen(room, say);
    return () => {
      for (const unsubscribe of unsubscribes) unsubscribe();
    };
  }, [room, say]);

  return { announcements, say };
}

function listen(room: Room, say: (text: string, tone?: 'calm' | 'bad') => void): readonly (() => void)[] {
  const names = new Map<string, Participant>(room.view.participants.map((one) => [one.participantId, one]));
  const held = new Set<Source>();
  return [
    room.on('participantJoined', ({ participant }) => {
      names.set(participant.participantId, participant);
      say(strings.announce.joined(participant.displayName));
    }),
    room.on('participantLeft', ({ participantId, reason }) => {
      const name = names.get(participantId)?.displayName;
      names.delete(participantId);
      if (name !== undefined) say(strings.announce.left(name, reason));
    }),
    room.on('participantUpdated', ({ participant }) => {
      const before = names.get(participant.participantId);
      names.set(participant.participantId, participant);
      if (participant.participantId === room.view.me?.participantId) return;
      if (participant.handRaised && !before?.handRaised) say(strings.announce.handUp(participant.displayName));
      if (!participant.handRaised && before?.handRaised) say(strings.announce.handDown(participant.displayName));
    }),
    room.on('subscribed', ({ subscription }) => {
      const name = names.get(subscription.participantId)?.displayName;
      if (subscription.source === 'screen' && name !== undefined) say(strings.announce.sharing(name));
    }),
    room.on('muted', ({ source, allowUnmute }) => {
      const wasHeld = held.delete(source);
      if (!allowUnmute) held.add(source);
      if (allowUnmute && wasHeld) say(strings.banner.mayUnmuteAgain);
      else if (source === 'camera') say(strings.banner.cameraStoppedByModerator, 'bad');
      else if (source === 'microphone') say(allowUnmute ? strings.banner.mutedByModerator : strings.banner.mutedForGood, 'bad');
      else say(strings.banner.screenStoppedByModerator, 'bad');
    }),
    room.on('publicationEnded', ({ source }) => {
      if (source === 'camera' || source === 'microphone') say(strings.banner.deviceGone(strings.sources[source]), 'bad');
    }),
    room.on('error', ({ error }) => say(errorText(error), 'bad')),
    room.on('locked', () => say(strings.announce.locked)),
    room.on('unlocked', () => say(strings.announce.unlocked)),
    room.on('mediaRecovered', () => say(strings.announce.recovered)),
  ];
}
