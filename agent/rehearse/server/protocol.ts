/**
 * What passes between a rehearsal and its DHCP server, a process of its own, one line of JSON each. The server gets a
 * ServerPart, then an Answering (for DHCPv6 with a 6 behind it) whenever it shall answer otherwise; it prints `ready` and each
 * message.
 */
import { ipAddress } from '../../address/address-checks.ts';
import type { RecordedAdvertisement } from '../../clients/recorded-advertisement.ts';
import type { RecordedOffer } from '../../clients/recorded-offer.ts';
import type { RecordedOffer6 } from '../../clients/recorded-offer6.ts';
import type { Answering, LeaseTimes } from '../../clients/stage-plan.ts';

export interface ServerPart {
  /** null: it serves no DHCPv4. */
  readonly four: FourPart | null;
  /** null: it serves no DHCPv6 and advertises nothing. */
  readonly six: SixPart | null;
}

interface Manner {
  readonly times: LeaseTimes;
  readonly answering: Answering;
}

export interface FourPart extends Manner {
  readonly offer: RecordedOffer;
  /** The server's own address. */
  readonly server: string;
}

export interface SixPart extends Manner {
  /** null: it serves no DHCPv6. */
  readonly offer: RecordedOffer6 | null;
  readonly advertisements: readonly RecordedAdvertisement[];
  /** The interface at the far side of the wire. */
  readonly wire: string;
}

const hex = (bytes: Buffer) => bytes.toString('hex');
const bytes = (text: string) => Buffer.from(text, 'hex');

export function partToText({ four, six }: ServerPart): string {
  return JSON.stringify({ four: four === null ? null : fourToJson(four), six: six === null ? null : sixToJson(six) });
}

/** Throws if the text is none of partToText(). */
export function partFromText(text: string): ServerPart {
  const { four, six } = JSON.parse(text);
  return { four: four === null ? null : fourFromJson(four), six: six === null ? null : sixFromJson(six) };
}

type Json = ReturnType<typeof JSON.parse>;
type Pairs = readonly (readonly [number, string])[];

const pairs = (options: ReadonlyMap<number, Buffer>) => [...options].map(([code, data]) => [code, hex(data)] as const);
const options = (all: Pairs) => new Map(all.map(([code, data]) => [code, bytes(data)] as const));

function fourToJson({ offer, ...rest }: FourPart): Json {
  const { siaddr, sname, file } = offer.fields;
  return { ...rest, offer: { ...offer, fields: [siaddr, sname, file].map(hex), options: pairs(offer.options) } };
}

function fourFromJson({ offer, ...rest }: Json): FourPart {
  const address = ipAddress(String(offer.address));
  if (address === null) throw new Error('the offer has no address');
  const [siaddr, sname, file] = offer.fields.map(bytes);
  return { ...rest, offer: { ...offer, address, fields: { siaddr, sname, file }, options: options(offer.options) } };
}

function sixToJson({ offer, ...rest }: SixPart): Json {
  if (offer === null) return { ...rest, offer };
  return { ...rest, offer: { ...offer, server: hex(offer.server), options: pairs(offer.options) } };
}

function sixFromJson({ offer, ...rest }: Json): SixPart {
  if (offer === null) return { ...rest, offer };
  const address = offer.address === null ? null : ipAddress(String(offer.address));
  return { ...rest, offer: { address, server: bytes(offer.server), options: options(offer.options) } };
}
