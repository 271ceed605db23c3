import { hookPlaces } from '../../clients/dhclient/hooks/hook-places.ts';
import { dhclientInstalled } from '../../clients/dhclient/installed.ts';
import { RESOLVCONF_CONF } from '../../clients/openresolv.ts';
import { goneAtBoot, refusedLink } from '../../clients/refused-link.ts';
import { answersAfterStart, ownsResolvConf, resolvedLinks } from '../../clients/resolved.ts';
import type { DesiredDns } from '../../config/desired.ts';
import { dnsSettings, dnsStates } from '../../hold/dns-settings.ts';
import { applyFile } from '../../hold/files/apply-file.ts';
import { compareFile, type FileView } from '../../hold/files/compare-file.ts';
import { Originals } from '../../hold/originals/originals.ts';
import type { Finding, Moment, Outcome, Resource, SettingState } from '../../hold/resource.ts';
import type { Host } from '../../host/host.ts';
import { composeResolvConf, RESOLV_CONF } from '../../resolver/resolv-conf.ts';
import { compareOpenresolv } from './openresolv-file.ts';

/** Keeps /etc/resolv.conf as configured. If no DHCP client rewrites the file, it also holds the boot moment. */
export class Resolver implements Resource {
  readonly name = 'resolver';
  private readonly host: Host;
  private readonly dns: DesiredDns | null;

  constructor(host: Host, dns: DesiredDns | null) {
    this.host = host;
    this.dns = dns;
  }

  async inspect(): Promise<Finding[]> {
    const found = [await this.openresolv(), await this.compare()];
    return found.filter((finding) => finding !== null);
  }

  /** openresolv comes first, so that it undoes no later change. */
  private async openresolv(): Promise<Finding | null> {
    const { host, dns } = this;
    // If resolv.conf is a link, the file that openresolv writes is not ours.
    const isLink = dns !== null && dns.symlink !== 'replace' && host.readLink(RESOLV_CONF) !== null;
    if (isLink) return null;
    return compareOpenresolv(host, dns);
  }

  private async compare(): Promise<Finding | null> {
    const { host, dns } = this;
    if (dns === null) return null;
    const link = host.readLink(RESOLV_CONF);
    if (link !== null && ownsResolvConf(host)) {
      if (resolvedLinks(host, dns).length > 0) return leftToResolved(link, async () => []);
      if (answersAfterStart(host, dns)) return leftToResolved(link, () => this.untilNetworkdStarts(dns));
    }
    const view = (actual: string | null): FileView => {
      const wanted = composeResolvConf(actual ?? '', dns);
      const refusal = refusedLink(host, dns);
      const circle = link !== null && host.target(RESOLV_CONF) === RESOLV_CONF;
      const replaces = link !== null && dns.symlink === 'replace';
      const ok = actual === wanted && !replaces && !circle;
      return {
        wanted,
        state: ok ? 'ok' : 'drifted',
        ...(replaces ? { reason: `it is a symbolic link to ${link}${circle ? ', which leads in a circle' : ''}` } : {}),
        ...(ok || refusal === null ? {} : { refusal }),
        settings: async () => [...(await this.settings(dns, actual ?? '')), ...leftToOwner(dns, refusal)],
      };
    };
    return compareFile(host, { resource: this.name, key: RESOLV_CONF, moment: 'now' }, view, {
      read: (path) => host.readTextUnlessAstray(path),
      unseen: (reason) => this.unseen(dns, reason),
    });
  }

  async remember(finding: Finding): Promise<void> {
    if (finding.key !== RESOLV_CONF) return;
    await new Originals(this.host).rememberFile(this.writtenPath(), finding.wanted, this.name);
  }

  async apply(finding: Finding): Promise<Outcome> {
    if (finding.key !== RESOLV_CONF) return applyFile(this.host, finding);
    return applyFile(this.host, finding, { path: this.writtenPath() });
  }

  private writtenPath(): string {
    const follows = this.dns?.symlink === 'follow' && this.host.readLink(RESOLV_CONF) !== null;
    return follows ? this.host.target(RESOLV_CONF) : RESOLV_CONF;
  }

  watches(): string[] {
    return this.dns === null ? [] : [RESOLV_CONF, RESOLVCONF_CONF];
  }

  private async unseen(dns: DesiredDns, reason: string): Promise<SettingState[]> {
    const settings = await this.settings(dns, '');
    return settings.map((one) => ({ ...one, state: 'unknown', reason }));
  }

  /** systemd-networkd is enabled but does not run, so the values of its links are unknown. */
  private async untilNetworkdStarts(dns: DesiredDns): Promise<SettingState[]> {
    const reason = 'systemd-networkd, which is enabled, does not run yet';
    return (await this.settings(dns, ''))
      .filter(({ moment }) => moment === 'now')
      .map((one) => ({ ...one, state: this.host.live ? 'unknown' : 'skipped', reason }));
  }

  private async settings(dns: DesiredDns, text: string): Promise<SettingState[]> {
    // Imported here, because an apply without changes does not need it.
    const { effectiveValues, readAsLibc } = await import('../../resolver/libc-reading.ts');
    const { unused, search } = readAsLibc(text);
    // Without a dhclient nothing writes the file at boot.
    const dhclient = hookPlaces(this.host) !== null && dhclientInstalled(this.host);
    const moments: Moment[] = dhclient ? ['now'] : ['now', 'boot'];
    const lost = goneAtBoot(this.host, dns);
    return dnsSettings(dns).flatMap(({ keyword, setting, values }) => {
      const overruled = keyword === 'domain' && dns.search === null && search !== null;
      const actual = effectiveValues(text, overruled ? 'search' : keyword);
      const not = unused.find((one) => one.keyword === keyword);
      const reason = overruled
        ? `the line "search ${search.join(' ')}" of ${RESOLV_CONF} overrules it`
        : not === undefined
          ? null
          : `libc does not use ${RESOLV_CONF}:${not.line}: ${not.why}`;
      const states = moments.map((moment) => settingState(setting, moment, values, actual, reason));
      if (lost === null) return states;
      const atBoot = { setting, moment: 'boot', state: 'drifted', wanted: values.join(' '), actual: null } as const;
      return [...states.filter(({ moment }) => moment !== 'boot'), { ...atBoot, reason: lost }];
    });
  }
}

function leftToResolved(link: string, settings: Finding['settings']): Finding {
  const reason = `a symbolic link to ${link}, which systemd-resolved writes from its links' values (the resource resolved)`;
  const values = { state: 'skipped', wanted: null, actual: null, reason } as const;
  return {
    resource: 'resolver',
    key: RESOLV_CONF,
    kind: 'file',
    moment: 'now',
    ...values,
    settings,
  };
}

/** The link's owner decides about the next lease and the next boot, so these moments are unknown. */
function leftToOwner(dns: DesiredDns, refusal: string | null): SettingState[] {
  if (refusal === null) return [];
  return (['lease', 'boot'] as const).flatMap((moment) => {
    return dnsStates(dns, moment, 'unknown', `${RESOLV_CONF} is ${refusal}`);
  });
}

/** `reason` says why a line does not count; null if it does. */
function settingState(
  setting: string,
  moment: Moment,
  wanted: readonly string[],
  actual: readonly string[] | null,
  reason: string | null,
): SettingState {
  const same = (actual ?? []).join(' ') === wanted.join(' ');
  return {
    setting,
    moment,
    state: same ? 'ok' : 'drifted',
    wanted: wanted.join(' '),
    actual: actual === null ? null : actual.join(' '),
    ...(same || reason === null ? {} : { reason }),
  };
}
