import { useEffect, useState } from 'react';
import type { Subscription } from '../../../src/client/index.ts';
import { canChooseSpeaker, useDeviceChoice } from './device-choice.ts';

/** Plays what others say, through the chosen speaker. */
export function RemoteSounds({ subscriptions }: { subscriptions: readonly Subscription[] }) {
  return subscriptions
    .filter(({ kind }) => kind === 'audio')
    .map((subscription) => <RemoteSound key={subscription.producerId} subscription={subscription} />);
}

function RemoteSound({ subscription }: { subscription: Subscription }) {
  const [element] = useState(() => new Audio());
  const { speaker } = useDeviceChoice();

  useEffect(() => subscription.attach(element), [subscription, element]);

  useEffect(() => {
    // A speaker that is gone: sound stays where it is.
    if (speaker !== undefined && canChooseSpeaker) element.setSinkId(speaker).catch(() => undefined);
  }, [speaker, element]);

  return null;
}
