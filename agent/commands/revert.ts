import { resolve } from 'node:path';
import { currentLease, resolvConfWithoutHook } from '../clients/dhclient/leases/leases.ts';
import { clientName, dhcpClients } from '../clients/dhclient/running.ts';
import type { DesiredVerify } from '../config/desired.ts';
import { DEFAULT_FILE, loadConfig } from '../config/load.ts';
import { lockedStanding } from '../daemon/standing.ts';
import { tableKey, WATCHING_TABLES } from '../depends/ledger/our-tables.ts';
import { nullIfRefused } from '../host/errors.ts';
import { Host } from '../host/host.ts';
import { OF_DNS } from '../resources/resource-names.ts';
import { revertAll as revertHost } from '../resources/revert-all.ts';
import type { CommonOptions } from './common-options.ts';
import { openHost, refuseOtherNetwork } from './context/context.ts';
import { EXIT, paint, print, printError, printJson, shown } from './output/output.ts';
import { tellOutcomes } from './output/print-outcomes.ts';

/** The links of the units that are enabled. During a purge the units are gone already, so the links lead nowhere. */
const BOOT_UNITS = ['sysinit.target.wants/holdfast-apply.service', 'timers.target.wants/holdfast.service'].map(
  (link) => `/etc/systemd/system/${link}`,
);

/** Puts back files and values as they were before the first apply, and removes the hooks. Returns the exit status. */
export async function revert(options: CommonOptions): Promise<number> {
  const host = openHost(options);
  refuseOtherNetwork(host);
  const daemon = lockedStanding(host);
  if (daemon?.enforce) {
    printError(
      `agent revert: the daemon (process ${daemon.pid}) would put everything back at once, so nothing is changed. First end it: systemctl stop holdfast`,
    );
    return EXIT.failed;
  }
  const outcomes = await revertHost(host, { only: options.only, verify: await configuredVerify(host, options) });
  const failed = outcomes.some(({ result }) => result === 'failed');
  const changed = outcomes.some(({ result }) => result === 'changed');
  const touchesDns = options.only?.some((name) => OF_DNS.includes(name)) ?? true;
  const renewals = changed && touchesDns ? otherwiseAtRenewal(host) : [];
  if (options.json) printJson({ changed, failed, outcomes, renewals });
  else if (outcomes.length === 0 && !options.quiet)
    print('Nothing to put back: no change by `agent apply` is left on this host.');
  else {
    tellOutcomes(outcomes, options.quiet ?? false, 'as before');
    for (const renewal of options.quiet ? [] : renewals) tellRenewal(renewal);
    if (!options.quiet && options.only === undefined && isAppliedAtBoot(host))
      print(
        `The next boot applies ${DEFAULT_FILE} again. To prevent that, run: systemctl disable holdfast-apply holdfast`,
      );
    if (!options.quiet && daemon !== null && outcomes.some(({ key }) => isWatchingTable(key)))
      print(
        `The daemon (process ${daemon.pid}) holds nothing, but it goes on counting who asks name servers, and makes its tables again. To end that, take retire and ledger out of ${daemon.config ?? DEFAULT_FILE}, or run: systemctl stop holdfast`,
      );
  }
  return failed ? EXIT.failed : EXIT.ok;
}

function isWatchingTable(key: string): boolean {
  return Object.values(WATCHING_TABLES).some((table) => key === tableKey(table));
}

/** null if verify is not configured, or if the configuration is missing or not valid: revert works without it. */
async function configuredVerify(host: Host, { config }: CommonOptions): Promise<DesiredVerify | null> {
  const files = config === undefined ? { files: host } : { files: new Host(), file: resolve(config) };
  const loaded = await loadConfig({ ...files, asRoot: process.geteuid?.() === 0 });
  return loaded.ok ? (loaded.desired.dns?.verify ?? null) : null;
}

/** Whether an enabled service applies the configuration, which still exists. */
function isAppliedAtBoot(host: Host): boolean {
  const enabled = BOOT_UNITS.some((link) => nullIfRefused(() => host.stat(link)) !== null);
  return enabled && nullIfRefused(() => host.stat(DEFAULT_FILE)) !== null;
}

interface Renewal {
  /** "dhclient[812] on eth0". */
  readonly client: string;
  /** ISO 8601; null if the time is unknown. */
  readonly renews: string | null;
  /** The lines that the renewal would write to resolv.conf, and that resolv.conf does not have now. */
  readonly writes: readonly string[];
}

/**
 * Renewals that would change resolv.conf: dhclient keeps the dhclient.conf that it read at its start, and our hook is
 * gone. At a renewal of DHCPv6 the script writes only values that the server has changed.
 */
function otherwiseAtRenewal(host: Host): Renewal[] {
  const there = new Set((readable(host) ?? '').split('\n').map(undotted));
  const clients = dhcpClients(host).filter(({ family }) => family === 4);
  return clients.flatMap((client) =>
    client.interfaces.flatMap((name) => {
      const lease = currentLease(host, client, name);
      const writes = lease === null ? [] : resolvConfWithoutHook(lease).filter((line) => !there.has(undotted(line)));
      if (lease === null || writes.length === 0) return [];
      const renews = lease.renew === null ? null : new Date(lease.renew).toISOString().replace(/\.\d+Z$/, 'Z');
      return [{ client: clientName(client), renews, writes }];
    }),
  );
}

/** The present resolv.conf; null if it is missing or unreadable, which has an outcome of its own. */
function readable(host: Host): string | null {
  try {
    return host.readText('/etc/resolv.conf');
  } catch {
    return null;
  }
}

function tellRenewal({ client, renews, writes }: Renewal): void {
  print(
    paint('yellow', `${shown(client)} still uses the dhclient.conf that it read at its start: `) +
      `at its next renewal${renews === null ? '' : `, ${renews},`} it writes ${shown(writes.join('; '))}. Start it again to end that.`,
  );
}

/** The line without the final dots of names, so that both spellings compare as equal. */
function undotted(line: string): string {
  return line.trim().replace(/\.(?=\s|$)/g, '');
}
