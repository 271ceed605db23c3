/** The services that the C library asks for host names before the servers of resolv.conf. */
import type { Host } from '../../host/host.ts';
import { caresForDns, type DoctorObservation, type DoctorSurroundings } from '../doctor-check.ts';
import { type Line, statements } from '../numbered-lines.ts';
import { heldByResolved } from './resolved-check.ts';

export const NAME_DAEMONS = ['nscd'] as const;

const NSSWITCH = '/etc/nsswitch.conf';

export function* nameServiceCheck(around: DoctorSurroundings): Iterable<DoctorObservation> {
  if (!caresForDns(around)) return;
  yield* earlierServices(around);
  const nscd = around.daemons.get('nscd');
  if (nscd !== undefined) yield { code: 'HF-NSCD', seen: `nscd[${nscd}] runs` };
}

export interface HostsLine extends Line {
  /** The services, and actions in brackets, before dns; all of them if dns is missing. */
  readonly before: readonly string[];
  readonly dns: boolean;
}

/** If nsswitch.conf(5) has several hosts lines, glibc takes the last. Without any line (null) it asks dns and files. */
export function hostsLine(host: Host): HostsLine | null {
  const line = statements(host, NSSWITCH).findLast(({ text }) => /^hosts\s*:/.test(text));
  if (line === undefined) return null;
  const words: string[] =
    line.text
      .replace(/#.*/, '')
      .replace(/^hosts\s*:/, '')
      .match(/\[[^\]]*\]|[^\s[]+/g) ?? [];
  const dns = words.indexOf('dns');
  return { ...line, before: words.slice(0, dns === -1 ? words.length : dns), dns: dns !== -1 };
}

function* earlierServices(around: DoctorSurroundings): Iterable<DoctorObservation> {
  const line = hostsLine(around.host);
  if (line === null) return;
  const service = line.before.find((word) => EARLIER.has(word));
  if (!line.dns && service === undefined) yield { code: 'HF-NSS-NO-DNS', seen: `${line.at}: ${line.text}` };
  for (const word of line.before) {
    const answers = EARLIER.get(word);
    if (answers === undefined) continue;
    yield {
      code: 'HF-NSS-ORDER',
      seen: `${line.at}: ${line.text} – ${word} ${answers}`,
      // Names of containers and `.local` rarely come from DNS, and systemd-resolved may hold the wanted settings.
      ...(word === 'resolve' && !heldByResolved(around) ? {} : { severity: 'note' }),
    };
  }
}

const EARLIER: ReadonlyMap<string, string> = new Map([
  ['resolve', 'has systemd-resolved answer, with neither sortlist nor options of resolv.conf'],
  ['mymachines', 'answers for containers of systemd-machined'],
  ['mdns', 'asks the local network for every name'],
  ['mdns4', 'asks the local network for every name'],
  ['mdns6', 'asks the local network for every name'],
  ['mdns_minimal', 'asks the local network for names that end in .local'],
  ['mdns4_minimal', 'asks the local network for names that end in .local'],
  ['mdns6_minimal', 'asks the local network for names that end in .local'],
  ['wins', 'asks for NetBIOS names'],
]);
