/** Whether name servers answer for a name as the configuration expects it (`dns.verify`), each asked directly. */
import ipaddr from 'ipaddr.js';
import type { DesiredVerify } from '../config/desired.ts';
import { type Answer, ask, type Question } from './ask.ts';

export interface Verdict {
  readonly server: string;
  /** Why it did not answer, as a few words; null: it answered as expected. */
  readonly complaint: string | null;
}

/** All at once: it takes no longer than twice `verify.timeout`. In the order of `servers`. */
export function verifyServers(
  servers: readonly string[],
  verify: DesiredVerify,
  { port }: { port?: number } = {},
): Promise<Verdict[]> {
  const where = { timeout: verify.timeout, ...(port === undefined ? {} : { port }) };
  return Promise.all(
    servers.map(async (server) => {
      const answers = await Promise.all(questions(verify).map((question) => ask(server, question, where)));
      return { server, complaint: complaintOf(answers, verify) };
    }),
  );
}

/** Whether these addresses of the name are what is expected: at least one, and none that is not. */
export function asExpected(addresses: readonly string[], verify: DesiredVerify): boolean {
  const types = recordTypes(verify);
  const concerned = addresses.filter((address) => types.includes(address.includes(':') ? 'AAAA' : 'A'));
  return concerned.length > 0 && unexpected(concerned, verify) === null;
}

/** The first address that lies in none of the networks that are expected; null: all do. */
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

/** What a name server is asked as a proof. */
export function questions(verify: DesiredVerify): Question[] {
  return recordTypes(verify).map((type) => ({ name: verify.name, type }));
}

/** Only what is expected is asked for: of the other family the name may have what it likes. */
function recordTypes({ expect }: DesiredVerify): ('A' | 'AAAA')[] {
  const isV6 = (network: string) => network.includes(':');
  return [
    ...(expect?.every(isV6) ? [] : (['A'] as const)),
    ...(expect === null || expect.some(isV6) ? (['AAAA'] as const) : []),
  ];
}

/**
 * Why these answers are no proof, as a few words, or null. One address of one family is enough, where none is wrong: a
 * server that knows only the other one may refuse a question (dnsmasq without an upstream does), and the C library takes
 * what there is, too.
 */
export function complaintOf(answers: readonly Answer[], verify: DesiredVerify): string | null {
  const addresses = answers.flatMap((answer) => (answer.kind === 'answer' ? answer.values : []));
  const wrong = unexpected(addresses, verify);
  if (wrong !== null) return `${wrong}, not in ${verify.expect?.join(', ')}`;
  if (addresses.length > 0) return null;
  const failed = answers.map((answer) => failure(answer, verify.timeout)).find((complaint) => complaint !== null);
  return failed ?? `no address for ${verify.name}`;
}

/** Why it is no answer at all, as a few words, or null. @param timeout milliseconds that were waited for it. */
export function failure(answer: Answer, timeout: number): string | null {
  switch (answer.kind) {
    case 'silent':
      return `no answer within ${timeout / 1000} s by UDP, nor by TCP`;
    case 'garbled':
      return 'what it answers is not an answer to the question';
    case 'unreachable':
      return UNREACHABLE[answer.code] ?? `cannot be reached (${answer.code})`;
    case 'answer':
      return answer.rcode === 'NOERROR' ? null : answer.rcode;
  }
}

const UNREACHABLE: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'no answer by UDP, and no name server listens there by TCP',
  ECONNRESET: 'no answer by UDP, and it closes the connection by TCP',
  EHOSTUNREACH: 'no host at that address, or a firewall (EHOSTUNREACH)',
  ENETUNREACH: 'no route to it (ENETUNREACH)',
};
