/** What the next lease of systemd-networkd brings, by its file of the present lease, and whether its files changed. */
import type { ConfiguredState } from '../../config/desired.ts';
import { changedAfterStart } from '../../host/files/file-times.ts';
import type { IniLine } from '../../host/files/ini.ts';
import type { Host } from '../../host/host.ts';
import type { Process } from '../../host/process/processes.ts';
import {
  decidedFor,
  type HoldsAtLease,
  type LeaseForecast,
  type LeaseValues,
  valuesWithHeld,
} from '../lease-forecast.ts';
import { linkNames } from '../link-names.ts';
import { isOurDropIn } from './drop-in.ts';
import { spanSeconds } from './known-leases.ts';
import { NETWORKD_LEASES, networkdLinks, networkdVariables, networkdWords } from './managed-links.ts';
import { networkLines, SYSTEMD_FOLDERS } from './network-lines.ts';

export async function networkdForecasts(
  host: Host,
  desired: ConfiguredState,
  holds: HoldsAtLease,
): Promise<LeaseForecast[]> {
  const [process] = host.processes('systemd-network', 'network');
  if (process === undefined) return [];
  const names = linkNames(host);
  const links = networkdLinks(host);
  return host.list(NETWORKD_LEASES).flatMap((index) => {
    const file = `${NETWORKD_LEASES}/${index}`;
    const text = host.readText(file);
    const link = links.find(({ name }) => name === names.get(index));
    if (text === null || link === undefined) return [];
    const values = networkdVariables(text);
    const lines = networkLines(host, link.networkFile);
    const without = valuesOf(
      values,
      lines.filter((line) => !isOurDropIn(line.file)),
    );
    return [
      {
        pid: process.pid,
        interface: link.name,
        family: 4,
        address: values.get('ADDRESS') ?? null,
        renews: renewal(values, host.stat(file)?.mtimeMs ?? null),
        without,
        with: valuesWithHeld(without, decidedFor(desired, link.name), holds),
        stale: staleFiles(host, process, lines),
      },
    ];
  });
}

/** systemd-networkd writes the file at each lease, and shifts the renewal by up to a second. */
function renewal(values: ReadonlyMap<string, string>, written: number | null): number | null {
  const seconds = spanSeconds(values.get('T1') ?? '');
  return seconds === null || written === null ? null : written + seconds * 1000;
}

/** The values of the files and the offer, as systemd-networkd combines them (systemd.network(5)). */
function valuesOf(lease: ReadonlyMap<string, string>, lines: readonly IniLine[]): LeaseValues {
  const offered = (key: string, isUsed: boolean) => (isUsed ? networkdWords(lease.get(key)) : []);
  const uses = (key: string, otherwise: boolean) => {
    // Before systemd 248 the section was [DHCP].
    const line = lines.findLast((one) => /^DHCP(v4)?$/.test(one.section ?? '') && one.key === key);
    return line === undefined ? otherwise : /^(yes|true|on|y|t|1)$/i.test(line.value);
  };
  const fixed = (key: string) => listOf(lines, key);
  const gateways = uses('UseGateway', uses('UseRoutes', true));
  return {
    nameservers: [...fixed('DNS'), ...offered('DNS', uses('UseDNS', true))],
    search: [
      ...fixed('Domains').filter((domain) => !domain.startsWith('~')),
      ...(uses('UseDomains', false)
        ? [lease.get('DOMAINNAME') ?? '', ...networkdWords(lease.get('DOMAIN_SEARCH_LIST'))]
        : []),
    ].filter((domain) => domain !== ''),
    routers: offered('ROUTER', gateways),
    ntp: [...fixed('NTP'), ...offered('NTP', uses('UseNTP', true))],
  };
}

/** An empty assignment forgets the earlier values. */
function listOf(lines: readonly IniLine[], key: string): string[] {
  const values = lines.filter((line) => line.section === 'Network' && line.key === key).map(({ value }) => value);
  return values.slice(values.lastIndexOf('') + 1).flatMap((value) => networkdWords(value));
}

/** A reload leaves no trace that every version of systemd has, so the sentence names both ways of reading. */
function staleFiles(host: Host, process: Process, lines: readonly IniLine[]): string | null {
  const own = SYSTEMD_FOLDERS.flatMap((folder) => [
    `${folder}/systemd/networkd.conf`,
    ...host
      .list(`${folder}/systemd/networkd.conf.d`)
      .filter((name) => name.endsWith('.conf'))
      .map((name) => `${folder}/systemd/networkd.conf.d/${name}`),
  ]);
  const files = [...new Set([...lines.map(({ file }) => file), ...own])];
  const changed = files.filter((file) => changedAfterStart(host, file, process) !== null);
  if (changed.length === 0) return null;
  return `${changed.join(', ')} changed after its start; systemd-networkd reads .network files at "networkctl reload" and networkd.conf at its next start`;
}
