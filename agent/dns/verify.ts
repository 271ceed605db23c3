/**
 * Whether name servers answer for a name as the configuration expects (`dns.verify`). Each server is asked directly.
 */
import ipaddr from 'ipaddr.js';
import type { IpAddress, Prefix } from '../address/accepted.ts';
import { familyOf } from '../address/address.ts';
import type { DesiredVerify } from '../config/desired.ts';
import { type AskOptions, askNameServer, type DnsAnswer } from './ask.ts';
import type { DnsQuestion } from './dns-message.ts';

export interface DnsVerdict {
  readonly server: string;
  /** Why the server's answer is no proof, in a few words; null if the server answered as expected. */
  readonly complaint: string | null;
  /** The C library would believe the server's wrong answer, and ask no further server. */
  readonly misleads: boolean;
}

export interface VerifyOptions {
  /** The options of the future resolv.conf. */
  readonly options?: readonly string[];
  readonly port?: number;
}

/**
 * The complaint about a server that had not answered yet when too many others had failed. Such a server may be good.
 */
export const NOT_WAITED_FOR = 'not waited for';

/**
 * Asks all servers at once, so it takes no longer than `verify.timeout`, or twice that after a truncated answer. It
 * ends as soon as fewer than `verify.quorum` servers can still answer. The results are in the order of `servers`.
 */
export async function verifyServers(
  servers: readonly string[],
  verify: DesiredVerify,
  { options = [], port }: VerifyOptions = {},
): Promise<DnsVerdict[]> {
  const lost = new AbortController();
  const way: AskOptions = {
    timeout: verify.timeout,
    ...wayOf(options),
    signal: lost.signal,
    ...(port === undefined ? {} : { port }),
  };
  let answering = servers.length;
  return Promise.all(
    servers.map(async (server) => {
      const answers = await askNameServer(server, questions(verify), way);
      if (lost.signal.aborted) return { server, complaint: NOT_WAITED_FOR, misleads: false };
      const complaint = complaintOf(answers, verify);
      if (complaint === null) return { server, complaint, misleads: false };
      answering -= 1;
      if (answering < verify.quorum) lost.abort();
      return { server, complaint, misleads: answers.some(isBelieved) };
    }),
  );
}

/** The way in which the C library asks with these options of resolv.conf. */
export function wayOf(options: readonly string[]): Required<Pick<AskOptions, 'transport' | 'edns0'>> {
  return { transport: options.includes('use-vc') ? 'tcp' : 'udp', edns0: options.includes('edns0') };
}

/**
 * The server whose wrong answer this host would believe, although others answer rightly; null if there is none. The C
 * library believes the first server that answers at all. With `rotate` it begins with another server each time.
 */
export function misleading(verdicts: readonly DnsVerdict[], options: readonly string[]): DnsVerdict | null {
  const heard = verdicts.filter(({ complaint, misleads }) => complaint === null || misleads);
  return (options.includes('rotate') ? heard : heard.slice(0, 1)).find(({ misleads }) => misleads) ?? null;
}

/** After any other answer the C library asks no further server (measured with glibc 2.36). */
const PASSED_ON: readonly string[] = ['SERVFAIL', 'NOTIMP', 'REFUSED'];

function isBelieved(answer: DnsAnswer): boolean {
  return answer.kind === 'answer' && !answer.onlyByTcp && !PASSED_ON.includes(answer.rcode);
}

/** Whether these addresses are as expected: at least one address, and no unexpected address. */
export function asExpected(addresses: readonly IpAddress[], verify: DesiredVerify): boolean {
  const types = recordTypes(verify);
  const concerned = addresses.filter((address) => types.includes(familyOf(address) === 'ipv6' ? 'AAAA' : 'A'));
  return concerned.length > 0 && unexpected(concerned, verify) === null;
}

/** The first address outside all expected networks; null if there is none. */
export function unexpected(addresses: readonly string[], { expect }: DesiredVerify): string | null {
  if (expect === null) return null;
  const networks = expect.map((network) => ipaddr.parseCIDR(network));
  const isExpected = (address: string) => {
    if (!ipaddr.isValid(address)) return false;
    const parsed = ipaddr.parse(address);
    return networks.some(([network, bits]) => parsed.kind() === network.kind() && parsed.match([network, bits]));
  };
  return addresses.find((address) => !isExpected(address)) ?? null;
}

/** The questions that a name server must answer as a proof. */
export function questions(verify: DesiredVerify): DnsQuestion[] {
  return recordTypes(verify).map((type) => ({ name: verify.name, type }));
}

/** Asks only for expected families. Addresses of the other family do not matter. */
function recordTypes({ expect }: DesiredVerify): ('A' | 'AAAA')[] {
  const isV6 = (network: Prefix) => familyOf(network) === 'ipv6';
  return [
    ...(expect?.every(isV6) ? [] : (['A'] as const)),
    ...(expect === null || expect.some(isV6) ? (['AAAA'] as const) : []),
  ];
}

/**
 * Why these answers are no proof, in a few words; null if they are. An address of one family is enough, if no address
 * is wrong. A server that knows only one family may refuse the other question, as dnsmasq without an upstream does. The
 * C library also uses a partial result.
 */
export function complaintOf(answers: readonly DnsAnswer[], verify: DesiredVerify): string | null {
  const addresses = answers.flatMap((answer) => (answer.kind === 'answer' ? answer.values : []));
  const wrong = unexpected(addresses, verify);
  if (wrong !== null) return `${wrong}, not in ${verify.expect?.join(', ')}`;
  const usable = answers.some((answer) => answer.kind === 'answer' && !answer.onlyByTcp && answer.values.length > 0);
  if (usable) return null;
  const failed = answers.map((answer) => failure(answer, verify.timeout)).find((complaint) => complaint !== null);
  return failed ?? `no address for ${verify.name}`;
}

/**
 * Why the C library gets nothing from this answer, in a few words; null if it gets an address.
 * @param timeout the waiting time in milliseconds.
 */
export function failure(answer: DnsAnswer, timeout: number): string | null {
  if (answer.kind === 'answer') {
    if (answer.onlyByTcp) return ONLY_BY_TCP;
    return answer.rcode === 'NOERROR' ? null : answer.rcode;
  }
  const { tcp } = answer;
  const begin = tcp === 'after-truncation' ? 'its answer by UDP is truncated, and by TCP ' : '';
  switch (answer.kind) {
    case 'silent':
      if (tcp === undefined) return `no answer within ${timeout / 1000} s by UDP, nor by TCP`;
      return `${begin}no answer within ${timeout / 1000} s${begin === '' ? ' by TCP' : ''}`;
    case 'referral':
      return `${begin}it refers to other name servers and looks nothing up itself`;
    case 'unpaired':
      return `${begin}it answers one of the two questions of a look-up (A and AAAA) and not the other${begin === '' ? ' by TCP' : ''}`;
    case 'garbled':
      return `${begin}what it answers is not an answer to the question`;
    case 'unreachable': {
      const noService = NO_SERVICE[answer.code];
      if (noService !== undefined)
        return tcp === undefined
          ? `no answer by UDP, and ${noService} by TCP`
          : `${begin}${noService}${begin === '' ? ' by TCP' : ''}`;
      return `${begin}${UNREACHABLE[answer.code] ?? `cannot be reached (${answer.code})`}`;
    }
  }
}

const ONLY_BY_TCP = 'it answers only by TCP, and the C library asks by UDP (the option use-vc has it ask by TCP)';

const NO_SERVICE: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'no name server listens there',
  ECONNRESET: 'it closes the connection',
};

const UNREACHABLE: Readonly<Record<string, string>> = {
  EHOSTUNREACH: 'no host at that address, or a firewall (EHOSTUNREACH)',
  ENETUNREACH: 'no route to it (ENETUNREACH)',
  ENODEV: 'this host has no interface of that name with an IPv6 address (ENODEV)',
};
