import { lookup } from 'node:dns/promises';
import type { Agent } from 'node:https';
import { BlockList, isIP } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { RequestFilteringHttpsAgent } from 'request-filtering-agent';

/** How long a name may take to be found before it is left to the moment of pushing. */
const lookupMs = 3_000;

/** How push services are reached, and which are not. */
export interface PushOutlet {
  /** Makes the connections; must itself refuse what may not be reached. */
  readonly agent: Agent;
  /** Whether an endpoint's host is no public address. */
  isRefused(endpoint: URL): Promise<boolean>;
}

/**
 * Reaches public addresses alone: an endpoint is whatever a browser says it is. A name is looked at when it is subscribed and once more, by the
 * agent, when it is connected to, because it may stand for another address by then.
 */
export function createPushOutlet(): PushOutlet {
  return {
    agent: new RequestFilteringHttpsAgent({ keepAlive: false }),
    async isRefused({ hostname, username, password }) {
      if (username !== '' || password !== '') return true;
      const host = hostname.replace(/^\[|\]$|\.$/g, '');
      if (isIP(host) !== 0) return isInner(host);
      return (await addressesOf(host)).some(isInner);
    },
  };
}

/** What a name stands for now; nothing when that can't be found out. */
async function addressesOf(host: string): Promise<string[]> {
  const found = new AbortController();
  try {
    const slow = delay(lookupMs, [], { signal: found.signal });
    const addresses = await Promise.race([lookup(host, { all: true }), slow.catch(() => [])]);
    return addresses.map(({ address }) => address);
  } catch {
    // There is no such name, or no name server: the agent looks again before anything is sent.
    return [];
  } finally {
    found.abort();
  }
}

/** Whether an address is anything but public and meant for one host (IANA's special-purpose address registries). */
export function isInner(address: string): boolean {
  const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
  return family === 'ipv6' ? !publicIPv6.check(address, 'ipv6') || special.check(address, 'ipv6') : special.check(address, 'ipv4');
}

/** All that is handed out for use in the open (2000::/3). */
const publicIPv6 = listOf([['2000::', 3]]);

const special = listOf([
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
]);

function listOf(subnets: readonly (readonly [string, number])[]): BlockList {
  const list = new BlockList();
  for (const [net, prefix] of subnets) list.addSubnet(net, prefix, isIP(net) === 6 ? 'ipv6' : 'ipv4');
  return list;
}
