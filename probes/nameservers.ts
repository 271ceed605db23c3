/** Whether each name server answers, asked directly and not through the C library, and how soon. */
import { Resolver } from 'node:dns/promises';
import type { DesiredDns, SortlistEntry } from '../agent/config/desired.ts';
import { errorCode } from '../agent/host/errors.ts';
import type { Host } from '../agent/host/host.ts';
import { effectiveValues, RESOLV_CONF } from '../agent/resolver/resolv-conf.ts';
import { type Condition, type Probe, type Reading, sample } from './probe.ts';

/** Milliseconds between questions: one small packet to each server. */
const INTERVAL = 30_000;

/** Milliseconds to wait for an answer; libc waits 5 s for the first server unless told otherwise. */
const TIME_LIMIT = 1_500;

/** Of c-ares: the server is there and says that there is no such name, or no such record. */
const ANSWERS = new Set(['ENOTFOUND', 'ENODATA']);

const SILENT = `does not answer within ${TIME_LIMIT / 1000} s`;

/** After these, as after silence, the C library turns to the next server (resolv.conf(5)). */
const REASONS: Readonly<Record<string, string>> = {
  ETIMEOUT: SILENT,
  ECANCELLED: SILENT,
  ECONNREFUSED: 'refuses the connection: no name server listens there',
  EREFUSED: 'refuses to answer this host',
  ESERVFAIL: 'fails to answer (SERVFAIL)',
  ENOTIMP: 'does not know how to answer (NOTIMP)',
};

/**
 * Those that are configured, else those of resolv.conf. They are asked for the address of the first configured domain, which
 * they have to know, else for the root's name servers, which every resolver knows.
 */
export function nameserversProbe(host: Host, dns: DesiredDns<SortlistEntry> | null): Probe {
  return {
    name: 'nameservers',
    cost: 'constant',
    interval: INTERVAL,
    async read() {
      const servers = dns?.nameservers ?? effectiveValues(host.readText(RESOLV_CONF) ?? '', 'nameserver') ?? [];
      const domain = dns?.search?.[0] ?? dns?.domain ?? '.';
      // The resolver drops the interface of a link-local address: of such a server nothing is known.
      const askable = [...new Set(servers)].filter((server) => !server.includes('%'));
      const asked = await Promise.all(askable.map((server) => ask(server, domain)));
      return asked.flat();
    },
  };
}

async function ask(server: string, domain: string): Promise<Reading[]> {
  const attributes = { 'server.address': server };
  const started = performance.now();
  // A new one each time: c-ares remembers answers, and servers that failed. Its own time limit is not kept to the second.
  const resolver = new Resolver({ timeout: TIME_LIMIT, tries: 1 });
  const timer = setTimeout(() => resolver.cancel(), TIME_LIMIT);
  try {
    resolver.setServers([server]);
    await (domain === '.' ? resolver.resolveNs('.') : resolver.resolve4(domain));
  } catch (error) {
    const code = errorCode(error) ?? String(error);
    if (!ANSWERS.has(code)) {
      return [
        sample('holdfast.nameserver.up', 0, attributes),
        down(server, REASONS[code] ?? `does not answer: ${code}`),
      ];
    }
  } finally {
    clearTimeout(timer);
  }
  const duration = (performance.now() - started) / 1000;
  return [
    sample('holdfast.nameserver.up', 1, attributes),
    sample('holdfast.nameserver.duration', duration, attributes),
  ];
}

function down(server: string, reason: string): Condition {
  return {
    kind: 'condition',
    code: 'nameserver-down',
    severity: 'warn',
    body: `The name server ${server} ${reason}.`,
    attributes: { 'server.address': server },
  };
}
