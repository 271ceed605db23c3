/**
 * Asks each name server directly, not through the C library: whether the server answers, how soon, and whether
 * correctly.
 */
import type { DesiredDns, DesiredVerify, SortlistEntry } from '../agent/config/desired.ts';
import { MAX_NAMESERVERS } from '../agent/config/notation/limits.ts';
import { askNameServer, type DnsAnswer } from '../agent/dns/ask.ts';
import type { DnsQuestion } from '../agent/dns/dns-message.ts';
import { complaintOf, failure, questions, wayOf } from '../agent/dns/verify.ts';
import type { Host } from '../agent/host/host.ts';
import { effectiveValues } from '../agent/resolver/libc-reading.ts';
import { RESOLV_CONF } from '../agent/resolver/resolv-conf.ts';
import { type Condition, type Probe, type Reading, sample } from './probe.ts';

/** Milliseconds between questions: one small packet to each server. */
const INTERVAL = 30_000;

/**
 * Milliseconds to wait for an answer. libc waits 5 s for the first server by default. `dns.verify` may set a longer
 * time.
 */
const TIMEOUT = 1_500;

/**
 * After the first of these answers the C library gives up. After the other three, as after silence, it asks the next
 * server (resolv.conf(5)).
 */
const USELESS: Readonly<Record<string, string>> = {
  FORMERR: 'it does not understand the question (FORMERR)',
  REFUSED: 'it refuses to answer this host (REFUSED)',
  SERVFAIL: 'it fails to answer (SERVFAIL)',
  NOTIMP: 'it does not know how to answer (NOTIMP)',
};

/**
 * The probe asks the configured servers; without them, those of resolv.conf. With `dns.verify` it asks that question
 * and compares the answer: a wrong answer is reported and changes nothing. Without `verify` it asks for the address of
 * the first configured domain, which the servers must know. Without a domain it asks for the root's name servers, which
 * every resolver knows.
 */
export function nameserversProbe(
  host: Host,
  dns: DesiredDns<SortlistEntry> | null,
  { port }: { port?: number } = {},
): Probe {
  const verify = dns?.verify ?? null;
  const timeout = verify?.timeout ?? TIMEOUT;
  const asked = verify === null ? [usual(dns?.search?.[0] ?? dns?.domain ?? null)] : questions(verify);
  return {
    name: 'nameservers',
    cost: 'constant',
    interval: INTERVAL,
    timeLimit: 2 * timeout + 1_000,
    async read() {
      const text = host.readTextUnlessAstray(RESOLV_CONF) ?? '';
      const servers = dns?.nameservers ?? serversOf(text);
      const way = wayOf(dns?.options ?? effectiveValues(text, 'options') ?? []);
      const readings = [...new Set(servers)].map(async (server) => {
        const started = performance.now();
        const where = { timeout, ...way, ...(port === undefined ? {} : { port }) };
        const answers = await askNameServer(server, asked, where);
        const duration = (performance.now() - started) / 1000;
        const useless = answers.map((answer) => uselessness(answer, timeout));
        // A server that supports only one family may refuse questions for the second.
        const [reason = null] = useless.includes(null) ? [] : useless;
        return reason === null ? up(server, duration, answers, verify) : down(server, reason);
      });
      return (await Promise.all(readings)).flat();
    },
  };
}

/** The servers that libc asks: the first three, or the host itself if there is none (resolv.conf(5)). */
function serversOf(text: string): readonly string[] {
  const servers = effectiveValues(text, 'nameserver');
  return servers?.length === 0 ? ['127.0.0.1'] : (servers ?? []).slice(0, MAX_NAMESERVERS);
}

function usual(domain: string | null): DnsQuestion {
  return domain === null ? { name: '', type: 'NS' } : { name: domain, type: 'A' };
}

/** Why the C library cannot use this answer; null if it can. "No such name" is a usable answer. */
function uselessness(answer: DnsAnswer, timeout: number): string | null {
  if (answer.kind === 'answer' && !answer.onlyByTcp) return USELESS[answer.rcode] ?? null;
  return failure(answer, timeout);
}

function up(server: string, duration: number, answers: readonly DnsAnswer[], verify: DesiredVerify | null): Reading[] {
  const attributes = { 'server.address': server };
  const readings = [
    sample('holdfast.nameserver.up', 1, attributes),
    sample('holdfast.nameserver.duration', duration, attributes),
  ];
  if (verify === null) return readings;
  const complaint = complaintOf(answers, verify);
  const verified = sample('holdfast.nameserver.verified', complaint === null ? 1 : 0, attributes);
  return [...readings, verified, ...(complaint === null ? [] : [lying(server, complaint, verify)])];
}

function lying(server: string, complaint: string, { name }: DesiredVerify): Condition {
  return {
    kind: 'condition',
    code: 'nameserver-lying',
    severity: 'error',
    body: `The name server ${server} does not answer for ${name} as dns.verify expects: ${complaint}. This host still asks it.`,
    attributes: { 'server.address': server },
  };
}

function down(server: string, reason: string): Reading[] {
  const attributes = { 'server.address': server };
  return [
    sample('holdfast.nameserver.up', 0, attributes),
    {
      kind: 'condition',
      code: 'nameserver-down',
      severity: 'warn',
      body: `The name server ${server} is of no use to this host: ${reason}.`,
      attributes,
    },
  ];
}
