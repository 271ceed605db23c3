import type { DesiredDns } from '../../config/desired.ts';
import { dnsStates } from '../../hold/dns-settings.ts';
import { compareFile, type FileView } from '../../hold/files/compare-file.ts';
import type { Finding, Moment, Outcome, Resource } from '../../hold/resource.ts';
import type { Host } from '../../host/host.ts';
import type { Process } from '../../host/process/processes.ts';
import { isLeftToOwner } from '../../resolver/owner.ts';
import { RESOLV_CONF } from '../../resolver/resolv-conf.ts';
import type { ClientSurroundings } from '../client.ts';
import { clientFindings } from '../client-findings.ts';
import { applyHook } from '../hook-file.ts';
import { mainSettings } from './conf.ts';
import { applyConf, knowsConf, NOT_READ, readFinding } from './conf-file.ts';
import { DISPATCHER, NETWORK_MANAGER_CONF, networkManager, networkManagerIsHere } from './running.ts';

const CONF = '# Made by "agent apply"; changes here are overwritten.\n[main]\ndns=none\n';

/**
 * Keeps NetworkManager from writing resolv.conf: `dns=none`, which NetworkManager reads at its start and at SIGHUP. A
 * dispatcher script puts the file right after each event, and fills in the open settings. No connection is touched.
 */
export class NetworkManager implements Resource {
  readonly name = 'networkmanager';
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
    const process = networkManager(host);
    // A file that Holdfast made is kept right even while NetworkManager does not run.
    if (!networkManagerIsHere(host) && host.lstat(NETWORK_MANAGER_CONF) === null) return [];
    const { dns } = this;
    const found = [
      await this.compare(DISPATCHER, 'lease', async (actual) => (dns === null ? null : this.dispatcher(dns, actual))),
      await this.compare(NETWORK_MANAGER_CONF, 'boot', async () => (dns === null ? null : CONF)),
      ...(process === null || dns === null ? [] : [this.running(process)]),
    ].filter((finding) => finding !== null);
    const { holders } = this.around;
    return clientFindings(host, { program: 'NetworkManager', runs: process !== null, holders }, found);
  }

  async apply(finding: Finding): Promise<Outcome> {
    if (finding.key === DISPATCHER) return applyHook(this.host, finding, [DISPATCHER], { mode: 0o755 });
    return applyConf(this.host, finding, NETWORK_MANAGER_CONF);
  }

  watches(): string[] {
    return this.dns !== null && networkManagerIsHere(this.host) ? [DISPATCHER, NETWORK_MANAGER_CONF] : [];
  }

  /** null if the file is absent and not wanted. */
  private compare(
    key: string,
    moment: Moment,
    want: (actual: string | null) => Promise<string | null>,
  ): Promise<Finding | null> {
    const view = async (actual: string | null): Promise<FileView | null> => {
      const wanted = await want(actual);
      if (actual === null && wanted === null) return null;
      if (wanted !== null && this.leftToOwner())
        return { wanted, state: 'skipped', reason: `${RESOLV_CONF} is a symbolic link, which is left to its owner` };
      const obstacle = actual === wanted ? ((await this.obstacle(key)) ?? undefined) : undefined;
      const state = actual === wanted && obstacle === undefined ? 'ok' : 'drifted';
      // The running NetworkManager decides the moment `lease`.
      const settings = async () => (moment === 'boot' ? dnsStates(this.dns, moment, state, obstacle) : []);
      return { wanted, state, refusal: obstacle, reason: obstacle, settings };
    };
    const unseen = () => dnsStates(this.dns, moment, 'unknown');
    return compareFile(this.host, { resource: this.name, key, moment }, view, { unseen });
  }

  private dispatcher(dns: DesiredDns, actual: string | null): Promise<string> {
    return this.around.known.wanted(DISPATCHER, actual, async () => {
      const { renderDispatcher } = await import('./dispatcher.ts');
      return renderDispatcher(dns);
    });
  }

  /** Why a right file has no effect. */
  private async obstacle(key: string): Promise<string | null> {
    const { host } = this;
    if (key === DISPATCHER) {
      const stats = host.stat(DISPATCHER);
      if (stats === null) return null;
      const sound = (stats.mode & 0o122) === 0o100 && (stats.uid === 0 || !host.live);
      return sound
        ? null
        : `the dispatcher skips this script: it must belong to root with mode 0755 (chown root, chmod 755 ${key})`;
    }
    const last = mainSettings(host).findLast(({ key }) => key === 'dns');
    if (last === undefined || last.file === NETWORK_MANAGER_CONF || last.value === 'none') return null;
    return `${last.file}:${last.line} sets dns=${last.value} after ours`;
  }

  /** Whether the running NetworkManager has read our file. It reads its configuration at its start and at SIGHUP. */
  private running(process: Process): Finding {
    const knows = knowsConf(this.host, NETWORK_MANAGER_CONF);
    const state = this.leftToOwner() ? 'skipped' : knows ? 'ok' : 'drifted';
    const settings = async () =>
      state === 'skipped' ? [] : dnsStates(this.dns, 'lease', state, knows ? undefined : NOT_READ);
    return readFinding(process, state, { resource: this.name, wanted: 'has read dns=none', knows, settings });
  }

  private leftToOwner(): boolean {
    return this.dns !== null && isLeftToOwner(this.host, this.dns);
  }
}
