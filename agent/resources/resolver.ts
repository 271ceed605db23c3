import { answersAfterStart, ownsResolvConf, resolvedLinks } from '../clients/resolved.ts';
import type { DesiredDns } from '../config/desired.ts';
import { hookPlaces } from '../dhclient/hook-places.ts';
import type { Host } from '../host/host.ts';
import { linkOwner } from '../resolver/owner.ts';
import { composeResolvConf, effectiveValues, type Keyword, RESOLV_CONF } from '../resolver/resolv-conf.ts';
import { applyFile } from './files.ts';
import type { Finding, Moment, Outcome, Resource, SettingState } from './resource.ts';
import { unreadable } from './unreadable.ts';

/** Keeps /etc/resolv.conf as configured. Where no DHCP client rewrites it, it is the boot moment too. */
export class Resolver implements Resource {
  readonly name = 'resolver';
  private readonly host: Host;
  private readonly dns: DesiredDns | null;

  constructor(host: Host, dns: DesiredDns | null) {
    this.host = host;
    this.dns = dns;
  }

  async inspect(): Promise<Finding[]> {
    const { host, dns } = this;
    if (dns === null) return [];
    const link = host.readLink(RESOLV_CONF);
    if (link !== null && ownsResolvConf(host)) {
      if (resolvedLinks(host, dns).length > 0) return [leftToResolved(link, [])];
      if (answersAfterStart(host, dns)) return [leftToResolved(link, this.untilNetworkdStarts(dns))];
    }
    let actual: string | null;
    try {
      actual = host.readText(RESOLV_CONF);
    } catch (error) {
      return [
        unreadable({ resource: this.name, key: RESOLV_CONF, moment: 'now' }, error, async () => this.unseen(dns)),
      ];
    }
    const wanted = composeResolvConf(actual ?? '', dns);
    const refusal = link !== null && dns.symlink === 'refuse' ? linkRefusal(host.target(RESOLV_CONF)) : undefined;
    const replaces = link !== null && dns.symlink === 'replace';
    const ok = actual === wanted && !replaces;
    return [
      {
        resource: this.name,
        key: RESOLV_CONF,
        kind: 'file',
        moment: 'now',
        state: ok ? 'ok' : 'drifted',
        wanted,
        actual,
        ...(replaces ? { reason: `it is a symbolic link to ${link}` } : {}),
        ...(ok || refusal === undefined ? {} : { refusal }),
        settings: async () => this.settings(dns, actual ?? ''),
      },
    ];
  }

  async apply(finding: Finding): Promise<Outcome> {
    const follows = this.dns?.symlink === 'follow' && this.host.readLink(RESOLV_CONF) !== null;
    return applyFile(this.host, finding, { path: follows ? this.host.target(RESOLV_CONF) : RESOLV_CONF });
  }

  watches(): string[] {
    return this.dns === null ? [] : [RESOLV_CONF];
  }

  private unseen(dns: DesiredDns): SettingState[] {
    return this.settings(dns, '').map((one) => ({ ...one, state: 'unknown', reason: `${RESOLV_CONF} cannot be read` }));
  }

  /** systemd-networkd is enabled and does not run: what its links will have, no link says yet. */
  private untilNetworkdStarts(dns: DesiredDns): SettingState[] {
    const reason = 'systemd-networkd, which is enabled, does not run yet';
    return this.settings(dns, '')
      .filter(({ moment }) => moment === 'now')
      .map((one) => ({ ...one, state: this.host.live ? 'unknown' : 'skipped', reason }));
  }

  private settings(dns: DesiredDns, text: string): SettingState[] {
    // Without a dhclient nothing writes the file at boot.
    const moments: Moment[] = hookPlaces(this.host) === null ? ['now', 'boot'] : ['now'];
    return dnsSettings(dns).flatMap(({ keyword, setting, values }) => {
      return moments.map((moment) => settingState(setting, moment, values, effectiveValues(text, keyword)));
    });
  }
}

function leftToResolved(link: string, settings: readonly SettingState[]): Finding {
  const reason = `a symbolic link to ${link}, which systemd-resolved makes of what its links have (the resource resolved)`;
  const values = { state: 'skipped', wanted: null, actual: null, reason } as const;
  return {
    resource: 'resolver',
    key: RESOLV_CONF,
    kind: 'file',
    moment: 'now',
    ...values,
    settings: async () => settings,
  };
}

/** The settings of `dns` that are configured, with the keyword that carries each. */
export function dnsSettings(dns: DesiredDns): { keyword: Keyword; setting: string; values: readonly string[] }[] {
  const all: [Keyword, string, readonly string[] | null][] = [
    ['domain', 'dns.domain', dns.domain === null ? null : [dns.domain]],
    ['search', 'dns.search', dns.search],
    ['nameserver', 'dns.nameservers', dns.nameservers],
    ['sortlist', 'dns.sortlist', dns.sortlist],
    ['options', 'dns.options', dns.options],
  ];
  return all.flatMap(([keyword, setting, values]) => (values === null ? [] : [{ keyword, setting, values }]));
}

function settingState(
  setting: string,
  moment: Moment,
  wanted: readonly string[],
  actual: readonly string[] | null,
): SettingState {
  const same = (actual ?? []).join(' ') === wanted.join(' ');
  return {
    setting,
    moment,
    state: same ? 'ok' : 'drifted',
    wanted: wanted.join(' '),
    actual: actual === null ? null : actual.join(' '),
  };
}

function linkRefusal(target: string): string {
  const owner = linkOwner(target);
  return `a symbolic link to ${target}${owner === null ? '' : `, which belongs to ${owner}`}; set dns.symlink to "replace" (a file of our own) or "follow" (write there)`;
}
