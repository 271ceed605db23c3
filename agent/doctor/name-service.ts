/** What the C library asks for host names before it asks the servers of resolv.conf. */
import { caresForDns, type Seen, type Surroundings } from './check.ts';
import { statements } from './lines.ts';

export const NAME_DAEMONS = ['nscd'] as const;

const NSSWITCH = '/etc/nsswitch.conf';

export function* nameService(around: Surroundings): Iterable<Seen> {
  if (!caresForDns(around)) return;
  yield* hostsLine(around);
  const nscd = around.daemons.get('nscd');
  if (nscd !== undefined) yield { code: 'HF-NSCD', seen: `nscd[${nscd}] runs` };
}

/** Of several hosts lines glibc takes the last; without any it asks dns and files. */
function* hostsLine({ host }: Surroundings): Iterable<Seen> {
  const line = statements(host, NSSWITCH).findLast(({ text }) => /^hosts\s*:/.test(text));
  if (line === undefined) return;
  const words: string[] =
    line.text
      .replace(/#.*/, '')
      .replace(/^hosts\s*:/, '')
      .match(/\[[^\]]*\]|[^\s[]+/g) ?? [];
  const dns = words.indexOf('dns');
  const before = words.slice(0, dns === -1 ? words.length : dns);
  const service = before.find((word) => EARLIER.has(word));
  if (dns === -1 && service === undefined) yield { code: 'HF-NSS-NO-DNS', seen: `${line.at}: ${line.text}` };
  for (const word of before) {
    const answers = EARLIER.get(word);
    if (answers === undefined) continue;
    yield {
      code: 'HF-NSS-ORDER',
      seen: `${line.at}: ${line.text} – ${word} ${answers}`,
      // The names of containers and `.local` are hardly meant to come from DNS.
      ...(word === 'resolve' ? {} : { severity: 'note' }),
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
