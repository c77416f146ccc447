import { useCallback, useEffect, useRef, useState } from 'react';
import { createRingTones, followCalls, type RingTones } from '../../../src/client/index.ts';
import { useCallDesk } from './calls-context.tsx';

/** Lets calls be heard. Answers how to silence one that rings: it stays so until another one rings. */
export function useRingTones(): (callId: string) => void {
  const { calls } = useCallDesk();
  const [tones] = useState(createRingTones);
  const silenced = useRef<string>(undefined);

  useEffect(() => {
    const quietable: RingTones = {
      get playing() {
        return tones.playing;
      },
      get isBlocked() {
        return tones.isBlocked;
      },
      play(tone) {
        const isSilenced = (tone === 'incoming' || tone === 'waiting') && calls.view.incoming[0]?.callId === silenced.current;
        if (isSilenced) tones.stop();
        else tones.play(tone);
      },
      stop: tones.stop,
    };
    return followCalls(calls, quietable);
  }, [calls, tones]);

  return useCallback(
    (callId) => {
      silenced.current = callId;
      tones.stop();
    },
    [tones],
  );
}
