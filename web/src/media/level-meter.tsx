import { useEffect, useRef } from 'react';
import { createLevelMeter } from '../../../src/client/index.ts';
import { strings } from '../strings.ts';

/** How loud a microphone is right now. */
export function LevelMeter({ track }: { track: MediaStreamTrack | undefined }) {
  const meter = useRef<HTMLMeterElement>(null);
  const bar = useRef<HTMLDivElement>(null);

  useEffect(() => {
    if (track === undefined) return;
    // Many times a second: past React.
    const show = (level: number) => {
      bar.current?.style.setProperty('transform', `scaleX(${level.toFixed(3)})`);
      if (meter.current !== null) meter.current.value = level;
    };
    const level = createLevelMeter(track, show);
    return () => {
      level.close();
      show(0);
    };
  }, [track]);

  return (
    <div className="level">
      <div ref={bar} className="level-bar" />
      <meter ref={meter} className="unseen" aria-label={strings.preview.level} min={0} max={1} />
    </div>
  );
}
