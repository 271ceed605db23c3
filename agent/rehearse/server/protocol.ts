/**
 * What passes between a rehearsal and its DHCP server, a process of its own, one line of JSON each. The server gets a
 * ServerPart, then an Answering whenever it shall answer otherwise; it prints `ready` and each message.
 */
import { ipAddress } from '../../address/address-checks.ts';
import type { RecordedOffer } from '../../clients/recorded-offer.ts';
import type { Answering, LeaseTimes } from '../../clients/stage-plan.ts';

export interface ServerPart {
  readonly offer: RecordedOffer;
  /** The server's own address. */
  readonly server: string;
  readonly times: LeaseTimes;
  readonly answering: Answering;
}

const hex = (bytes: Buffer) => bytes.toString('hex');
const bytes = (text: string) => Buffer.from(text, 'hex');

export function partToText({ offer, ...rest }: ServerPart): string {
  const { siaddr, sname, file } = offer.fields;
  return JSON.stringify({
    ...rest,
    offer: {
      ...offer,
      fields: [siaddr, sname, file].map(hex),
      options: [...offer.options].map(([code, data]) => [code, hex(data)]),
    },
  });
}

/** Throws if the text is none of partToText(). */
export function partFromText(text: string): ServerPart {
  const { offer, ...rest } = JSON.parse(text);
  const address = ipAddress(String(offer.address));
  if (address === null) throw new Error('the offer has no address');
  const [siaddr, sname, file] = offer.fields.map(bytes);
  const options = offer.options.map(([code, data]: [number, string]) => [code, bytes(data)] as const);
  return { ...rest, offer: { ...offer, address, fields: { siaddr, sname, file }, options: new Map(options) } };
}
