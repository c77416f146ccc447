import type { Peer } from '../sfu/peer.ts';
import type { LiveRoom } from './live-room.ts';

/**
 * Users of a room whose media flows, by the media server's own statistics: what they send arrives, and what they are ready to receive leaves
 * for them. Somebody who has muted everything counts once their transport is connected: there is nothing to wait for.
 */
export async function flowingUserIds(live: LiveRoom): Promise<Set<string>> {
  const flows = await Promise.all(
    live.seats.map(async ({ participant, peer }) => ((await isFlowing(peer)) ? participant.identity.userId : undefined)),
  );
  return new Set(flows.filter((userId) => userId !== undefined));
}

async function isFlowing(peer: Peer): Promise<boolean> {
  if (peer.closed || peer.producers.length === 0) return false;
  const { transports, producers, consumers } = await peer.stats();
  const isSilent = peer.producers.every(({ paused }) => paused);
  const sends = isSilent ? transports.some(({ dtlsState }) => dtlsState === 'connected') : producers.some(({ byteCount }) => byteCount > 0);
  const awaitsMedia = peer.consumers.some(({ paused, producerPaused }) => !paused && !producerPaused);
  return sends && (!awaitsMedia || consumers.some(({ type, byteCount }) => type === 'outbound-rtp' && byteCount > 0));
}
