import type { DesiredDhcp, DesiredState } from '../../config/desired.ts';
import { dnsSettingOf } from '../../config/notation/dns-options.ts';
import { applyFile } from '../../hold/files/apply-file.ts';
import { compareFile, type FileView } from '../../hold/files/compare-file.ts';
import { isOurs, type OriginalFile, Originals } from '../../hold/originals/originals.ts';
import type { Finding, Outcome, Resource, SettingState } from '../../hold/resource.ts';
import { errorCode, HostError, nullIfRefused } from '../../host/errors.ts';
import type { Host } from '../../host/host.ts';
import type { ClientSurroundings } from '../client.ts';
import { refusedLink, withoutDns } from '../refused-link.ts';
import { dhclientComplaints } from './conf/complaints.ts';
import { confFiles, interfaceOf } from './conf/conf-files.ts';
import type { ConfSetting } from './conf/editor.ts';
import { hookPlaces } from './hooks/hook-places.ts';
import { unlessIdle } from './idle.ts';
import { clientName, DEFAULT_CONF, dhcpClients, type RunningDhclient } from './running.ts';
import { noteStarts } from './start-records.ts';
import { writtenIn } from './written-in.ts';

/** Keeps every dhclient.conf in use, which the next dhclient will read: the boot moment. */
export class Dhclient implements Resource {
  readonly name = 'dhclient';
  private readonly host: Host;
  private readonly desired: DesiredState;
  private readonly around: ClientSurroundings;
  /** The wanted content of the files, as of the last look. */
  private wanted: DesiredDhcp;

  constructor(host: Host, desired: DesiredState, around: ClientSurroundings) {
    this.host = host;
    this.desired = desired;
    this.wanted = desired.dhclient;
    this.around = around;
  }

  async inspect(): Promise<Finding[]> {
    const clients = dhcpClients(this.host);
    this.wanted = this.possible(clients).dhclient;
    const foreign = clients.filter(({ owner }) => owner !== null).map((client) => this.foreign(client));
    const own = await Promise.all(this.files(clients).map((file) => this.compare(file, clients)));
    return [...own.filter((finding) => finding !== null), ...foreign];
  }

  /** Leaves DNS out if resolv.conf is a refused link. Files that already hold DNS keep it. */
  private possible(clients: readonly RunningDhclient[]): DesiredState {
    const { host, desired } = this;
    if (refusedLink(host, desired.dns) === null) return desired;
    const held = confFiles(host, clients).some((file) => SUPERSEDES_DNS.test(this.original(file)?.after ?? ''));
    return held ? desired : withoutDns(desired);
  }

  async apply(finding: Finding): Promise<Outcome> {
    const complaints = finding.wanted === null ? [] : dhclientComplaints(this.host, finding.wanted);
    if (complaints.length > 0) {
      throw new HostError('ECONF', `dhclient itself refuses the new ${finding.key}: ${complaints.join('; ')}`);
    }
    // If this record cannot be saved, the file is still right.
    nullIfRefused(() => noteStarts(this.host, dhcpClients(this.host)));
    const outcome = await applyFile(this.host, finding);
    const said = [outcome.reason, finding.reason].filter((reason) => reason !== undefined).join('; ');
    return said === '' ? outcome : { ...outcome, reason: said };
  }

  watches(): string[] {
    return this.files(dhcpClients(this.host));
  }

  private files(clients: readonly RunningDhclient[]): string[] {
    const { host } = this;
    const files = confFiles(host, clients);
    if (files.length > 0 || hookPlaces(host) === null) return files;
    return this.empty() ? [] : [DEFAULT_CONF];
  }

  private compare(file: string, clients: readonly RunningDhclient[]): Promise<Finding | null> {
    const place = { resource: this.name, key: file, moment: 'boot' } as const;
    const unseen = (reason: string) => this.unknown(reason);
    return compareFile(this.host, place, (actual) => this.view(file, actual, clients), { unseen });
  }

  private async view(file: string, actual: string | null, clients: readonly RunningDhclient[]): Promise<FileView> {
    const settings = async () => {
      const all = await this.settings(file, actual ?? '', clients);
      return unlessIdle(this.host, this.around.holders, all);
    };
    const refused = (refusal: string): FileView => {
      return { wanted: actual, state: 'drifted', refusal, settings: () => this.unknown(refusal) };
    };
    const known = this.wanted === this.desired.dhclient ? file : `${file} without dns`;
    if (actual !== null && this.around.known.has(known, actual)) return { wanted: actual, settings };

    const original = this.original(file);
    // A setting that is no longer configured goes back to its original, unless another program has edited the file.
    const base = original !== null && isOurs(original, actual) ? original.before : actual;
    const { editConf } = await import('./conf/editor.ts');
    const edited = editConf(base ?? '', this.wanted, interfacesOf(file));
    if (!edited.ok) {
      const lines = edited.problems.map(({ line, message }) => `line ${line}: ${message}`);
      return refused(`the file has syntax errors, so it is not changed: ${lines.join('; ')}`);
    }
    const wanted = base === null && edited.text === '' ? null : edited.text;
    const { requiredUnasked } = await import('./required.ts');
    const required = requiredUnasked(this.host, file, edited.text, this.wanted);
    if (required.length > 0) return refused(`the file is not changed: ${required.join('; ')}`);
    const reason = edited.warnings.length > 0 ? edited.warnings.join('; ') : undefined;
    if (actual === wanted && actual !== null && reason === undefined) this.around.known.add(known, actual);
    return { wanted, reason, settings };
  }

  /** The original file; null also if only root may read it. In that case the present file is judged. */
  private original(file: string): OriginalFile | null {
    try {
      return new Originals(this.host).find('file', file);
    } catch (error) {
      if (errorCode(error) === 'EACCES') return null;
      throw error;
    }
  }

  private async settings(file: string, text: string, clients: readonly RunningDhclient[]): Promise<SettingState[]> {
    const { editConf } = await import('./conf/editor.ts');
    const edited = editConf(text, this.wanted, interfacesOf(file));
    if (!edited.ok) return this.unknown(`${file} has syntax errors`);
    const { pendingOf } = await import('./pending-changes.ts');
    const asking = clients.filter((client) => {
      const pending = this.host.target(client.confFile) === file ? pendingOf(this.host, client, this.wanted) : null;
      return pending?.what.includes('request');
    });
    return edited.settings.flatMap((setting) => this.settingStates(setting, asking));
  }

  /** `stale`: running dhclients whose request list differs from the file's. */
  private settingStates(found: ConfSetting, stale: readonly RunningDhclient[]): SettingState[] {
    const { wanted, actual } = found;
    const common = { setting: settingName(this.desired, found), wanted, actual };
    if (found.reason !== undefined) {
      // The hook sets the values that the file must not name, also at boot. Only the request list is out of the hook's
      // reach.
      return isRequest(found) ? [{ ...common, moment: 'boot', state: 'unknown', reason: found.reason }] : [];
    }
    const boot: SettingState = { ...common, moment: 'boot', state: found.ok ? 'ok' : 'drifted' };
    if (!isRequest(found)) return [boot];
    // No hook can change the request list of a running dhclient.
    if (!found.ok || stale.length === 0) return [boot, { ...boot, moment: 'lease' }];
    const reason = `pending until the next start of ${stale.map(clientName).join(', ')}: dhclient read the file before the change`;
    return [boot, { ...common, moment: 'lease', state: 'unknown', reason }];
  }

  private foreign(client: RunningDhclient): Finding {
    const reason = `${clientName(client)} is run by ${client.owner}, which writes this file anew at each start`;
    return {
      resource: this.name,
      key: client.confFile,
      kind: 'file',
      moment: 'boot',
      state: 'skipped',
      wanted: null,
      actual: null,
      reason,
      settings: () => this.unknown(reason),
    };
  }

  /** Every setting of the file as unknown, if the file cannot be judged. */
  private async unknown(reason: string): Promise<SettingState[]> {
    const { editConf } = await import('./conf/editor.ts');
    const edited = editConf('', this.wanted);
    return edited.ok
      ? edited.settings.map((found) => ({
          setting: settingName(this.desired, found),
          moment: 'boot',
          state: 'unknown',
          wanted: found.wanted,
          actual: null,
          reason,
        }))
      : [];
  }

  private empty(): boolean {
    return [this.wanted.global, ...this.wanted.interfaces.values()].every(({ supersede, request }) => {
      return supersede.size === 0 && request === null;
    });
  }
}

const SUPERSEDES_DNS = /^\s*supersede\s+(dhcp6\.)?(domain-name|domain-search|domain-name-servers|name-servers)\s/m;

/**
 * The interfaces of a file. dhclient configures every interface that its file names; `dhclient-eth0.conf` is only for
 * eth0.
 */
function interfacesOf(file: string): string[] {
  const name = interfaceOf(file);
  return name === null ? [] : [name];
}

function isRequest({ setting }: ConfSetting): boolean {
  return setting.startsWith('request.');
}

function settingName(desired: DesiredState, { setting, iface }: ConfSetting): string {
  const option = /^supersede\.(.+)$/.exec(setting)?.[1];
  const dns = iface === null && option !== undefined ? dnsSettingOf(option) : null;
  return dns ?? `${writtenIn(desired, iface, setting)}.${iface === null ? '' : `interfaces.${iface}.`}${setting}`;
}
