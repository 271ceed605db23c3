import { DHCPCD_CONF, dhcpcdInstalled, ENTER_HOOK, keepsTime } from '../clients/dhcpcd/dhcpcd.ts';
import { contested } from '../clients/holders.ts';
import { applyHook } from '../clients/hook-file.ts';
import { ofIdleClient } from '../clients/idle-client.ts';
import type { DesiredDns } from '../config/desired.ts';
import { applyFile } from '../hold/apply-file.ts';
import type { Finding, Moment, Outcome, Resource, SettingState, State } from '../hold/resource.ts';
import { unreadable } from '../hold/unreadable.ts';
import type { KnownFiles } from '../hold/verified-files.ts';
import type { Host } from '../host/host.ts';
import { findBlock, placeInShell, removeFromShell } from '../resolver/marked-block.ts';
import { leavesNothingOpen, RESOLV_CONF } from '../resolver/resolv-conf.ts';
import { dnsSettings } from './resolver/resolver.ts';

/**
 * Keeps dhcpcd from bringing back other DNS settings. The enter hook works at the next lease, because a running dhcpcd
 * also sources it. dhcpcd.conf works at the next start. No signal is sent, because SIGHUP makes dhcpcd ask the server
 * anew.
 */
export class Dhcpcd implements Resource {
  readonly name = 'dhcpcd';
  private readonly host: Host;
  private readonly dns: DesiredDns | null;
  private readonly known: KnownFiles;

  constructor(host: Host, dns: DesiredDns | null, known: KnownFiles) {
    this.host = host;
    this.dns = dns;
    this.known = known;
  }

  async inspect(): Promise<Finding[]> {
    const { host } = this;
    const running = runs(host);
    const here = running || dhcpcdInstalled(host);
    const hook = await this.look(ENTER_HOOK, 'lease', (text) => this.hook(text, here));
    if (!here && hook === null) return [];
    const conf = await this.look(DHCPCD_CONF, 'boot', (text) => this.conf(text));
    const found = [hook, conf].filter((finding) => finding !== null);
    if (host.live && !running) return found.map((finding) => ofIdleClient(finding, 'dhcpcd'));
    const refusal = contested(host, 'dhcpcd');
    return refusal === null ? found : found.map((finding) => ({ ...finding, refusal, reason: refusal }));
  }

  async apply(finding: Finding): Promise<Outcome> {
    const path = this.host.target(finding.key);
    if (finding.key === ENTER_HOOK) return applyHook(this.host, finding, { path });
    return applyFile(this.host, finding, { path, keepTime: keepsTime(this.host, path) });
  }

  watches(): string[] {
    const here = this.dns !== null && (runs(this.host) || dhcpcdInstalled(this.host));
    return here ? [ENTER_HOOK, DHCPCD_CONF] : [];
  }

  private async look(
    key: string,
    moment: Moment,
    compare: (text: string | null) => Promise<Finding | null>,
  ): Promise<Finding | null> {
    try {
      return await compare(this.host.readText(key));
    } catch (error) {
      const settings = async () => this.states(moment, 'unknown', [`${key} cannot be read`], true);
      return unreadable({ resource: this.name, key, moment }, error, settings);
    }
  }

  /**
   * null if the file is missing and not needed. A file that Holdfast made is kept right even while dhcpcd does not run.
   */
  private async hook(actual: string | null, here: boolean): Promise<Finding | null> {
    const { dns } = this;
    const owned = actual !== null && findBlock(actual) !== null;
    // A refused link is left to its owner.
    if (!owned && (dns === null || !here || this.leftToItsOwner(dns))) return null;
    const wanted = dns === null ? removeFromShell(actual ?? '') : await this.wantedHook(actual, dns);
    const state = actual === wanted ? 'ok' : 'drifted';
    return {
      ...this.common(ENTER_HOOK, 'lease', actual, wanted, state),
      settings: async () => {
        const doubts = state === 'ok' ? await this.doubts(wanted ?? '') : [];
        const held = doubts.length > 0 ? 'unknown' : state;
        const withoutConf = this.host.stat(DHCPCD_CONF) === null;
        return [
          ...this.states('lease', held, doubts, true),
          // dhcpcd.conf cannot hold these settings, so the hook holds them, also at boot.
          ...this.states('boot', held, doubts, withoutConf),
        ];
      },
    };
  }

  private async wantedHook(actual: string | null, dns: DesiredDns): Promise<string> {
    if (actual !== null && this.known.has(ENTER_HOOK, actual)) return actual;
    const { renderDhcpcdHook } = await import('../clients/dhcpcd/hook.ts');
    const wanted = placeInShell(actual, renderDhcpcdHook(dns));
    if (actual === wanted) this.known.add(ENTER_HOOK, actual);
    return wanted;
  }

  /** null if the file does not exist. dhcpcd then requests no name servers, and the hook holds ours. */
  private async conf(actual: string | null): Promise<Finding | null> {
    const { dns } = this;
    const owned = actual !== null && findBlock(actual) !== null;
    if (actual === null || (!owned && (dns === null || this.leftToItsOwner(dns)))) return null;
    const nohook = dns !== null && leavesNothingOpen(dns) && !this.leftToItsOwner(dns);
    const settings = (state: State, reasons: readonly string[]) => async () => {
      return this.states('boot', state, reasons, true).filter(({ setting }) => !BY_HOOK.has(setting));
    };
    const known = nohook ? `${DHCPCD_CONF} nohook` : DHCPCD_CONF;
    if (this.known.has(known, actual)) {
      return { ...this.common(DHCPCD_CONF, 'boot', actual, actual, 'ok'), settings: settings('ok', []) };
    }
    const { confLines, editDhcpcdConf } = await import('../clients/dhcpcd/conf.ts');
    const edited = editDhcpcdConf(actual, dns === null ? null : confLines(dns, nohook));
    if (!edited.ok) {
      const refusal = `the file is not changed: ${edited.problem}`;
      return {
        ...this.common(DHCPCD_CONF, 'boot', actual, actual, 'drifted'),
        refusal,
        settings: settings('unknown', [refusal]),
      };
    }
    const state = actual === edited.text ? 'ok' : 'drifted';
    const reason = edited.notes.join('; ');
    if (state === 'ok' && reason === '') this.known.add(known, actual);
    return {
      ...this.common(DHCPCD_CONF, 'boot', actual, edited.text, state),
      ...(reason === '' ? {} : { reason }),
      settings: settings(state, []),
    };
  }

  private common(key: string, moment: Moment, actual: string | null, wanted: string | null, state: State) {
    return { resource: this.name, key, kind: 'file', moment, state, wanted, actual } as const;
  }

  /** `all`: all settings, or only those that dhcpcd.conf cannot hold. */
  private states(moment: Moment, state: State, reasons: readonly string[], all: boolean): SettingState[] {
    const { dns } = this;
    if (dns === null) return [];
    return dnsSettings(dns)
      .filter(({ setting }) => all || BY_HOOK.has(setting))
      .map(({ setting, values }) => ({
        setting,
        moment,
        state,
        wanted: values.join(' '),
        actual: state === 'ok' ? values.join(' ') : null,
        ...(reasons.length === 0 ? {} : { reason: reasons.join('; ') }),
      }));
  }

  /** Reasons why an installed hook may have no effect. */
  private async doubts(hook: string): Promise<string[]> {
    const { host, dns } = this;
    const [{ ownScript }, { dhcpcdDoubts }] = await Promise.all([
      import('../clients/dhcpcd/conf.ts'),
      import('../clients/dhcpcd/neighbours.ts'),
    ]);
    const script = ownScript(host.readText(DHCPCD_CONF) ?? '');
    const deaf = script !== null && !host.readText(script.path)?.includes(ENTER_HOOK);
    return [
      ...(deaf ? [`${DHCPCD_CONF}:${script.line} names ${script.path}, which does not source ${ENTER_HOOK}`] : []),
      ...dhcpcdDoubts(host, hook),
      ...(dns !== null && this.leftToItsOwner(dns)
        ? [`${RESOLV_CONF} is a symbolic link, which the hook leaves to its owner`]
        : []),
    ];
  }

  private leftToItsOwner({ symlink }: DesiredDns): boolean {
    return symlink === 'refuse' && this.host.readLink(RESOLV_CONF) !== null;
  }
}

const BY_HOOK: ReadonlySet<string> = new Set(['dns.sortlist', 'dns.options']);

function runs(host: Host): boolean {
  return host.processes('dhcpcd', 'network').length > 0;
}
