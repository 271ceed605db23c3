/**
 * `dhcp.ignore` in the profiles of NetworkManager's devices, which count from the next activation of the device on. A
 * running device is left alone: `nmcli device modify` and `reapply` ask for its lease anew, which may lose the address.
 */
import type { DesiredState, IgnoredOffer } from '../../config/desired.ts';
import { applyFile } from '../../hold/files/apply-file.ts';
import { compareFile } from '../../hold/files/compare-file.ts';
import type { Finding, Moment, Outcome, SettingState, State } from '../../hold/resource.ts';
import { changedAfterStart } from '../../host/files/file-times.ts';
import type { Host } from '../../host/host.ts';
import type { Process } from '../../host/process/processes.ts';
import { dhcpSettings, dhcpState } from '../dhcp-settings.ts';
import { ignoredOffers } from '../hook-values.ts';
import { isApplied } from './applied.ts';
import { keysFor, propertiesOf } from './ignoring.ts';
import { type ProfileKey, withKeys } from './profile-text.ts';
import { activation, type ManagedDevice, notEdited, PROFILES } from './profiles.ts';
import { hasProfileLeft, loadProfile, profilesLeft } from './profiles-left.ts';

/** The finding about a running device begins with this. */
const DEVICE = 'NetworkManager on ';

/** The wishes of the configuration for one device. */
interface Wish {
  readonly device: ManagedDevice;
  readonly keys: readonly ProfileKey[];
  /** Offers that NetworkManager cannot ignore there, with the reason. */
  readonly refused: ReadonlyMap<IgnoredOffer, string>;
}

export class KeptProfiles {
  private readonly host: Host;
  private readonly desired: DesiredState;
  private readonly resource: string;

  constructor(host: Host, desired: DesiredState, resource: string) {
    this.host = host;
    this.desired = desired;
    this.resource = resource;
  }

  async inspect(devices: readonly ManagedDevice[], process: Process | null): Promise<Finding[]> {
    const wishes = devices.map((device) => this.wish(device));
    const found = await Promise.all(wishes.map((wish) => this.ofDevice(wish, process)));
    const wanted = wishes.filter(({ keys }) => keys.length > 0).map(({ device }) => device);
    return [
      ...found.flat(),
      ...(hasProfileLeft(this.host) ? await profilesLeft(this.host, this.resource, wanted) : []),
    ];
  }

  /** Whether a profile was edited, and not yet given back. Costs next to nothing. */
  hasLeft(): boolean {
    return hasProfileLeft(this.host);
  }

  watches(devices: readonly ManagedDevice[]): string[] {
    return devices.flatMap((device) => {
      const { keys } = this.wish(device);
      return keys.length > 0 && device.file !== null ? [device.file] : [];
    });
  }

  static isAbout({ key }: Finding): boolean {
    return key.startsWith(`${PROFILES}/`);
  }

  async apply(finding: Finding): Promise<Outcome> {
    const outcome = await applyFile(this.host, finding, { mode: 0o600 });
    const problem = loadProfile(this.host, finding.key);
    if (problem === null || outcome.result !== 'changed') return outcome;
    return { ...outcome, result: 'failed', changed: true, reason: problem };
  }

  private wish(device: ManagedDevice): Wish {
    const ignored = new Set(ignoredOffers(this.desired.dhcp, device.name));
    const found = [...ignored].map((offer) => [offer, keysFor(offer, ignored, device)] as const);
    const refused = new Map(found.flatMap(([offer, one]) => ('refusal' in one ? [[offer, one.refusal] as const] : [])));
    const keys = new Map(
      found.flatMap(([, one]) => ('keys' in one ? one.keys : [])).map((key) => [`${key.section}.${key.key}`, key]),
    );
    return { device, keys: [...keys.values()], refused };
  }

  private async ofDevice(wish: Wish, process: Process | null): Promise<Finding[]> {
    const { device, keys, refused } = wish;
    const refusals = [...refused].map(([offer, reason]) =>
      this.skipped(`${DEVICE}${device.name}: ${offer}`, device, offer, reason),
    );
    if (keys.length === 0) return refusals;
    const foreign = notEdited(this.host, device, propertiesOf(keys));
    if (foreign !== null || device.file === null)
      return [...refusals, this.skipped(`${DEVICE}${device.name}`, device, 'ignore', foreign ?? '')];
    const file = await this.file(wish, device.file);
    const running = process === null ? [] : [this.running(wish, device.file, process)];
    const found = [...(file === null ? [] : [file]), ...running];
    if (found.every(({ state }) => state === 'ok')) return [...refusals, ...found];
    const { cutOff, ignoring } = await import('../cut-off.ts');
    const refusal = cutOff(this.host, this.desired, ignoring(this.desired.dhcp));
    const judged = (finding: Finding) =>
      refusal === null || finding.state === 'ok' ? finding : { ...finding, refusal, reason: refusal };
    return [...refusals, ...found.map(judged)];
  }

  private file({ device, keys, refused }: Wish, file: string): Promise<Finding | null> {
    const place = { resource: this.resource, key: file, moment: 'boot' } as const;
    return compareFile(
      this.host,
      place,
      (actual) => {
        const wanted = withKeys(actual ?? '', keys);
        const state = actual === wanted ? 'ok' : 'drifted';
        return { wanted, state, settings: async () => this.states(device.name, 'boot', state, { refused }) };
      },
      { unseen: (reason) => this.states(device.name, 'boot', 'unknown', { reason }) },
    );
  }

  /** Whether the running device has the keys: it read its profile when it was activated. */
  private running({ device, keys, refused }: Wish, file: string, process: Process): Finding {
    const { host } = this;
    const { name } = device;
    const read = keys.every(({ section, key, value }) =>
      device.profile.some((line) => line.section === section && line.key === key && line.value === value),
    );
    const isOld = read && changedAfterStart(host, file, process) === null;
    const applied = isOld || isApplied(host, name, keys) === true;
    const wanted = `ignores by ${propertiesOf(keys)}`;
    const why = applied
      ? {}
      : {
          reason: `pending until the next activation of ${name}: NetworkManager reads the profile only then. A reboot activates ${name}; \`${activation(device)}\` does so at once and interrupts its network, so Holdfast does not run it`,
        };
    return {
      resource: this.resource,
      key: `${DEVICE}${name}`,
      kind: 'process',
      moment: 'lease',
      state: applied ? 'ok' : 'skipped',
      wanted,
      actual: applied ? wanted : null,
      ...why,
      settings: async () => this.states(name, 'lease', applied ? 'ok' : 'unknown', { refused, ...why }),
    };
  }

  private skipped(key: string, { name }: ManagedDevice, offer: IgnoredOffer | 'ignore', reason: string): Finding {
    const refused = offer === 'ignore' ? undefined : new Map([[offer, reason]]);
    return {
      resource: this.resource,
      key,
      kind: 'process',
      moment: 'lease',
      state: 'skipped',
      wanted: null,
      actual: null,
      reason,
      settings: async () =>
        (['lease', 'boot'] as const).flatMap((moment) =>
          this.states(name, moment, 'unknown', { reason, ...(refused === undefined ? {} : { only: refused }) }),
        ),
    };
  }

  /** The states of every `ignore` that the device has to follow. */
  private states(
    name: string,
    moment: Moment,
    state: State,
    {
      reason,
      refused,
      only,
    }: {
      reason?: string;
      refused?: ReadonlyMap<IgnoredOffer, string>;
      only?: ReadonlyMap<IgnoredOffer, string>;
    },
  ): SettingState[] {
    return dhcpSettings(this.desired.dhcp).flatMap(({ setting, interface: iface, asks, values }) => {
      if (asks.part !== 'ignore' || (iface !== null && iface !== name)) return [];
      if (only !== undefined && !values.some((value) => only.has(value as IgnoredOffer))) return [];
      // The refused offers have a finding of their own.
      if (refused !== undefined && values.every((value) => refused.has(value as IgnoredOffer))) return [];
      return [dhcpState({ setting, values }, moment, state, reason)];
    });
  }
}
