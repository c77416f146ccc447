import { type FactMap, type Facts, isRelayed, markRelayed } from '../facts.ts';
import type { Relay } from './relay.ts';

/**
 * Facts that every server must hear, with who acts on them there. Every other fact stays with the server where it happened, whose listeners do
 * for all what is to be done once.
 */
const relayedFacts = [
  // Each server ends the user's sessions that it has.
  'user.suspended',
  // The server where the room is alive closes it.
  'room.ended',
  // The server where the room is alive takes the change over.
  'room.updated',
  // The server where the room is alive looks for its media.
  'call.accepted',
  // Each server tells those of its sessions that follow these users.
  'presence.changed',
] as const satisfies readonly (keyof FactMap)[];

type RelayedFact = (typeof relayedFacts)[number];

/** Tells the other servers the facts of the list and publishes theirs here, marked so that nobody tells them again. */
export function relayFacts(facts: Facts, relay: Relay): void {
  for (const name of relayedFacts) {
    facts.on(name, (fact: object) => {
      if (!isRelayed(fact)) relay.send({ fact: name, payload: fact });
    });
  }
  relay.on('heard', ({ fact: name, payload }) => {
    if (!isRelayedFact(name) || typeof payload !== 'object' || payload === null) return;
    markRelayed(payload);
    (facts.emit as (name: RelayedFact, fact: object) => boolean).call(facts, name, payload);
  });
}

function isRelayedFact(name: unknown): name is RelayedFact {
  return (relayedFacts as readonly unknown[]).includes(name);
}
