import type { DesiredDns } from '../../config/desired.ts';
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
import { applyHook, whyUnheld } from '../hook-file.ts';
import { DHCPCD_CONF, DHCPCD_SCRIPTS, dhcpcdIsHere, dhcpcdRuns, ENTER_HOOK, keepsTime } from './running.ts';

/**
 * Keeps dhcpcd from bringing back other DNS settings. The enter hook works at the next lease, because a running dhcpcd
 * also sources it. dhcpcd.conf works at the next start. No signal is sent, because SIGHUP makes dhcpcd ask the server
 * anew.
 */
export class Dhcpcd implements Resource {
  readonly name = 'dhcpcd';
  private readonly host: Host;
  private readonly dns: DesiredDns | null;
  private readonly around: ClientSurroundings;

  constructor(host: Host, dns: DesiredDns | null, around: ClientSurroundings) {
    this.host = host;
    this.dns = dns;
    this.around = around;
  }

  async inspect(): Promise<Finding[]> {
    const { host } = this;
    const here = dhcpcdIsHere(host);
    const hook = await this.compare(ENTER_HOOK, 'lease', (text) => this.hook(text, here));
    if (!here && hook === null) return [];
    const conf = await this.compare(DHCPCD_CONF, 'boot', (text) => this.conf(text));
    const found = [hook, conf].filter((finding) => finding !== null);
    const { holders } = this.around;
    return clientFindings(host, { program: 'dhcpcd', runs: dhcpcdRuns(host), holders }, found);
  }

  async apply(finding: Finding): Promise<Outcome> {
    const path = this.host.target(finding.key);
    if (finding.key === ENTER_HOOK) return applyHook(this.host, finding, DHCPCD_SCRIPTS, { path });
    return applyFile(this.host, finding, { path, keepTime: keepsTime(this.host, path) });
  }

  watches(): string[] {
    return this.dns !== null && dhcpcdIsHere(this.host) ? [ENTER_HOOK, DHCPCD_CONF] : [];
  }

  private compare(
    key: string,
    moment: Moment,
    view: (text: string | null) => Promise<FileView | null>,
  ): Promise<Finding | null> {
    const unseen = (reason: string) => dnsStates(this.dns, moment, 'unknown', reason);
    return compareFile(this.host, { resource: this.name, key, moment }, view, { unseen });
  }

  /**
   * null if the file is missing and not needed. A file that Holdfast made is kept right even while dhcpcd does not run.
   */
  private async hook(actual: string | null, here: boolean): Promise<FileView | null> {
    const { host, dns } = this;
    const owned = actual !== null && findBlock(actual) !== null;
    if (!owned && (dns === null || !here || isLeftToOwner(host, dns))) return null;
    const wanted = dns === null ? removeFromShell(actual ?? '') : await this.wantedHook(actual, dns);
    const state = actual === wanted ? 'ok' : 'drifted';
    const settings = async () => {
      const doubts = state === 'ok' ? await this.doubts(wanted ?? '') : [];
      const held = doubts.length > 0 ? 'unknown' : state;
      const reason = doubts.length > 0 ? doubts.join('; ') : state === 'ok' ? undefined : whyUnheld(owned);
      const atBoot = dnsStates(dns, 'boot', held, reason);
      // dhcpcd.conf cannot hold these settings, so the hook holds them, also at boot.
      const withoutConf = host.stat(DHCPCD_CONF) === null;
      return [...dnsStates(dns, 'lease', held, reason), ...atBoot.filter((one) => withoutConf || isByHook(one))];
    };
    return { wanted, settings };
  }

  private wantedHook(actual: string | null, dns: DesiredDns): Promise<string> {
    return this.around.known.wanted(ENTER_HOOK, actual, async () => {
      const { renderDhcpcdHook } = await import('./hook.ts');
      return placeInShell(actual, renderDhcpcdHook(dns));
    });
  }

  /** null if the file does not exist. dhcpcd then requests no name servers, and the hook holds ours. */
  private async conf(actual: string | null): Promise<FileView | null> {
    const { host, dns } = this;
    const owned = actual !== null && findBlock(actual) !== null;
    const left = dns !== null && isLeftToOwner(host, dns);
    if (actual === null || (!owned && (dns === null || left))) return null;
    const nohook = dns !== null && leavesNothingOpen(dns) && !left;
    const settings = (state: State, reason?: string) => async () => {
      return dnsStates(dns, 'boot', state, reason).filter((one) => !isByHook(one));
    };
    const known = nohook ? `${DHCPCD_CONF} nohook` : DHCPCD_CONF;
    if (this.around.known.has(known, actual)) return { wanted: actual, settings: settings('ok') };
    const { confLines, editDhcpcdConf } = await import('./conf.ts');
    const edited = editDhcpcdConf(actual, dns === null ? null : confLines(dns, nohook));
    if (!edited.ok) {
      const refusal = `the file is not changed: ${edited.problem}`;
      return { wanted: actual, state: 'drifted', refusal, settings: settings('unknown', refusal) };
    }
    const state = actual === edited.text ? 'ok' : 'drifted';
    const reason = edited.notes.length > 0 ? edited.notes.join('; ') : undefined;
    if (state === 'ok' && reason === undefined) this.around.known.add(known, actual);
    return { wanted: edited.text, reason, settings: settings(state, state === 'ok' ? undefined : behind(owned)) };
  }

  /** Reasons why an installed hook may have no effect. */
  private async doubts(hook: string): Promise<string[]> {
    const { host, dns } = this;
    const [{ ownScript }, { dhcpcdDoubts }] = await Promise.all([import('./conf.ts'), import('./other-hooks.ts')]);
    const script = ownScript(host.readText(DHCPCD_CONF) ?? '');
    const deaf = script !== null && !host.readText(script.path)?.includes(ENTER_HOOK);
    return [
      ...(deaf ? [`${DHCPCD_CONF}:${script.line} names ${script.path}, which does not source ${ENTER_HOOK}`] : []),
      ...dhcpcdDoubts(host, hook),
      ...(dns !== null && isLeftToOwner(host, dns)
        ? [`${RESOLV_CONF} is a symbolic link, which the hook leaves to its owner`]
        : []),
    ];
  }
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
