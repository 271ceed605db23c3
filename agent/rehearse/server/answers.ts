/**
 * A DHCPv4 server's answers (RFC 2131) for a rehearsal. The server knows one client, gives it what another server
 * offered before, and chooses the times so that the awaited event comes soon.
 */
import type { BootpMessage } from '../../clients/bootp.ts';
import type { RecordedOffer } from '../../clients/recorded-offer.ts';
import type { Answering, LeaseTimes } from '../../clients/stage-plan.ts';

export interface Answer {
  readonly message: BootpMessage;
  /** Whether the answer goes to the client's own address in place of everybody. */
  readonly unicast: boolean;
}

const DISCOVER = 1;
const OFFER = 2;
const REQUEST = 3;
const ACK = 5;
const NAK = 6;
const INFORM = 8;

const REQUESTED_ADDRESS = 50;
const LEASE_TIME = 51;
const MESSAGE_TYPE = 53;
const SERVER = 54;
const REQUEST_LIST = 55;
const RENEWAL_TIME = 58;
const REBINDING_TIME = 59;

/** Options that belong to one answer only: those named above, rapid commit (80), the relay's (82), authentication (90). */
const OF_ONE_ANSWER = new Set([
  ...[REQUESTED_ADDRESS, LEASE_TIME, MESSAGE_TYPE, SERVER, REQUEST_LIST, RENEWAL_TIME, REBINDING_TIME],
  ...[80, 82, 90],
]);

/** Options that servers send unasked: the mask, option overload, and the client's own identifier (RFC 6842). */
const UNASKED = new Set([1, 52, 61]);

/** null if the server is silent. `toEverybody`: whether the message was a broadcast. */
export function answerTo(
  asked: BootpMessage,
  {
    answering,
    offer,
    server,
    times,
    toEverybody,
  }: {
    readonly answering: Answering;
    readonly offer: RecordedOffer;
    readonly server: Buffer;
    readonly times: LeaseTimes;
    readonly toEverybody: boolean;
  },
): Answer | null {
  const type = asked.options.get(MESSAGE_TYPE)?.[0];
  if (asked.op !== 1 || answering === 'none' || (answering === 'broadcast' && !toEverybody)) return null;
  if (type !== DISCOVER && type !== REQUEST && type !== INFORM) return null;
  const chosen = asked.options.get(SERVER);
  // A client that has chosen another server asks everybody.
  if (chosen !== undefined && !chosen.equals(server)) return null;
  const address = Buffer.from(offer.address.split('.').map(Number));
  if (answering === 'nak') return type === REQUEST ? nak(asked, server) : null;
  const wanted = asked.options.get(REQUESTED_ADDRESS) ?? asked.ciaddr;
  if (type === REQUEST && !wanted.equals(address)) return nak(asked, server);
  const options = [
    [MESSAGE_TYPE, Buffer.from([type === DISCOVER ? OFFER : ACK])] as const,
    [SERVER, server] as const,
    ...(type === INFORM ? [] : timeOptions(times)),
    ...askedFor(asked, offer),
  ];
  return {
    message: {
      ...asked,
      ...offer.fields,
      op: 2,
      yiaddr: type === INFORM ? Buffer.alloc(4) : address,
      options: new Map(options),
    },
    unicast: asked.ciaddr.some((byte) => byte !== 0),
  };
}

function nak(asked: BootpMessage, server: Buffer): Answer {
  const none = Buffer.alloc(4);
  return {
    message: {
      ...asked,
      op: 2,
      ciaddr: none,
      yiaddr: none,
      siaddr: none,
      sname: Buffer.alloc(64),
      file: Buffer.alloc(128),
      options: new Map([
        [MESSAGE_TYPE, Buffer.from([NAK])],
        [SERVER, server],
      ]),
    },
    unicast: false,
  };
}

function timeOptions({ lease, renew, rebind }: LeaseTimes): (readonly [number, Buffer])[] {
  const seconds = (value: number) => {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(value);
    return bytes;
  };
  return [
    [LEASE_TIME, seconds(lease)],
    [RENEWAL_TIME, seconds(renew)],
    [REBINDING_TIME, seconds(rebind)],
  ];
}

/** A server sends the options that the client asks for. A client without a list gets all. */
function askedFor({ options }: BootpMessage, offer: RecordedOffer): [number, Buffer][] {
  const list = options.get(REQUEST_LIST);
  return [...offer.options].filter(
    ([code]) => !OF_ONE_ANSWER.has(code) && (list === undefined || list.includes(code) || UNASKED.has(code)),
  );
}
