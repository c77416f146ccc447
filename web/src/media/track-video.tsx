import { useCallback } from 'react';

interface TrackVideoProps {
  track: MediaStreamTrack;
  label: string;
  /** As in a mirror: how people know themselves. */
  mirrored?: boolean;
}

/** Shows one of this browser's own tracks. */
export function TrackVideo({ track, label, mirrored = false }: TrackVideoProps) {
  const attach = useCallback(
    (element: HTMLVideoElement | null) => {
      if (element === null) return;
      element.srcObject = new MediaStream([track]);
      return () => {
        element.srcObject = null;
      };
    },
    [track],
  );
  return <video ref={attach} className={mirrored ? 'mirrored' : undefined} aria-label={label} autoPlay playsInline muted />;
}
