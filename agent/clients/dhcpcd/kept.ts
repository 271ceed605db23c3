import type { DesiredDhcp, DesiredDns, DesiredState } from '../../config/desired.ts';
import { dnsStates } from '../../hold/dns-settings.ts';
import { applyFile } from '../../hold/files/apply-file.ts';
import { compareFile, type FileView } from '../../hold/files/compare-file.ts';
import type { Finding, Moment, Outcome, Resource, SettingState, State } from '../../hold/resource.ts';
import type { Host } from '../../host/host.ts';
import { findBlock, placeInShell, removeFromShell } from '../../resolver/marked-block.ts';
import { isLeftToOwner } from '../../resolver/owner.ts';
import { leavesNothingOpen, RESOLV_CONF } from '../../resolver/resolv-conf.ts';
import type { ClientSurroundings } from '../client.ts';
import { clientFindings } from '../client-findings.ts';
import { applyHook, whyUnheld, withOlderHook } from '../hook-file.ts';
import type { EditedDhcpcdConf } from './conf.ts';
import { DHCPCD_CONF, DHCPCD_SCRIPTS, dhcpcdIsHere, dhcpcdRuns, ENTER_HOOK, keepsTime } from './running.ts';

/**
 * Keeps dhcpcd from bringing back other settings. The enter hook works at the next lease, because a running dhcpcd also
 * sources it. dhcpcd.conf works at the next start. No signal is sent, because SIGHUP makes dhcpcd ask the server anew:
 * if the server does not answer within 5 s, dhcpcd drops address and routes (measured with 9.4.1).
 */
export class Dhcpcd implements Resource {
  readonly name = 'dhcpcd';
  private readonly host: Host;
  private readonly desired: DesiredState;
  private readonly dns: DesiredDns | null;
  private readonly around: ClientSurroundings;
  private readonly asked: boolean;

  constructor(host: Host, desired: DesiredState, around: ClientSurroundings) {
    this.host = host;
    this.desired = desired;
    this.dns = desired.dns;
    this.around = around;
    this.asked = asksAnything(desired.dhcp);
  }

  async inspect(): Promise<Finding[]> {
    const { host } = this;
    const here = dhcpcdIsHere(host);
    const hook = await this.compare(ENTER_HOOK, 'lease', (text) => this.hook(text, here));
    if (!here && hook === null) return [];
    const conf = await this.compare(DHCPCD_CONF, 'boot', (text) => this.conf(text));
    const found = await this.safe([hook, conf].filter((finding) => finding !== null));
    const { holders } = this.around;
    return clientFindings(host, { program: 'dhcpcd', runs: dhcpcdRuns(host), holders }, found);
  }

  async apply(finding: Finding): Promise<Outcome> {
    const path = this.host.target(finding.key);
    if (finding.key === ENTER_HOOK) return applyHook(this.host, finding, DHCPCD_SCRIPTS, { path });
    return applyFile(this.host, finding, { path, keepTime: keepsTime(this.host, path) });
  }

  watches(): string[] {
    return (this.dns !== null || this.asked) && dhcpcdIsHere(this.host) ? [ENTER_HOOK, DHCPCD_CONF] : [];
  }

  /** The findings. They become refusals if the host would be cut off at the next lease or boot. */
  private async safe(found: Finding[]): Promise<Finding[]> {
    const { host, desired } = this;
    if (!this.asked || desired.routes.length === 0) return found;
    const [{ cutOff }, { leavesRoutes }] = await Promise.all([import('../cut-off.ts'), import('./wanted.ts')]);
    const refusal = cutOff(host, desired, (dev) => leavesRoutes(desired.dhcp, dev));
    return refusal === null ? found : found.map((finding) => ({ ...finding, state: 'drifted', refusal }));
  }

  private compare(
    key: string,
    moment: Moment,
    view: (text: string | null) => Promise<FileView | null>,
  ): Promise<Finding | null> {
    const unseen = async (reason: string) => [
      ...dnsStates(this.dns, moment, 'unknown', reason),
      ...(this.asked ? await this.statesOf(moment, 'unknown', reason) : []),
    ];
    return compareFile(this.host, { resource: this.name, key, moment }, view, { unseen });
  }

  /** The settings of `dhcp` that the file of this moment holds, all in one state. */
  private async statesOf(moment: Moment, state: State, reason?: string): Promise<SettingState[]> {
    const { confStates, hookStates } = await import('./dhcp-states.ts');
    const { dhcp } = this.desired;
    return moment === 'lease' ? hookStates(dhcp, state, reason) : confStates(dhcp, state, reason ?? '');
  }

  /**
   * `dns`, unless the owner of a linked resolv.conf keeps it. A file that already holds `dns` goes on.
   * @param ours our part of the file; null if it has none.
   */
  private dnsFor(ours: string | null): DesiredDns | null {
    const { host, dns } = this;
    const holds = ours !== null && /domain_name|domain_search|resolv.conf/.test(ours);
    return dns !== null && (holds || !isLeftToOwner(host, dns)) ? dns : null;
  }

  /**
   * null if the file is missing and not needed. A file that Holdfast made is kept right even while dhcpcd does not run.
   */
  private async hook(actual: string | null, here: boolean): Promise<FileView | null> {
    const { host } = this;
    const ours = partOf(actual);
    const dns = this.dnsFor(ours);
    if (ours === null && ((dns === null && !this.asked) || !here)) return null;
    const wanted = await this.wantedHook(actual, dns);
    if (wanted === null && actual === null) return null;
    const state = actual === wanted ? 'ok' : 'drifted';
    const settings = async () => {
      const doubts = state === 'ok' && wanted !== null ? await this.doubts(wanted) : NO_DOUBTS;
      const ofState = (reasons: readonly string[]) => {
        const reason = reasons.length > 0 ? reasons.join('; ') : state === 'ok' ? undefined : whyUnheld(ours !== null);
        return [reasons.length > 0 ? 'unknown' : state, reason] as const;
      };
      const held = ofState([...doubts.all, ...doubts.dns]);
      const atBoot = dnsStates(this.dns, 'boot', ...held);
      // dhcpcd.conf cannot hold these settings, so the hook holds them, also at boot.
      const withoutConf = host.stat(DHCPCD_CONF) === null;
      return [
        ...withOlderHook(dnsStates(this.dns, 'lease', ...held), actual),
        ...atBoot.filter((one) => withoutConf || isByHook(one)),
        ...(this.asked ? await this.statesOf('lease', ...ofState(doubts.all)) : []),
      ];
    };
    return { wanted, settings };
  }

  private async wantedHook(actual: string | null, dns: DesiredDns | null): Promise<string | null> {
    const { dhcp } = this.desired;
    if (dns === null && !this.asked) return removeFromShell(actual ?? '');
    const known = dns === this.dns ? ENTER_HOOK : `${ENTER_HOOK} without dns`;
    if (actual !== null && this.around.known.has(known, actual)) return actual;
    const { renderDhcpcdHook } = await import('./hook.ts');
    const text = renderDhcpcdHook(dns, dhcp);
    if (text === null) return actual === null ? null : removeFromShell(actual);
    return this.around.known.wanted(known, actual, async () => placeInShell(actual, text));
  }

  /**
   * null if the file does not exist and is not needed. dhcpcd then requests no name servers, and the hook holds ours.
   */
  private async conf(actual: string | null): Promise<FileView | null> {
    const ours = partOf(actual);
    const dns = this.dnsFor(ours);
    if (actual === null) {
      const reason = `there is no ${DHCPCD_CONF}, and Holdfast makes none for a dhcpcd that runs without; make an empty file`;
      return this.asked ? { wanted: null, settings: () => this.statesOf('boot', 'unknown', reason) } : null;
    }
    if (ours === null && dns === null && !this.asked) return null;
    const settings = (state: State, reason?: string) => async () => {
      const ofDns = dnsStates(this.dns, 'boot', state, reason).filter((one) => !isByHook(one));
      if (!this.asked) return ofDns;
      const { confStatesOf } = await import('./dhcp-states.ts');
      const { dhcp } = this.desired;
      const ofDhcp =
        state === 'ok' ? confStatesOf(this.host, dhcp, actual) : await this.statesOf('boot', state, reason);
      return [...ofDns, ...ofDhcp];
    };
    const nohook = dns !== null && leavesNothingOpen(dns) && !isLeftToOwner(this.host, dns);
    const known = [DHCPCD_CONF, ...(nohook ? ['nohook'] : []), ...(dns === this.dns ? [] : ['without dns'])].join(' ');
    if (this.around.known.has(known, actual)) return { wanted: actual, settings: settings('ok') };
    const edited = await this.edited(actual, dns, nohook);
    if (!edited.ok) {
      const refusal = `the file is not changed: ${edited.problem}`;
      return { wanted: actual, state: 'drifted', refusal, settings: settings('unknown', refusal) };
    }
    const state = actual === edited.text ? 'ok' : 'drifted';
    const reason = edited.notes.length > 0 ? edited.notes.join('; ') : undefined;
    if (state === 'ok' && reason === undefined) this.around.known.add(known, actual);
    return {
      wanted: edited.text,
      reason,
      settings: settings(state, state === 'ok' ? undefined : behind(ours !== null)),
    };
  }

  private async edited(actual: string, dns: DesiredDns | null, nohook: boolean): Promise<EditedDhcpcdConf> {
    const { confLines, editDhcpcdConf, MADE_BY } = await import('./conf.ts');
    const { dhcp } = this.desired;
    const statements = this.asked ? (await import('./conf-options.ts')).optionStatements(dhcp) : [];
    const lines = [...(dns === null ? [] : confLines(dns, nohook)), ...statements];
    return editDhcpcdConf(actual, lines.length === 0 && dns === null ? null : [MADE_BY, ...lines]);
  }

  /** Reasons why an installed hook may have no effect. */
  private async doubts(hook: string): Promise<typeof NO_DOUBTS> {
    const { host, dns } = this;
    const [{ ownScript }, { dhcpcdDoubts }] = await Promise.all([import('./conf.ts'), import('./other-hooks.ts')]);
    const script = ownScript(host.readText(DHCPCD_CONF) ?? '');
    const deaf = script !== null && !host.readText(script.path)?.includes(ENTER_HOOK);
    return {
      all: [
        ...(deaf ? [`${DHCPCD_CONF}:${script.line} names ${script.path}, which does not source ${ENTER_HOOK}`] : []),
        ...dhcpcdDoubts(host, hook),
      ],
      dns:
        dns !== null && isLeftToOwner(host, dns)
          ? [`${RESOLV_CONF} is a symbolic link, which the hook leaves to its owner`]
          : [],
    };
  }
}

const NO_DOUBTS: { readonly all: readonly string[]; readonly dns: readonly string[] } = { all: [], dns: [] };

/** Our part of a file; null if it has none. */
function partOf(text: string | null): string | null {
  const block = text === null ? null : findBlock(text);
  return text === null || block === null ? null : text.slice(block.before.length, text.length - block.after.length);
}

/** `owned`: whether the file has lines of Holdfast. */
function behind(owned: boolean): string {
  return owned
    ? `Holdfast's lines in ${DHCPCD_CONF} are of another configuration, or were changed`
    : `${DHCPCD_CONF} has no lines of Holdfast yet`;
}

const BY_HOOK: ReadonlySet<string> = new Set(['dns.sortlist', 'dns.options']);

/** Whether dhcpcd.conf has no statement for the setting, so that only the hook holds it. */
function isByHook({ setting }: SettingState): boolean {
  return BY_HOOK.has(setting);
}

function asksAnything({ global, interfaces }: DesiredDhcp): boolean {
  return [global, ...interfaces.values()].some(
    ({ supersede, request, ignore }) => supersede.size + ignore.length > 0 || request !== null,
  );
}
