/**
 * The files for the next systemd-networkd: a drop-in for each `.network` file that may apply to a link, and the drop-in
 * for its service that puts them in place (agent/clients/networkd/drop-in.ts).
 */
import {
  keptDropIn,
  laterDropIns,
  renderDropIn,
  SERVICE_DROP_IN,
  SERVICE_DROP_IN_TEXT,
} from '../../clients/networkd/drop-in.ts';
import { namesOfNextStart, networkNames } from '../../clients/networkd/match.ts';
import { answersAfterStart, linksWithServers, resolvedLinks } from '../../clients/resolved.ts';
import type { DesiredDns } from '../../config/desired.ts';
import { applyFile, removeWithFolder } from '../../hold/apply-file.ts';
import type { Finding, Outcome, SettingState } from '../../hold/resource.ts';
import { unreadable } from '../../hold/unreadable.ts';
import { HostError } from '../../host/errors.ts';
import type { Host } from '../../host/host.ts';

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

  inspect(): Finding[] {
    const wanted = renderDropIn(this.dns);
    const names = this.names();
    const kept = names.flatMap((name) => this.compare(keptDropIn(name), wanted, laterDropIns(this.host, name)) ?? []);
    if (names.length === 0) return kept;
    return [...kept, this.compare(SERVICE_DROP_IN, wanted === null ? null : SERVICE_DROP_IN_TEXT, [])].filter(
      (finding) => finding !== null,
    );
  }

  watches(): string[] {
    const names = this.names();
    return names.length === 0 ? [] : [...names.map(keptDropIn), SERVICE_DROP_IN];
  }

  /** `.network` files, by name; empty if systemd-networkd does not affect this host's name servers. */
  private names(): string[] {
    const { host, dns } = this;
    const all = resolvedLinks(host, dns);
    const links = linksWithServers(all);
    if (links.length > 0) return networkNames(host, links, all);
    return answersAfterStart(host, dns) ? namesOfNextStart(host) : [];
  }

  /** null if the file is absent and not wanted. */
  private compare(file: string, wanted: string | null, later: readonly string[]): Finding | null {
    let actual: string | null;
    try {
      actual = this.host.readText(file);
    } catch (error) {
      return unreadable({ resource: 'resolved', key: file, moment: 'boot' }, error, async () => []);
    }
    if (wanted === null && actual === null) return null;
    const ok = actual === wanted;
    return {
      resource: 'resolved',
      key: file,
      kind: 'file',
      moment: 'boot',
      state: ok ? 'ok' : 'drifted',
      wanted,
      actual,
      settings: async () => {
        if (!ok) return this.settings(null, null);
        const { domain, search, nameservers } = this.dns;
        const settings = this.settings(nameservers, search ?? (domain === null ? null : [domain]));
        if (later.length === 0) return settings;
        const reason = `files after the drop-in have the last word (${later.join(', ')})`;
        return settings.map((one) => ({ ...one, state: 'unknown', reason }));
      },
    };
  }
}

export async function applyNetworkdFile(host: Host, finding: Finding): Promise<Outcome> {
  const outcome = await applyFile(host, finding);
  if (finding.wanted === null) removeWithFolder(host, finding.key);
  if (finding.key !== SERVICE_DROP_IN || outcome.result !== 'changed') return outcome;
  try {
    readUnitsAgain(host);
  } catch (error) {
    // The file is removed again, so that the next apply tries again.
    if (finding.actual === null) removeWithFolder(host, SERVICE_DROP_IN);
    else {
      host.makeFolder(SERVICE_DROP_IN.slice(0, SERVICE_DROP_IN.lastIndexOf('/')), 0o755);
      host.replace(SERVICE_DROP_IN, finding.actual);
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
