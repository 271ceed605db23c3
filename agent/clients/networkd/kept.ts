import type { DesiredDns } from '../../config/desired.ts';
import { dnsSettings } from '../../hold/dns-settings.ts';
import { Originals } from '../../hold/originals/originals.ts';
import type { Finding, Moment, Outcome, Resource, SettingState } from '../../hold/resource.ts';
import { markBoot } from '../../host/boot-mark.ts';
import { errorCode, HostError } from '../../host/errors.ts';
import type { Host } from '../../host/host.ts';
import { type Keyword, RESOLV_CONF } from '../../resolver/resolv-conf.ts';
import type { ClientSurroundings } from '../client.ts';
import { contested } from '../contests.ts';
import { linksWithServers, resolvedLinks } from '../resolved.ts';
import { writtenThrough } from '../resolved-libc.ts';
import { readDropIn, renderDropIn, wantedDomains } from './drop-in.ts';
import { applyNetworkdFile, NetworkdFiles } from './kept-files.ts';
import { leftWithNetworkd } from './left-behind.ts';
import { NETWORKD_STATE, type NetworkdLink } from './managed-links.ts';
import { tellLink } from './resolvectl.ts';
import { runningNetworkd } from './which-networkd.ts';

/** Milliseconds for systemd-networkd to write its state file, which it does when it is idle. */
const WRITTEN_WITHIN = 5000;

const NOT_TOLD = 'systemd-networkd was not told to keep it, so the next lease decides';
const SEEN_BY_ROOT = 'only root can see whether systemd-networkd holds it against the next lease';

/**
 * Keeps name servers and search domains where systemd-resolved answers and systemd-networkd owns the links.
 * resolvectl(1) passes the values to systemd-networkd, which keeps them until it ends, through leases and reloads, and
 * touches no address. kept-files.ts makes the files for the next systemd-networkd.
 */
export class Resolved implements Resource {
  readonly name = 'resolved';
  private readonly host: Host;
  private readonly dns: DesiredDns | null;
  private readonly around: Pick<ClientSurroundings, 'holders'>;

  constructor(host: Host, dns: DesiredDns | null, around: Pick<ClientSurroundings, 'holders'>) {
    this.host = host;
    this.dns = dns;
    this.around = around;
  }

  async inspect(): Promise<Finding[]> {
    const { dns } = this;
    // With another value of `symlink`, resolv.conf is our own file, and libc does not ask systemd-resolved.
    if (dns?.symlink !== 'refuse') return leftWithNetworkd(this.host);
    const links = this.links();
    const refusal = links.length === 0 ? null : contested(this.around.holders(), 'systemd-networkd');
    const refused = (finding: Finding) =>
      refusal === null || finding.state !== 'drifted' ? finding : { ...finding, refusal };
    const atBoot = await this.files(dns).inspect();
    return [...links.map((link) => this.compareLink(link, dns)), ...atBoot].map(refused);
  }

  async apply(finding: Finding): Promise<Outcome> {
    if (finding.kind === 'file') return applyNetworkdFile(this.host, finding);
    const link = this.links().find(({ name }) => name === finding.key);
    if (link === undefined) throw new HostError('ENOLINK', 'systemd-networkd no longer manages it');
    return this.tell(link, finding);
  }

  watches(): string[] {
    const links = this.links();
    if (this.dns === null) return [];
    const files = this.files(this.dns).watches();
    if (links.length === 0) return files.length === 0 ? [] : [...files, NETWORKD_STATE];
    return [...links.map(({ state }) => state), ...files, NETWORKD_STATE, this.host.target(RESOLV_CONF)];
  }

  private files(dns: DesiredDns): NetworkdFiles {
    return new NetworkdFiles(this.host, dns, (...held) => this.settings(dns, 'boot', ...held));
  }

  private links(): readonly NetworkdLink[] {
    return this.dns === null ? [] : linksWithServers(resolvedLinks(this.host, this.dns));
  }

  private compareLink(link: NetworkdLink, dns: DesiredDns): Finding {
    const domains = wantedDomains(dns);
    const wanted = describe(dns.nameservers, domains);
    const ofLink = describe(dns.nameservers && link.servers, domains && link.domains);
    const right = sameNames(wanted, ofLink);
    const through = writtenThrough(this.host, link, { servers: dns.nameservers, domains });
    const nothing = renderDropIn(dns) === null;
    const kept = nothing || this.isKept(link, dns);
    const behind = kept === true ? keptBehind(dns, link) : [];
    const refusal = `systemd-networkd keeps ${behind.join(' and ')} of the lease behind ours until it starts again, as systemd 247 does`;
    const reason = nothing
      ? 'systemd-resolved can hold none of the configured settings'
      : through !== null
        ? `another program wrote to ${through.file}, which is systemd-resolved's: libc asks ${through.servers.join(' ') || 'nobody'} now`
        : right && kept === null
          ? SEEN_BY_ROOT
          : right && !kept
            ? 'right by the present lease only: apply makes systemd-networkd keep it through the next lease'
            : undefined;
    const [servers, search] = through === null ? [link.servers, link.domains] : [through.servers, through.search];
    return {
      resource: this.name,
      key: link.name,
      kind: 'link',
      moment: 'now',
      state: nothing ? 'skipped' : !right || through !== null || kept === false ? 'drifted' : kept ? 'ok' : 'unknown',
      wanted,
      actual: through === null ? ofLink : `${describe(servers, search)} in ${through.file}`,
      // If another program has overwritten the file, give the link its values again: systemd-resolved then writes the
      // file anew.
      ...(behind.length > 0 && through === null ? { refusal } : {}),
      ...(reason === undefined ? {} : { reason }),
      settings: async () => [
        ...this.settings(dns, 'now', servers, search),
        ...(kept === null
          ? this.settings(dns, 'lease', null, null).map((one) => ({
              ...one,
              state: 'unknown' as const,
              reason: SEEN_BY_ROOT,
            }))
          : kept
            ? this.settings(dns, 'lease', link.servers, link.domains)
            : this.settings(dns, 'lease', null, null).map((one) => ({ ...one, reason: NOT_TOLD }))),
        ...beyond(dns),
      ],
    };
  }

  /**
   * Whether this systemd-networkd holds our values against every lease: it got them from us, or read the drop-in at its
   * start. null if this user may not read whether we gave them.
   */
  private isKept({ name, networkFile }: NetworkdLink, dns: DesiredDns): boolean | null {
    if (readDropIn(this.host, networkFile) === renderDropIn(dns)) return true;
    const running = runningNetworkd(this.host);
    if (running === undefined) return false;
    try {
      return new Originals(this.host).find('link', name)?.by === running;
    } catch (error) {
      if (errorCode(error) === 'EACCES') return null;
      throw error;
    }
  }

  private async tell({ name, servers, domains }: NetworkdLink, finding: Finding): Promise<Outcome> {
    const { host } = this;
    const ours = { servers: this.dns!.nameservers, domains: wantedDomains(this.dns!) };
    const remember = (told: number, by?: string) => {
      const link = { ...ours, told, ...(by === undefined ? {} : { by }) };
      new Originals(host).rememberLink(name, describe(servers, domains), link);
    };
    markBoot(host);
    remember(0);
    tellLink(host, name, ours);
    remember(Date.now(), runningNetworkd(host));
    const { resource, key, moment } = finding;
    const read = () => {
      const link = this.links().find((one) => one.name === name);
      return link === undefined ? null : this.compareLink(link, this.dns!);
    };
    for (const deadline = Date.now() + WRITTEN_WITHIN; ; ) {
      const now = read();
      const actual = now?.actual ?? null;
      if (now?.state === 'ok') return { resource, key, moment, result: 'changed', actual };
      const reason = now?.refusal;
      if (reason !== undefined) return { resource, key, moment, result: 'failed', changed: true, actual, reason };
      if (Date.now() > deadline) {
        const reason = 'systemd-networkd got the values, but its state file does not show them';
        return { resource, key, moment, result: 'failed', actual, reason };
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** `servers` and `domains` are the present values; null if not held. */
  private settings(
    dns: DesiredDns,
    moment: Moment,
    servers: readonly string[] | null,
    domains: readonly string[] | null,
  ): SettingState[] {
    const search = domains?.filter((domain) => !domain.startsWith('~')) ?? null;
    return dnsSettings(dns).flatMap(({ keyword, setting, values }) => {
      if (hasNone(keyword, dns)) return [];
      const actual = (keyword === 'nameserver' ? servers : search)?.join(' ') ?? null;
      const wanted = values.filter((value) => value !== '.').join(' ');
      const state = actual !== null && sameNames(actual, wanted) ? 'ok' : 'drifted';
      return [{ setting, moment, state, wanted, actual }];
    });
  }
}

/** Servers of the link behind ours, which systemd-resolved asks if ours are silent. */
function keptBehind(dns: DesiredDns, { servers, domains }: NetworkdLink): string[] {
  const isSearch = (domain: string) => !domain.startsWith('~');
  const lists = [
    [dns.nameservers, servers],
    [wantedDomains(dns)?.filter(isSearch) ?? null, domains.filter(isSearch)],
  ] as const;
  return lists.flatMap(([ours, all]) => {
    const isBehind = ours !== null && sameNames(all.slice(0, ours.length).join(' '), ours.join(' '));
    return isBehind ? all.slice(ours.length) : [];
  });
}

/** Settings that systemd-resolved cannot hold. libc reads them from a resolv.conf that we may not write. */
function beyond(dns: DesiredDns): SettingState[] {
  return dnsSettings(dns)
    .filter(({ keyword }) => hasNone(keyword, dns))
    .map(({ setting, values }) => {
      const what = setting === 'dns.domain' ? 'domain beside a search list' : setting.slice('dns.'.length);
      const reason = `systemd-resolved answers for libc, and has no ${what}`;
      return { setting, moment: 'now', state: 'skipped', wanted: values.join(' '), actual: null, reason };
    });
}

function hasNone(keyword: Keyword, dns: DesiredDns): boolean {
  return keyword === 'sortlist' || keyword === 'options' || (keyword === 'domain' && dns.search !== null);
}

/** "10.0.0.53 10.0.0.54, search example.com ~.", without parts that are null. */
function describe(servers: readonly string[] | null, domains: readonly string[] | null): string {
  const parts = [
    ...(servers === null ? [] : [servers.join(' ') || 'no name server']),
    ...(domains === null ? [] : [`domains ${domains.join(' ') || 'none'}`]),
  ];
  return parts.join(', ');
}

/** systemd removes a final dot and keeps the case. */
function sameNames(a: string, b: string): boolean {
  const plain = (text: string) => text.toLowerCase().replace(/([^~\s])\.(?=\s|,|$)/g, '$1');
  return plain(a) === plain(b);
}
