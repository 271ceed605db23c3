/** The domains that dnsmasq asks at servers of their own, by its `server=/domain/address` lines. */
import type { SplitFacts, SplitLine } from '../../../config/init/host-facts.ts';
import { changedAfterStart } from '../../../host/files/file-times.ts';
import type { Host } from '../../../host/host.ts';
import type { Process } from '../../../host/process/processes.ts';
import { dnsmasqSources } from '../../../resources/dnsmasq/readers.ts';
import { type DnsmasqLine, dnsmasqLines } from '../../../resources/split/dnsmasq-lines.ts';
import { SPLIT_FILE } from '../../../resources/split/split-view.ts';

/** The folder of further files in Debian's and Fedora's packages. */
const FOLDER = '/etc/dnsmasq.d';
const OPTION = /^(-S|--(server|local|rev-server|servers-file|conf-script)(=|$))/;

/** `process`: null if it does not run. */
export function dnsmasqSplitFacts(host: Host, process: Process | null): SplitFacts {
  const args = process?.arguments ?? [];
  const { folders, ...sources } = dnsmasqSources(host, args);
  const all = process === null && folders.length === 0 ? [{ folder: FOLDER, endings: [] }] : folders;
  const { lines, beyond } = dnsmasqLines(host, { ...sources, folders: all }, (file) => file.includes(SPLIT_FILE));
  const found = lines.flatMap(splitLine).map((one) => ({ ...one, doubt: one.doubt ?? unread(host, one, process) }));
  const option = args.find((arg) => OPTION.test(arg));
  const doubts = [
    ...(process === null ? ['dnsmasq does not run, so its command line is unknown'] : []),
    ...(option === undefined ? [] : [`dnsmasq has ${option} on its command line`]),
    ...(beyond === null ? [] : [`${placeOf(beyond)}: ${beyond.key} names files that init does not follow`]),
    ...lines.flatMap((one) => (one.key === 'servers-file' ? `${placeOf(one)}: ${SERVERS_FILE}` : [])),
    ...lines.flatMap((one) => (one.key === 'conf-script' ? `${placeOf(one)}: init does not run conf-script` : [])),
  ];
  return {
    lines: found.map(({ file: _file, ...line }) => line),
    inactive: doubts[0] ?? null,
    notes: [],
    advice: "dnsmasq's own lines stay in force: when you change an entry here, take its lines out there",
  };
}

const SERVERS_FILE =
  'init does not read a servers-file, and dnsmasq takes only one: write its domains here, take the line out, and uncomment this';

const placeOf = ({ file, line }: DnsmasqLine) => `${file}:${line}`;

/** None for a server of every name. */
function splitLine(one: DnsmasqLine): (SplitLine & { readonly file: string })[] {
  const { file, key, value } = one;
  const place = placeOf(one);
  if (key === 'rev-server')
    return [{ file, place, domains: [value], servers: [], doubt: 'write the domain of the names of its addresses' }];
  const [, domains, server = ''] = /^\/(.*)\/([^/]*)$/.exec(value) ?? [];
  if ((key !== 'server' && key !== 'local') || domains === undefined) return [];
  return [{ file, place, domains: domains.split('/'), servers: [server], doubt: doubtOf(server) }];
}

/** dns.split has neither ports nor ways out. */
function doubtOf(server: string): string | null {
  if (server === '') return 'dnsmasq answers these names itself, and asks no server';
  if (server === '#') return 'dnsmasq asks the servers of every other name';
  if (server.includes('@'))
    return `dnsmasq asks ${server} by one address or interface, and dns.split has no such option`;
  return server.includes('#') ? `dnsmasq asks ${server} at a port, and dns.split has none` : null;
}

function unread(host: Host, { file }: { readonly file: string }, process: Process | null): string | null {
  if (process === null || changedAfterStart(host, file, process) === null) return null;
  return `the file changed after dnsmasq[${process.pid}] started`;
}
