import type { DesiredDhcp, DesiredState } from '../../config/desired.ts';
import { compareFile } from '../../hold/files/compare-file.ts';
import type { Finding, Moment, Outcome, Resource, SettingState, State } from '../../hold/resource.ts';
import type { Host } from '../../host/host.ts';
import type { Process } from '../../host/process/processes.ts';
import type { ClientSurroundings } from '../client.ts';
import { clientFindings } from '../client-findings.ts';
import { type DhcpSetting, dhcpSettings, dhcpState } from '../dhcp-settings.ts';
import { MTU } from '../link-mtu.ts';
import { foreignClient } from './conf.ts';
import { applyConf, knowsConf, readFinding } from './conf-file.ts';
import { overruled, renderDefaults } from './device-defaults.ts';
import { decides, notHeld } from './dhcp-wanted.ts';
import { KeptProfiles } from './kept-profiles.ts';
import { type ManagedDevice, managedDevices } from './profiles.ts';
import { DHCP_CONF, networkManager, networkManagerIsHere } from './running.ts';

/**
 * Keeps `dhcp` with NetworkManager. The MTU is a default in conf.d, and `ignore` is in the profiles. A setting that
 * NetworkManager cannot hold is a skipped finding that says what to write in its place.
 */
export class NetworkManagerDhcp implements Resource {
  readonly name = 'networkmanager-dhcp';
  private readonly host: Host;
  private readonly dhcp: DesiredDhcp;
  private readonly around: Pick<ClientSurroundings, 'holders'>;
  private readonly profiles: KeptProfiles;

  constructor(host: Host, desired: DesiredState, around: Pick<ClientSurroundings, 'holders'>) {
    this.host = host;
    this.dhcp = desired.dhcp;
    this.around = around;
    this.profiles = new KeptProfiles(host, desired, this.name);
  }

  async inspect(): Promise<Finding[]> {
    const { host } = this;
    const settings = dhcpSettings(this.dhcp);
    const isKept = host.lstat(DHCP_CONF) !== null;
    if (settings.length === 0 && !isKept && !this.profiles.hasLeft()) return [];
    if (!networkManagerIsHere(host) && !isKept) return [];
    const process = networkManager(host);
    const devices = process === null ? [] : managedDevices(host);
    const defaults = await this.defaults(devices);
    const found = [
      ...(defaults === null ? [] : [defaults]),
      ...(process === null || defaults === null || defaults.wanted === null ? [] : [this.running(process, devices)]),
      ...(await this.profiles.inspect(devices, process)),
      ...settings.flatMap((setting) => this.refused(setting, devices)),
    ];
    const { holders } = this.around;
    return clientFindings(host, { program: 'NetworkManager', runs: process !== null, holders }, found);
  }

  async apply(finding: Finding): Promise<Outcome> {
    const { host } = this;
    if (KeptProfiles.isAbout(finding)) return this.profiles.apply(finding);
    return applyConf(host, finding, DHCP_CONF);
  }

  watches(): string[] {
    if (dhcpSettings(this.dhcp).length === 0 || !networkManagerIsHere(this.host)) return [];
    return [DHCP_CONF, ...this.profiles.watches(managedDevices(this.host))];
  }

  /** null if there is no such file, and none is wanted. */
  private async defaults(devices: readonly ManagedDevice[]): Promise<Finding | null> {
    const place = { resource: this.name, key: DHCP_CONF, moment: 'boot' } as const;
    return compareFile(this.host, place, (actual) => {
      const wanted = renderDefaults(this.dhcp, devices, actual);
      if (wanted === null && actual === null) return null;
      const state = actual === wanted ? 'ok' : 'drifted';
      return { wanted, state, settings: async () => this.mtuStates(devices, 'boot', state) };
    });
  }

  private running(process: Process, devices: readonly ManagedDevice[]): Finding {
    const knows = knowsConf(this.host, DHCP_CONF);
    const state = knows ? 'ok' : 'drifted';
    const settings = async () => this.mtuStates(devices, 'lease', state);
    return readFinding(process, state, {
      resource: this.name,
      wanted: 'has read the defaults of devices',
      knows,
      settings,
    });
  }

  private mtuStates(devices: readonly ManagedDevice[], moment: Moment, state: State): SettingState[] {
    const settings = dhcpSettings(this.dhcp).filter(({ asks }) => asks.part === 'supersede' && asks.option === MTU);
    return settings.flatMap((setting) =>
      this.concerned(setting, devices).map((device): SettingState => {
        const reason = overruled(this.host, device);
        return dhcpState(setting, moment, reason === null ? state : 'unknown', reason ?? undefined);
      }),
    );
  }

  /** A setting that NetworkManager cannot hold, if it has a device that the setting is about. */
  private refused(setting: DhcpSetting, devices: readonly ManagedDevice[]): Finding[] {
    const foreign = setting.asks.part.startsWith('request.') ? foreignClient(this.host) : null;
    const reason =
      foreign === null ? notHeld(setting) : `${foreign}, and Holdfast does not know that client's request list`;
    if (this.concerned(setting, devices).length === 0) return [];
    const moments = ['lease', 'boot'] as const;
    const state = reason === null ? 'ok' : 'unknown';
    // A request that NetworkManager makes by itself has no file.
    if (reason === null && !setting.asks.part.startsWith('request.')) return [];
    return [
      {
        resource: this.name,
        key: setting.setting,
        kind: 'process',
        moment: 'lease',
        state: reason === null ? 'ok' : 'skipped',
        wanted: setting.values.join(' '),
        actual: reason === null ? setting.values.join(' ') : null,
        ...(reason === null ? {} : { reason }),
        settings: async () => moments.map((moment) => dhcpState(setting, moment, state, reason ?? undefined)),
      },
    ];
  }

  private concerned(setting: DhcpSetting, devices: readonly ManagedDevice[]): ManagedDevice[] {
    return devices.filter(({ name }) => decides(this.dhcp, setting, name));
  }
}
