import type { DesiredDns, DesiredState } from '../../config/desired.ts';
import { dnsStates } from '../../hold/dns-settings.ts';
import { compareFile, type FileView } from '../../hold/files/compare-file.ts';
import type { Finding, Outcome, Resource, SettingState, State } from '../../hold/resource.ts';
import type { Host } from '../../host/host.ts';
import { findBlock, placeInShell, removeFromShell } from '../../resolver/marked-block.ts';
import { isLeftToOwner } from '../../resolver/owner.ts';
import type { ClientSurroundings } from '../client.ts';
import { clientFindings } from '../client-findings.ts';
import { type DhcpSetting, dhcpSettings, dhcpState } from '../dhcp-settings.ts';
import { applyHook, whyUnheld } from '../hook-file.ts';
import type { EventDoubt } from './event-script.ts';
import { eventScripts, UDHCPC_CONF, udhcpcHolders, udhcpcIsHere } from './running.ts';

/**
 * Keeps the part of udhcpc.conf that udhcpc's script sources at each event: the lease and the boot moment of every
 * setting. A script without that file cannot be held.
 */
export class Udhcpc implements Resource {
  readonly name = 'udhcpc';
  private readonly host: Host;
  private readonly desired: DesiredState;
  private readonly around: ClientSurroundings;

  constructor(host: Host, desired: DesiredState, around: ClientSurroundings) {
    this.host = host;
    this.desired = desired;
    this.around = around;
  }

  async inspect(): Promise<Finding[]> {
    const { host } = this;
    if (!udhcpcIsHere(host)) return [];
    const found = [await this.safe(await this.file()), await this.unsourced()].filter((finding) => finding !== null);
    const runs = udhcpcHolders(host).length > 0;
    return clientFindings(host, { program: this.name, runs, holders: this.around.holders }, found);
  }

  async apply(finding: Finding): Promise<Outcome> {
    return applyHook(this.host, finding, eventScripts(this.host), { path: this.host.target(finding.key), mode: 0o644 });
  }

  watches(): string[] {
    return this.asks() && udhcpcIsHere(this.host) ? [UDHCPC_CONF, ...eventScripts(this.host)] : [];
  }

  private asks(): boolean {
    return this.desired.dns !== null || dhcpSettings(this.desired.dhcp).length > 0;
  }

  private file(): Promise<Finding | null> {
    const place = { resource: this.name, key: UDHCPC_CONF, moment: 'lease' } as const;
    const unseen = (reason: string) => this.settings('unknown', reason);
    return compareFile(this.host, place, (actual) => this.view(actual), { unseen });
  }

  private async view(actual: string | null): Promise<FileView | null> {
    const owned = actual !== null && findBlock(actual) !== null;
    const doubts = this.asks() ? await this.doubts() : [];
    const deaf = doubts.some(({ isOfDns }) => !isOfDns);
    if (!owned && (!this.asks() || deaf)) return null;
    const dns = this.heldDns(owned);
    const { renderUdhcpcConf } = await import('./conf.ts');
    const lines = deaf ? null : renderUdhcpcConf(dns, this.desired.dhcp);
    const wanted =
      lines === null ? (owned ? removeFromShell(actual) : actual) : placeInShell(lastInFile(actual), lines);
    const state = actual === wanted ? 'ok' : 'drifted';
    const settings = async () => {
      if (deaf) return [];
      const { neighbourDoubts } = await import('./event-script.ts');
      const all = [...doubts, ...(state === 'ok' && actual !== null ? neighbourDoubts(this.host, actual) : [])];
      const general = all.find(({ isOfDns }) => !isOfDns)?.why;
      if (general !== undefined) return this.settings('unknown', general);
      return this.settings(state, state === 'ok' ? undefined : whyUnheld(owned), all);
    };
    return { wanted, settings };
  }

  /** A script that sources no udhcpc.conf: nothing of ours takes effect there. */
  private async unsourced(): Promise<Finding | null> {
    if (!this.asks()) return null;
    const doubt = (await this.doubts()).find(({ isOfDns }) => !isOfDns);
    if (doubt === undefined) return null;
    const key = eventScripts(this.host)[0] ?? UDHCPC_CONF;
    const settings = () => this.settings('unknown', doubt.why);
    const common = { resource: this.name, kind: 'file', moment: 'lease', wanted: null, actual: null } as const;
    return { ...common, key, state: 'skipped', reason: doubt.why, settings };
  }

  private async doubts(): Promise<EventDoubt[]> {
    const { scriptDoubt } = await import('./event-script.ts');
    return eventScripts(this.host).flatMap((script) => scriptDoubt(this.host, script) ?? []);
  }

  /** The finding. It becomes a refusal if the host would be cut off at the next lease or boot. */
  private async safe(finding: Finding | null): Promise<Finding | null> {
    const { host, desired } = this;
    if (finding === null || desired.routes.length === 0) return finding;
    const { cutOff, ignoring } = await import('../cut-off.ts');
    const refusal = cutOff(host, desired, ignoring(desired.dhcp));
    return refusal === null ? finding : { ...finding, state: 'drifted', refusal };
  }

  /** null if not configured, or left to the owner of a linked resolv.conf. */
  private heldDns(owned: boolean): DesiredDns | null {
    const { dns } = this.desired;
    return dns === null || (!owned && isLeftToOwner(this.host, dns)) ? null : dns;
  }

  private async settings(state: State, reason?: string, doubts: readonly EventDoubt[] = []): Promise<SettingState[]> {
    const { dns, dhcp } = this.desired;
    const ofDns = doubts.find(({ isOfDns }) => isOfDns)?.why;
    const left =
      dns !== null && isLeftToOwner(this.host, dns) ? 'resolv.conf is a symbolic link, left to its owner' : undefined;
    const why = ofDns ?? left;
    const held = why === undefined || state === 'drifted' ? ([state, reason] as const) : (['unknown', why] as const);
    const { variableOf } = await import('./wanted.ts');
    const { findOption } = await import('../../config/notation/dhcp-options.ts');
    const refused = ({ asks, values }: DhcpSetting): string | null => {
      if (asks.part === 'ignore') return null;
      if (asks.part !== 'supersede') return REQUEST;
      const found = variableOf(findOption(asks.option)!, values);
      return 'why' in found ? found.why : null;
    };
    const ofDhcp = dhcpSettings(dhcp).filter(({ values }) => values.some((value) => value !== 'router-advertisements'));
    return (['lease', 'boot'] as const).flatMap((moment) => [
      ...dnsStates(dns, moment, ...held),
      ...ofDhcp.map((setting) => {
        const problem = refused(setting);
        return dhcpState(setting, moment, problem === null ? state : 'unknown', problem ?? reason);
      }),
    ]);
  }
}

const REQUEST =
  'udhcpc asks for the options of its command line only: start it with -O OPTION, or with -o for none but those (Alpine: udhcpc_opts in /etc/network/interfaces)';

/** The file with our lines at its end: a `dns=` or `RESOLV_CONF=` below them would have the last word. */
function lastInFile(text: string | null): string | null {
  const block = text === null ? null : findBlock(text);
  return block === null || block.after.trim() === '' ? text : block.before + block.after;
}
