import type { DesiredDns } from '../../config/desired.ts';
import { dnsStates } from '../../hold/dns-settings.ts';
import { compareFile, type FileView } from '../../hold/files/compare-file.ts';
import type { Finding, Outcome, Resource, SettingState, State } from '../../hold/resource.ts';
import type { Host } from '../../host/host.ts';
import { findBlock } from '../../resolver/marked-block.ts';
import type { ClientSurroundings } from '../client.ts';
import { clientFindings } from '../client-findings.ts';
import { applyHook, whyUnheld } from '../hook-file.ts';
import { mergeHook, mergesIntoResolvConf, rdnssd, rdnssdIsHere } from './running.ts';

/**
 * Keeps rdnssd from bringing the name servers of router advertisements into resolv.conf. A running rdnssd runs its merge
 * hook anew each time, so our lines in that file work at once, and at boot.
 */
export class Rdnssd implements Resource {
  readonly name = 'rdnssd';
  private readonly host: Host;
  /** null also if the name servers are open: the merge hook leaves all other lines of resolv.conf as they are. */
  private readonly dns: DesiredDns | null;
  private readonly around: ClientSurroundings;

  constructor(host: Host, dns: DesiredDns | null, around: ClientSurroundings) {
    this.host = host;
    this.dns = dns?.nameservers == null ? null : dns;
    this.around = around;
  }

  async inspect(): Promise<Finding[]> {
    const { host } = this;
    const path = rdnssdIsHere(host) ? mergeHook(host) : null;
    if (path === null) return [];
    const place = { resource: this.name, key: path, moment: 'lease' } as const;
    const unseen = (reason: string) => this.settings('unknown', reason);
    const hook = await compareFile(host, place, (text) => this.hook(path, text), { unseen });
    const { holders } = this.around;
    return clientFindings(
      host,
      { program: this.name, runs: rdnssd(host) !== null, holders },
      hook === null ? [] : [hook],
    );
  }

  async apply(finding: Finding): Promise<Outcome> {
    return applyHook(this.host, finding, [finding.key], { path: this.host.target(finding.key) });
  }

  watches(): string[] {
    const path = this.dns !== null && rdnssdIsHere(this.host) ? mergeHook(this.host) : null;
    return path === null ? [] : [path];
  }

  /** null if the program is missing, or does nothing of ours and need not. */
  private async hook(path: string, actual: string | null): Promise<FileView | null> {
    const { dns } = this;
    const owned = actual !== null && findBlock(actual) !== null;
    if (actual === null || !mergesIntoResolvConf(path) || (!owned && dns === null)) return null;
    if (dns === null) return { wanted: withoutBlock(actual) };
    if (!isShell(actual)) {
      const refusal = `${path}, which rdnssd runs at each router advertisement, is no shell script: Holdfast cannot put its lines into it`;
      return { wanted: actual, state: 'drifted', refusal, settings: async () => this.settings('unknown', refusal) };
    }
    const wanted = await this.around.known.wanted(path, actual, async () => {
      const { placeFirst, renderMergeHook } = await import('./merge-hook.ts');
      return placeFirst(actual, renderMergeHook(dns));
    });
    const state = actual === wanted ? 'ok' : 'drifted';
    const reason = state === 'ok' ? undefined : whyUnheld(owned);
    return { wanted, settings: async () => this.settings(state, reason) };
  }

  /** The states of `dns.nameservers`, the only setting that the hook holds, at both moments. */
  private settings(state: State, reason?: string): SettingState[] {
    const all = (['lease', 'boot'] as const).flatMap((moment) => dnsStates(this.dns, moment, state, reason));
    return all.filter(({ setting }) => setting === 'dns.nameservers');
  }
}

/** Whether a shell runs the program, so that lines can be put into it. */
function isShell(program: string): boolean {
  return /^#![ \t]*\S*\/(ba|da)?sh\b[^\n]*\n/.test(program);
}

function withoutBlock(text: string): string {
  const block = findBlock(text);
  return block === null ? text : block.before + block.after;
}
