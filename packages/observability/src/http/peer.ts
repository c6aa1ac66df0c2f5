import { BlockList, isIP, isIPv4 } from 'node:net';
import type { Peer } from '@reactor/core';

/** Tells whether an address belongs to a proxy whose `X-Forwarded-For` is trusted. */
export type IsTrustedProxy = (address: string) => boolean;

/**
 * @param entries addresses (`10.0.0.7`, `::1`) and CIDR ranges (`10.0.0.0/8`, `fd00::/8`)
 * @throws TypeError naming the entry that is neither
 */
export function parseTrustedProxies(entries: readonly string[]): IsTrustedProxy {
  const list = new BlockList();
  for (const entry of entries) {
    const [address = '', prefix, ...rest] = entry.split('/');
    const bits = isIPv4(address) ? 32 : 128;
    const length = prefix === undefined ? bits : /^\d{1,3}$/.test(prefix) ? Number(prefix) : Number.NaN;
    if (isIP(address) === 0 || rest.length > 0 || !(length <= bits)) {
      throw new TypeError(
        `trusted proxy ${JSON.stringify(entry)} is neither an IP address nor a CIDR range such as 10.0.0.0/8`,
      );
    }
    list.addSubnet(address, length, familyOf(address));
  }
  return (address) => isIP(address) !== 0 && list.check(address, familyOf(address));
}

/** Reads the headers only when asked: most requests never look at their peer. */
export class SocketPeer implements Peer {
  readonly address: string;
  readonly #headers: Headers;
  readonly #isTrusted: IsTrustedProxy;

  constructor(address: string, headers: Headers, isTrusted: IsTrustedProxy) {
    this.address = withoutMapping(address);
    this.#headers = headers;
    this.#isTrusted = isTrusted;
  }

  get forwarded(): boolean {
    for (const name of this.#headers.keys()) {
      if (name === 'forwarded' || name.startsWith('x-forwarded-')) return true;
    }
    return false;
  }

  get clientAddress(): string {
    const hops = (this.#headers.get('X-Forwarded-For') ?? '').split(',');
    let address = this.address;
    // From the right: each hop is the word of the one to its right, so the first that is not trusted ends the chain.
    while (this.#isTrusted(address)) {
      const hop = withoutMapping(withoutPort((hops.pop() ?? '').trim()));
      if (isIP(hop) === 0) break;
      address = hop;
    }
    return address;
  }
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIPv4(address) ? 'ipv4' : 'ipv6';
}

/** A dual-stack socket reports IPv4 peers as `::ffff:192.0.2.1`. */
function withoutMapping(address: string): string {
  const mapped = address.startsWith('::ffff:') ? address.slice(7) : '';
  return isIPv4(mapped) ? mapped : address;
}

function withoutPort(hop: string): string {
  const [, bracketed] = /^\[([^\]]*)\](?::\d+)?$/.exec(hop) ?? [];
  if (bracketed !== undefined) return bracketed;
  const [, host = ''] = /^([^:]*):\d+$/.exec(hop) ?? [];
  return isIPv4(host) ? host : hop;
}
