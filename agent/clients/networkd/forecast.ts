/** Forecasts the next lease of systemd-networkd, by its file of the present lease, and says whether its files changed. */
import type { ConfiguredState } from '../../config/desired.ts';
import { changedAfterStart } from '../../host/files/file-times.ts';
import type { IniLine } from '../../host/files/ini.ts';
import type { Host } from '../../host/host.ts';
import type { Process } from '../../host/process/processes.ts';
import { linksWithDynamicSix } from '../dynamic-six.ts';
import {
  decidedFor,
  type HoldsAtLease,
  type LeaseForecast,
  type LeaseValues,
  valuesWithHeld,
} from '../lease-forecast.ts';
import { linkNames } from '../link-names.ts';
import { linkSix } from './dhcp6-lease.ts';
import { isOurDropIn } from './drop-in.ts';
import { spanSeconds } from './known-leases.ts';
import {
  NETWORKD_LEASES,
  type NetworkdLink,
  networkdLinks,
  networkdVariables,
  networkdWords,
} from './managed-links.ts';
import { asksDhcp } from './match.ts';
import { networkLines, SYSTEMD_FOLDERS } from './network-lines.ts';
import { timeBehind, wasToldTime } from './time-servers.ts';
import { lastReload } from './unread-files.ts';

export async function networkdForecasts(
  host: Host,
  desired: ConfiguredState,
  holds: HoldsAtLease,
): Promise<LeaseForecast[]> {
  const [process] = host.processes('systemd-network', 'network');
  if (process === undefined) return [];
  const names = linkNames(host);
  const links = networkdLinks(host);
  let known: number | undefined;
  // journalctl(1) may read the journal of the whole boot.
  const reloaded = () => (known ??= lastReload(host));
  const forecast = (link: NetworkdLink, lines: readonly IniLine[], lease: LeaseOfLink): LeaseForecast => ({
    pid: process.pid,
    interface: link.name,
    ...lease,
    with: withTold(host, link, valuesWithHeld(lease.without, decidedFor(desired, link.name), holds), desired),
    stale: staleFiles(host, process, lines, reloaded),
  });
  const four = host.list(NETWORKD_LEASES).flatMap((index): LeaseForecast[] => {
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
    const renews = renewal(values, host.stat(file)?.mtimeMs ?? null);
    return [forecast(link, lines, { family: 4, address: values.get('ADDRESS') ?? null, renews, without })];
  });
  const dynamic = linksWithDynamicSix(host);
  const six = links.flatMap((link): LeaseForecast[] => {
    const lines = networkLines(host, link.networkFile);
    // A router can send a link to DHCPv6 that its file does not name.
    const mayHave = asksDhcp(lines).ipv6 || dynamic.has(link.name);
    // With a lease, the advertisements come beside it.
    const [six, advertised] = mayHave ? linkSix(host, link.name) : [];
    if (six === undefined) return [];
    const address = six.address ?? advertised?.address ?? null;
    const { renews, nameservers, search, ntp, routers } = six;
    return [forecast(link, lines, { family: 6, address, renews, without: { nameservers, search, ntp, routers } })];
  });
  return [...four, ...six];
}

type LeaseOfLink = Pick<LeaseForecast, 'family' | 'address' | 'renews' | 'without'>;

/** Time servers that it was told come first at each lease, also where it lists the lease's behind them. */
function withTold(host: Host, link: NetworkdLink, values: LeaseValues, desired: ConfiguredState): LeaseValues {
  const told = decidedFor(desired, link.name).ntp?.find((one) => one.values !== null)?.values ?? null;
  if (told === null || !wasToldTime(host, link.name, told)) return values;
  return { ...values, ntp: [...told, ...timeBehind(host, link, told)] };
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

/** null if it has read the present files. Our own drop-ins change only right before its start. */
function staleFiles(host: Host, process: Process, lines: readonly IniLine[], reloaded: () => number): string | null {
  const own = SYSTEMD_FOLDERS.flatMap((folder) => [
    `${folder}/systemd/networkd.conf`,
    ...host
      .list(`${folder}/systemd/networkd.conf.d`)
      .filter((name) => name.endsWith('.conf'))
      .map((name) => `${folder}/systemd/networkd.conf.d/${name}`),
  ]);
  const networks = new Set(lines.map(({ file }) => file).filter((file) => !isOurDropIn(file)));
  const changed = (files: readonly string[]) =>
    files.flatMap((file) => {
      const time = changedAfterStart(host, file, process);
      return time === null ? [] : [{ file, time }];
    });
  const edited = changed([...networks]);
  const unread = edited.filter(({ time }) => time > reloaded());
  const sentences = [
    [unread, 'reads it at "networkctl reload"'],
    [changed(own), 'reads it only at its next start'],
  ] as const;
  const found = sentences.filter(([files]) => files.length > 0);
  if (found.length === 0) return null;
  return found
    .map(
      ([files, when]) =>
        `${files.map(({ file }) => file).join(', ')} changed after its start; systemd-networkd ${when}`,
    )
    .join('; ');
}
