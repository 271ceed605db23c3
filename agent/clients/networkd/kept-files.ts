/**
 * The files for the next systemd-networkd: a drop-in for each `.network` file that may apply to a link, and the drop-in
 * for its service that puts them in place (agent/clients/networkd/drop-in.ts).
 */
import type { DesiredDns } from '../../config/desired.ts';
import { applyFile, removeWithFolder } from '../../hold/files/apply-file.ts';
import { compareFile } from '../../hold/files/compare-file.ts';
import type { Finding, Outcome, SettingState } from '../../hold/resource.ts';
import { HostError } from '../../host/errors.ts';
import type { Host } from '../../host/host.ts';
import { answersAfterStart, linksWithServers, resolvedLinks } from '../resolved.ts';
import { DNS_DROP_INS, dropInSetOf, keptDropIn, laterDropIns, renderDropIn } from './drop-in.ts';
import { namesOfNextStart, networkNames } from './match.ts';

/** The settings at boot with these name servers and domains; null if the settings are not held. */
type Settings = (servers: readonly string[] | null, domains: readonly string[] | null) => SettingState[];

export class NetworkdFiles {
  private readonly host: Host;
  private readonly dns: DesiredDns;
  private readonly settings: Settings;

  constructor(host: Host, dns: DesiredDns, settings: Settings) {
    this.host = host;
    this.dns = dns;
    this.settings = settings;
  }

  async inspect(): Promise<Finding[]> {
    const wanted = renderDropIn(this.dns);
    const names = this.names();
    if (names.length === 0) return [];
    const kept = names.map((name) => this.compare(keptDropIn(name), wanted, laterDropIns(this.host, name)));
    const service = this.compare(DNS_DROP_INS.service, wanted === null ? null : DNS_DROP_INS.serviceText, []);
    return (await Promise.all([...kept, service])).filter((finding) => finding !== null);
  }

  watches(): string[] {
    const names = this.names();
    return names.length === 0 ? [] : [...names.map((name) => keptDropIn(name)), DNS_DROP_INS.service];
  }

  /** `.network` files, by name; empty if systemd-networkd does not affect this host's name servers. */
  private names(): string[] {
    const { host, dns } = this;
    const all = resolvedLinks(host, dns);
    const links = linksWithServers(all);
    if (links.length > 0) return networkNames(host, links, all);
    return answersAfterStart(host, dns) ? namesOfNextStart(host) : [];
  }

  private compare(file: string, wanted: string | null, later: readonly string[]): Promise<Finding | null> {
    return compareNetworkdFile(this.host, file, wanted, (actual) => {
      if (actual !== wanted) {
        const reason =
          actual === null
            ? 'no drop-in of Holdfast holds it yet for the next start of systemd-networkd'
            : `${file} is of another configuration, or was changed`;
        return this.settings(null, null).map((one) => ({ ...one, reason }));
      }
      const { domain, search, nameservers } = this.dns;
      const settings = this.settings(nameservers, search ?? (domain === null ? null : [domain]));
      if (later.length === 0) return settings;
      const reason = `files after the drop-in have the last word (${later.join(', ')})`;
      return settings.map((one) => ({ ...one, state: 'unknown', reason }));
    });
  }
}

/** null if the file is absent and not wanted. */
export function compareNetworkdFile(
  host: Host,
  key: string,
  wanted: string | null,
  settings: (actual: string | null) => SettingState[],
): Promise<Finding | null> {
  return compareFile(host, { resource: dropInSetOf(key).resource, key, moment: 'boot' }, (actual) => {
    if (wanted === null && actual === null) return null;
    return { wanted, settings: async () => settings(actual) };
  });
}

export async function applyNetworkdFile(host: Host, finding: Finding): Promise<Outcome> {
  const outcome = await applyFile(host, finding);
  if (finding.wanted === null) removeWithFolder(host, finding.key);
  const { service } = dropInSetOf(finding.key);
  if (finding.key !== service || outcome.result !== 'changed') return outcome;
  try {
    readUnitsAgain(host);
  } catch (error) {
    // The file is removed again, so that the next apply tries again.
    if (finding.actual === null) removeWithFolder(host, service);
    else {
      host.makeFolder(service.slice(0, service.lastIndexOf('/')), 0o755);
      host.replace(service, finding.actual);
    }
    throw error;
  }
  return outcome;
}

/**
 * Makes systemd read its unit files again, which starts, stops and restarts nothing. Throws HostError. If systemd does
 * not run, as below another root, it reads them at its start.
 */
export function readUnitsAgain(host: Host): void {
  if (!host.live || host.stat('/run/systemd/system') === null) return;
  const { status, stderr, error } = host.run('systemctl', ['daemon-reload']);
  if (status !== 0) throw new HostError('ESYSTEMD', `systemctl daemon-reload: ${error ?? stderr.trim()}`);
}
