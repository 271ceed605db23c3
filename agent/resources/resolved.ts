import { contested } from '../clients/holders.ts';
import { dropInPath, laterDropIns, renderDropIn, wantedDomains } from '../clients/networkd-dropin.ts';
import type { NetworkdLink } from '../clients/networkd-links.ts';
import { linksWithServers, resolvedLinks } from '../clients/resolved.ts';
import type { DesiredDns } from '../config/desired.ts';
import { HostError } from '../host/errors.ts';
import type { Host } from '../host/host.ts';
import type { Keyword } from '../resolver/resolv-conf.ts';
import { applyFile } from './files.ts';
import { Originals } from './originals.ts';
import { tellLink } from './resolvectl.ts';
import { dnsSettings } from './resolver.ts';
import type { Finding, Moment, Outcome, Resource, SettingState } from './resource.ts';
import { unreadable } from './unreadable.ts';

/** Milliseconds that systemd-networkd has to write down what it was told: it does so when it has nothing else to do. */
const WRITTEN_WITHIN = 5000;

/**
 * Keeps name servers and search domains where systemd-resolved answers and systemd-networkd owns the links. Each link is
 * told by resolvectl(1), which hands it on to systemd-networkd: that keeps it until it ends, whatever a lease brings, and
 * touches no address. A drop-in says the same to the next systemd-networkd. It is never reloaded: before systemd 257
 * `networkctl reload` gives up the lease and the address of a link whose files changed.
 */
export class Resolved implements Resource {
  readonly name = 'resolved';
  private readonly host: Host;
  private readonly dns: DesiredDns | null;

  constructor(host: Host, dns: DesiredDns | null) {
    this.host = host;
    this.dns = dns;
  }

  async inspect(): Promise<Finding[]> {
    const { dns } = this;
    const links = this.links();
    if (dns === null || links.length === 0) return [];
    const refusal = contested(this.host, 'systemd-networkd');
    const refused = (finding: Finding) =>
      refusal === null || finding.state !== 'drifted' ? finding : { ...finding, refusal };
    const files = [...new Set(links.map(({ networkFile }) => networkFile))];
    const atBoot = files.flatMap((file) => this.compareFile(file, dns) ?? []);
    return [...links.map((link) => this.compareLink(link, dns)), ...atBoot].map(refused);
  }

  async apply(finding: Finding): Promise<Outcome> {
    if (finding.kind === 'file') return applyFile(this.host, finding);
    const link = this.links().find(({ name }) => name === finding.key);
    if (link === undefined) throw new HostError('ENOLINK', 'systemd-networkd no longer manages it');
    return this.tell(link, finding);
  }

  watches(): string[] {
    return this.links().flatMap(({ state, networkFile }) => [state, dropInPath(networkFile)]);
  }

  private links(): readonly NetworkdLink[] {
    return this.dns === null ? [] : linksWithServers(resolvedLinks(this.host, this.dns));
  }

  private compareLink(link: NetworkdLink, dns: DesiredDns): Finding {
    const wanted = describe(dns.nameservers, wantedDomains(dns));
    const actual = describe(dns.nameservers && link.servers, wantedDomains(dns) && link.domains);
    const right = sameNames(wanted, actual);
    const nothing = renderDropIn(dns) === null;
    const kept = nothing || this.isKept(link, dns);
    const behind = kept ? keptBehind(dns, link) : [];
    const refusal = `systemd-networkd keeps ${behind.join(' and ')} of the lease behind ours until it starts again, as systemd 247 does`;
    return {
      resource: this.name,
      key: link.name,
      kind: 'value',
      moment: 'now',
      state: nothing ? 'skipped' : right && kept ? 'ok' : 'drifted',
      wanted,
      actual,
      ...(behind.length > 0 ? { refusal } : {}),
      ...(nothing ? { reason: 'systemd-resolved has none of the settings that are configured' } : {}),
      ...(right && !kept ? { reason: 'right by the present lease, and the next one may say otherwise' } : {}),
      settings: async () => [
        ...this.settings(dns, 'now', link.servers, link.domains),
        ...(kept ? this.settings(dns, 'lease', link.servers, link.domains) : this.settings(dns, 'lease', null, null)),
        ...beyond(dns),
      ],
    };
  }

  private compareFile(networkFile: string, dns: DesiredDns): Finding | null {
    const file = dropInPath(networkFile);
    const wanted = renderDropIn(dns);
    let actual: string | null;
    try {
      actual = this.host.readText(file);
    } catch (error) {
      return unreadable({ resource: this.name, key: file, moment: 'boot' }, error, async () => []);
    }
    if (wanted === null && actual === null) return null;
    const ok = actual === wanted;
    const held = ok ? ([dns.nameservers, wantedDomains(dns)] as const) : ([null, null] as const);
    return {
      resource: this.name,
      key: file,
      kind: 'file',
      moment: 'boot',
      state: ok ? 'ok' : 'drifted',
      wanted,
      actual,
      settings: async () => {
        const settings = this.settings(dns, 'boot', ...held);
        const later = laterDropIns(this.host, networkFile);
        if (later.length === 0 || !ok) return settings;
        const reason = `what comes after the drop-in has the last word (${later.join(', ')})`;
        return settings.map((one) => ({ ...one, state: 'unknown', reason }));
      },
    };
  }

  /**
   * Whether this systemd-networkd holds ours against every lease: it was told by us, or found the drop-in at its start. (A
   * reload in between takes the drop-in in the place of what it was told.)
   */
  private isKept({ name, networkFile }: NetworkdLink, dns: DesiredDns): boolean {
    const started = this.host.processes('systemd-network', 'network')[0]?.started ?? Number.POSITIVE_INFINITY;
    if ((new Originals(this.host).find('link', name)?.told ?? 0) >= started) return true;
    const file = dropInPath(networkFile);
    const changed = this.host.stat(file)?.ctimeMs ?? Number.POSITIVE_INFINITY;
    return changed < started && this.host.readText(file) === renderDropIn(dns);
  }

  private async tell({ name, servers, domains }: NetworkdLink, finding: Finding): Promise<Outcome> {
    const { host } = this;
    const ours = { servers: this.dns!.nameservers, domains: wantedDomains(this.dns!) };
    const remember = (told: number) =>
      new Originals(host).rememberLink(name, describe(servers, domains), { ...ours, told });
    remember(0);
    tellLink(host, name, ours);
    remember(Date.now());
    const { resource, key, moment } = finding;
    const read = async () => (await this.inspect()).find((one) => one.kind === 'value' && one.key === key);
    for (const deadline = Date.now() + WRITTEN_WITHIN; ; ) {
      const now = await read();
      const actual = now?.actual ?? null;
      if (now?.state === 'ok') return { resource, key, moment, result: 'changed', actual };
      const reason = now?.refusal;
      if (reason !== undefined) return { resource, key, moment, result: 'failed', changed: true, actual, reason };
      if (Date.now() > deadline) {
        const reason = 'systemd-networkd was told, and does not say that it has it';
        return { resource, key, moment, result: 'failed', actual, reason };
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** `servers` and `domains` as they are; null: not held. */
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
      const wanted = values.join(' ');
      const state = actual !== null && sameNames(actual, wanted) ? 'ok' : 'drifted';
      return [{ setting, moment, state, wanted, actual }];
    });
  }
}

/** What the link has after all of ours: systemd-resolved goes on to it where ours are silent. */
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

/** What systemd-resolved has no notion of: libc reads it from a resolv.conf that is not ours to write. */
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

/** "10.0.0.53 10.0.0.54, search example.com ~."; what is null is left out. */
function describe(servers: readonly string[] | null, domains: readonly string[] | null): string {
  const parts = [
    ...(servers === null ? [] : [servers.join(' ') || 'no name server']),
    ...(domains === null ? [] : [`domains ${domains.join(' ') || 'none'}`]),
  ];
  return parts.join(', ');
}

/** systemd takes a final dot away, and keeps the case. */
function sameNames(a: string, b: string): boolean {
  const plain = (text: string) => text.toLowerCase().replace(/([^~\s])\.(?=\s|,|$)/g, '$1');
  return plain(a) === plain(b);
}
