import { useCallback, useState } from 'react';
import type { Subscription } from '../../../src/client/index.ts';

interface SubscriptionVideoProps {
  subscription: Subscription;
  label: string;
}

/** Shows what another person sends; the SDK asks for the quality that the shown size needs. */
export function SubscriptionVideo({ subscription, label }: SubscriptionVideoProps) {
  const [upright, setUpright] = useState(false);
  const attach = useCallback(
    (element: HTMLVideoElement | null) => (element === null ? undefined : subscription.attach(element)),
    [subscription],
  );
  return (
    <video
      ref={attach}
      className={upright ? 'upright' : undefined}
      aria-label={label}
      autoPlay
      playsInline
      muted
      onResize={(event) => setUpright(event.currentTarget.videoHeight > event.currentTarget.videoWidth)}
    />
  );
}
