/**
 * DNS messages (RFC 1035): questions as glibc asks them, and answers as strictly as glibc reads them (measured with
 * 2.36).
 */
import dnsPacket, { encode, type OptAnswer } from 'dns-packet';
import type { IpAddress } from '../address/accepted.ts';
import { addressOfBytes } from '../address/address-checks.ts';

export interface DnsQuestion {
  /** Absolute, without a final dot; empty: the root. */
  readonly name: string;
  readonly type: 'A' | 'AAAA' | 'NS' | 'SOA';
}

/** The part of a reply that the C library uses. */
export type DnsContent =
  | {
      readonly kind: 'answer';
      readonly rcode: string;
      /** Addresses or names of the requested type; empty unless `rcode` is NOERROR. */
      readonly values: readonly string[];
    }
  /**
   * The reply only refers to other servers; this server looks nothing up (lame delegation). glibc asks the next server.
   */
  | { readonly kind: 'referral' }
  /** A record goes beyond the end of the message. */
  | { readonly kind: 'garbled' };

export interface DnsReply {
  readonly truncated: boolean;
  readonly content: DnsContent;
}

const FLAG = { response: 0x8000, authoritative: 0x0400, truncated: 0x0200, recursive: 0x0080 } as const;
const RECURSION_DESIRED = 0x100;
const HEADER_BYTES = 12;
const TYPE = { A: 1, NS: 2, CNAME: 5, SOA: 6, AAAA: 28 } as const;
const CLASS_IN = 1;
/** RFC 1035, RFC 2136, by number. */
const RCODES = ['NOERROR', 'FORMERR', 'SERVFAIL', 'NXDOMAIN', 'NOTIMP', 'REFUSED', 'YXDOMAIN', 'YXRRSET', 'NXRRSET'];
const MORE_RCODES = ['NOTAUTH', 'NOTZONE'];

/** glibc offers 1200 bytes (RESOLV_EDNS_BUFFER_SIZE). */
const OPT: OptAnswer = {
  type: 'OPT',
  name: '.',
  udpPayloadSize: 1200,
  extendedRcode: 0,
  ednsVersion: 0,
  flags: 0,
  flag_do: false,
  options: [],
};

/** dns-packet exports its reader of names, but its types lack it. `bytes`: the length of the last name. */
const { decode: decodeName } = (
  dnsPacket as unknown as { name: { decode: ((message: Buffer, at: number) => string) & { readonly bytes: number } } }
).name;

export function dnsQuery(id: number, { name, type }: DnsQuestion, edns0: boolean): Buffer {
  const additionals = edns0 ? [OPT] : [];
  return encode({ type: 'query', id, flags: RECURSION_DESIRED, questions: [{ name, type }], additionals });
}

/** null if the message is no reply to this question: glibc goes on waiting for a reply. */
export function readReply(message: Buffer, id: number, question: DnsQuestion): DnsReply | null {
  if (message.length < HEADER_BYTES || message.readUInt16BE(0) !== id) return null;
  const [flags, questions, answers] = [message.readUInt16BE(2), message.readUInt16BE(4), message.readUInt16BE(6)];
  if ((flags & FLAG.response) === 0) return null;
  const rcode = rcodeName(flags & 0xf);
  const truncated = (flags & FLAG.truncated) !== 0;
  // A server that cannot read a question may leave it out of its refusal.
  if (questions === 0 && rcode !== 'NOERROR') return { truncated, content: { kind: 'answer', rcode, values: [] } };
  const start = questions === 1 ? endOfQuestion(message, question) : null;
  if (start === null) return null;
  // With any additional record, such as OPT, glibc takes the reply for an answer without addresses.
  const answersItself = answers > 0 || (flags & (FLAG.authoritative | FLAG.recursive)) !== 0;
  if (rcode === 'NOERROR' && !answersItself && message.readUInt16BE(10) === 0)
    return { truncated, content: { kind: 'referral' } };
  const values = rcode === 'NOERROR' ? valuesOf(message, start, answers, question) : [];
  return { truncated, content: values === null ? { kind: 'garbled' } : { kind: 'answer', rcode, values } };
}

function rcodeName(rcode: number): string {
  return [...RCODES, ...MORE_RCODES][rcode] ?? `RCODE ${rcode}`;
}

/** null if the message repeats another question. */
function endOfQuestion(message: Buffer, { name, type }: DnsQuestion): number | null {
  const asked = nameAt(message, HEADER_BYTES);
  if (asked === null || asked.end + 4 > message.length) return null;
  const same = sameName(asked.name, name) && message.readUInt16BE(asked.end) === TYPE[type];
  return same ? asked.end + 4 : null;
}

/**
 * Reads like getanswer_r of nss_dns: the records in their order, for the asked name, or for the alias target reached so
 * far. An address of another length is skipped, like any other record. null if a record is not whole.
 */
function valuesOf(message: Buffer, start: number, count: number, { name, type }: DnsQuestion): string[] | null {
  const values: string[] = [];
  let expected = name;
  let at = start;
  for (let n = 0; n < count; n += 1) {
    const owner = nameAt(message, at);
    if (owner === null || owner.end + 10 > message.length) return null;
    const [kind, group] = [message.readUInt16BE(owner.end), message.readUInt16BE(owner.end + 2)];
    const from = owner.end + 10;
    at = from + message.readUInt16BE(owner.end + 8);
    if (at > message.length) return null;
    if (group !== CLASS_IN || !sameName(owner.name, expected)) continue;
    if (kind === TYPE.CNAME) {
      const target = nameAt(message, from);
      if (target === null) return null;
      expected = target.name;
    } else if (kind === TYPE[type]) {
      // Of an SOA record: the zone's first server.
      const isName = type === 'NS' || type === 'SOA';
      const value = isName ? nameAt(message, from)?.name : addressIn(message.subarray(from, at), type);
      if (value !== undefined) values.push(value);
    }
  }
  return values;
}

/** undefined if an address of this type has another length. */
function addressIn(bytes: Buffer, type: 'A' | 'AAAA'): IpAddress | undefined {
  return bytes.length === (type === 'A' ? 4 : 16) ? addressOfBytes(bytes) : undefined;
}

function nameAt(message: Buffer, at: number): { readonly name: string; readonly end: number } | null {
  try {
    const name = decodeName(message, at);
    return { name, end: at + decodeName.bytes };
  } catch {
    return null;
  }
}

function sameName(a: string, b: string): boolean {
  const plain = (one: string) => one.toLowerCase().replace(/\.$/, '');
  return plain(a) === plain(b);
}
