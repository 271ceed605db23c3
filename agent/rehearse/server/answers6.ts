/**
 * A DHCPv6 server's answers (RFC 8415) for a rehearsal. As answers.ts: it knows one client, gives it what another server
 * gave before, and chooses the times. It has no prefixes and no temporary addresses.
 */

import type { IpAddress } from '../../address/accepted.ts';
import { bytesOfAddress } from '../../address/address-checks.ts';
import { type Dhcp6Message, type Dhcp6Option, writeOptions6 } from '../../clients/dhcp6-message.ts';
import type { RecordedOffer6 } from '../../clients/recorded-offer6.ts';
import type { Answering, LeaseTimes } from '../../clients/stage-plan.ts';

const SOLICIT = 1;
const ADVERTISE = 2;
const REQUEST = 3;
const CONFIRM = 4;
const RENEW = 5;
const REBIND = 6;
const REPLY = 7;
const RELEASE = 8;
const DECLINE = 9;
const INFORMATION_REQUEST = 11;

const CLIENT_ID = 1;
const SERVER_ID = 2;
const IA_NA = 3;
const IA_TA = 4;
const IAADDR = 5;
const REQUEST_LIST = 6;
const PREFERENCE = 7;
const STATUS = 13;
const RAPID_COMMIT = 14;
const IA_PD = 25;

/** Messages that say which server they are for, and messages that must not. */
const FOR_ONE = new Set([REQUEST, RENEW, RELEASE, DECLINE]);
const FOR_ALL = new Set([SOLICIT, CONFIRM, REBIND]);
const WITH_LEASE = new Set([SOLICIT, REQUEST, RENEW, REBIND]);

const NO_ADDRESS = 2;
const NO_PREFIX = 6;

/** Associations that are answered: a message may have as many as fit into it. */
const MOST_ASSOCIATIONS = 8;

export interface Answering6 {
  readonly answering: Answering;
  readonly offer: RecordedOffer6;
  readonly times: LeaseTimes;
}

/** null if the server is silent. As `broadcast` it hears only what is for every server, so that a renewal fails. */
export function answerTo6(asked: Dhcp6Message, { answering, offer, times }: Answering6): Dhcp6Message | null {
  const { type } = asked;
  const of = (code: number) => asked.options.find((one) => one.code === code)?.data;
  const [client, chosen] = [of(CLIENT_ID), of(SERVER_ID)];
  if (answering === 'none' || answering === 'nak' || (answering === 'broadcast' && FOR_ONE.has(type))) return null;
  if (!FOR_ONE.has(type) && !FOR_ALL.has(type) && type !== INFORMATION_REQUEST) return null;
  if (client === undefined && type !== INFORMATION_REQUEST) return null;
  if (FOR_ONE.has(type) ? chosen?.equals(offer.server) !== true : FOR_ALL.has(type) && chosen !== undefined)
    return null;
  if (chosen !== undefined && !chosen.equals(offer.server)) return null;
  const isRapid = type === SOLICIT && of(RAPID_COMMIT) !== undefined && offer.options.has(RAPID_COMMIT);
  const advertises = type === SOLICIT && !isRapid;
  return {
    type: advertises ? ADVERTISE : REPLY,
    xid: asked.xid,
    options: [
      ...(client === undefined ? [] : [{ code: CLIENT_ID, data: client }]),
      { code: SERVER_ID, data: offer.server },
      // The client need not wait for a better offer.
      ...(advertises ? [{ code: PREFERENCE, data: Buffer.from([255]) }] : []),
      ...(isRapid ? [{ code: RAPID_COMMIT, data: Buffer.alloc(0) }] : []),
      ...(WITH_LEASE.has(type) ? associations(asked, offer.address, times) : []),
      ...(type === CONFIRM || type === RELEASE || type === DECLINE ? [status(0)] : []),
      ...(type === RELEASE || type === DECLINE ? [] : askedFor(of(REQUEST_LIST), offer)),
    ],
  };
}

const status = (code: number): Dhcp6Option => ({ code: STATUS, data: Buffer.from([0, code]) });

/** The address goes into the first association for one. */
function associations({ options }: Dhcp6Message, address: IpAddress | null, times: LeaseTimes): Dhcp6Option[] {
  const all = options
    .filter(({ code }) => code === IA_NA || code === IA_TA || code === IA_PD)
    .slice(0, MOST_ASSOCIATIONS);
  const first = all.find(({ code, data }) => code === IA_NA && data.length >= 12);
  return all.flatMap((one): Dhcp6Option[] => {
    const { code, data } = one;
    if (data.length < (code === IA_TA ? 4 : 12)) return [];
    const identity = data.subarray(0, 4);
    if (one === first && address !== null)
      return [{ code, data: Buffer.concat([identity, seconds(times.renew, times.rebind), leased(address, times)]) }];
    const none = writeOptions6([status(code === IA_PD ? NO_PREFIX : NO_ADDRESS)]);
    return [{ code, data: Buffer.concat([identity, code === IA_TA ? Buffer.alloc(0) : Buffer.alloc(8), none]) }];
  });
}

function leased(address: IpAddress, { lease }: LeaseTimes): Buffer {
  return writeOptions6([{ code: IAADDR, data: Buffer.concat([bytesOfAddress(address), seconds(lease, lease)]) }]);
}

function seconds(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length);
  for (const [at, value] of values.entries()) bytes.writeUInt32BE(value, 4 * at);
  return bytes;
}

/** A server sends the options that the client asks for. A client without a list gets all. */
function askedFor(list: Buffer | undefined, { options }: RecordedOffer6): Dhcp6Option[] {
  const codes =
    list === undefined
      ? null
      : new Set(Array.from(list.toString('hex').match(/.{4}/g) ?? [], (one) => Number.parseInt(one, 16)));
  return [...options].flatMap(([code, data]) =>
    code !== RAPID_COMMIT && (codes === null || codes.has(code)) ? [{ code, data }] : [],
  );
}
