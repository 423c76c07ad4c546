import ipaddr from 'ipaddr.js';

/** Where an attempt comes from: what counts as one place, and for IPv6 the network that many places share. */
export interface Source {
  /** An IPv4 address, an IPv6 /64 in CIDR notation, or `unknown`. */
  readonly place: string;
  /** The IPv6 /48 around it: one customer of a provider often has all 65,536 places of one. */
  readonly network?: string;
}

/**
 * The source behind the text of an address, as a socket or a trusted proxy tells it.
 *
 * Of IPv6 the upper 64 bits count, since whoever has one address of a /64 has all 2^64 of it. IPv4 that was carried
 * in IPv6, mapped (RFC 4291, 2.5.5.2) or translated (RFC 6052, 2.1), is that IPv4 address. What is no address is
 * one source, `unknown`, and not a free one.
 */
export function sourceOf(address: string): Source {
  if (!ipaddr.isValid(address)) return { place: 'unknown' };
  const parsed = ipaddr.process(address);
  if (parsed instanceof ipaddr.IPv4) return { place: parsed.toString() };
  if (parsed.range() === 'rfc6052') return { place: parsed.toByteArray().slice(12).join('.') };
  return { place: prefix(parsed, 64), network: prefix(parsed, 48) };
}

function prefix(address: ipaddr.IPv6, bits: 48 | 64): string {
  const parts = address.parts.map((part, index) => (index < bits / 16 ? part : 0));
  return `${new ipaddr.IPv6(parts).toRFC5952String()}/${bits}`;
}
