import type { DesiredState } from '../../config/desired.ts';
import type { Finding, Outcome, Resource, SettingState } from '../../hold/resource.ts';
import { HostError } from '../../host/errors.ts';
import { iniLinesOf } from '../../host/files/ini.ts';
import type { Host } from '../../host/host.ts';
import { isUnitEnabled } from '../../host/service/units.ts';
import type { ClientSurroundings } from '../client.ts';
import { clientFindings } from '../client-findings.ts';
import { type DhcpSetting, dhcpSettings, dhcpState } from '../dhcp-settings.ts';
import { cutOffAtStart } from './cut-off-at-start.ts';
import { type DhcpPlan, dhcpPlan } from './dhcp-plan.ts';
import { DHCP_DROP_INS, dropInsInUse, keptDropIn, laterDropIns, readDropIn } from './drop-in.ts';
import { applyNetworkdFile, compareNetworkdFile } from './kept-files.ts';
import { keptFilesLeft } from './left-behind.ts';
import { NETWORKD_STATE, type NetworkdLink, networkdLinks } from './managed-links.ts';
import { asksDhcp, namesOfNextStart, networkNames } from './match.ts';
import { networkLines } from './network-lines.ts';
import { stillRead } from './still-read.ts';
import { tellTime, timeBehind, wasToldTime } from './time-servers.ts';

/** Milliseconds for systemd-networkd to write its state file, which it does when it is idle. */
const WRITTEN_WITHIN = 5000;

const PENDING =
  'pending until the next start of systemd-networkd ("systemctl restart systemd-networkd", or a reboot), because it reads this only then; with dhcp.restart: whenSafe, Holdfast starts it again if nothing is lost';

/** The names of settings that wait for the next start, and are kept for it. */
export async function pendingWithNetworkd(host: Host, desired: DesiredState): Promise<string[]> {
  const findings = await new NetworkdDhcp(host, desired, { holders: () => [] }).inspect();
  const states = (await Promise.all(findings.map((finding) => finding.settings()))).flat();
  const isKept = (setting: string) => {
    return states.every((one) => one.setting !== setting || one.moment !== 'boot' || one.state === 'ok');
  };
  const pending = states.filter(({ moment, reason }) => moment === 'lease' && reason === PENDING);
  return [...new Set(pending.map(({ setting }) => setting))].filter(isKept);
}

/**
 * Keeps the settings of `dhcp` for systemd-networkd: a drop-in for each `.network` file that asks a DHCP server, read at
 * its next start (agent/clients/networkd/drop-in.ts). Time servers are also told to the running systemd-networkd.
 */
export class NetworkdDhcp implements Resource {
  readonly name = 'networkd';
  private readonly host: Host;
  private readonly desired: DesiredState;
  private readonly settings: readonly DhcpSetting[];
  private readonly around: Pick<ClientSurroundings, 'holders'>;

  constructor(host: Host, desired: DesiredState, around: Pick<ClientSurroundings, 'holders'>) {
    this.host = host;
    this.desired = desired;
    this.settings = dhcpSettings(desired.dhcp);
    this.around = around;
  }

  async inspect(): Promise<Finding[]> {
    const { host } = this;
    if (this.settings.length === 0) return [...(await keptFilesLeft(host, DHCP_DROP_INS)), ...stillRead(host, [])];
    const plans = this.plans();
    if (plans.length === 0) return [];
    const lost = await cutOffAtStart(host, this.desired, plans);
    const files = await Promise.all(plans.map((plan) => this.compareFile(plan, lost.get(plan.file) ?? null)));
    const isNeeded = plans.some(({ text }) => text !== null) || dropInsInUse(host, DHCP_DROP_INS).length > 0;
    const wanted = isNeeded ? DHCP_DROP_INS.serviceText : null;
    const service = await compareNetworkdFile(host, DHCP_DROP_INS.service, wanted, (actual) => {
      return actual === wanted ? [] : plans.flatMap((plan) => statesOf(plan, 'boot', 'drifted'));
    });
    const found = [...files, service].filter((finding) => finding !== null);
    const all = [...plans.flatMap((plan) => this.timeOf(plan)), ...found, ...refusals(plans)];
    const runs = host.processes('systemd-network', 'network').length > 0;
    const judged = clientFindings(host, { program: 'systemd-networkd', runs, holders: this.around.holders }, all);
    return [...judged, ...stillRead(host, plans)];
  }

  async apply(finding: Finding): Promise<Outcome> {
    if (finding.kind === 'file') return applyNetworkdFile(this.host, finding);
    const { resource, key, moment } = finding;
    const read = () =>
      this.plans()
        .flatMap((plan) => this.timeOf(plan))
        .find((one) => one.key === key);
    if (finding.wanted === null || read() === undefined)
      throw new HostError('ENOLINK', 'systemd-networkd no longer manages it');
    tellTime(this.host, key, finding.wanted.split(' '));
    for (const deadline = Date.now() + WRITTEN_WITHIN; ; ) {
      const now = read();
      const actual = now?.actual ?? null;
      const reason = now?.reason === undefined ? {} : { reason: now.reason };
      if (now !== undefined && now.state !== 'drifted')
        return { resource, key, moment, result: 'changed', actual, ...reason };
      if (Date.now() > deadline) {
        const late = 'systemd-networkd got the servers, but its state file does not show them';
        return { resource, key, moment, result: 'failed', actual, reason: late };
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  watches(): string[] {
    if (this.settings.length === 0) return [];
    const plans = this.plans();
    if (plans.length === 0) return [];
    const links = plans.flatMap((plan) => plan.links.map(({ state }) => state));
    return [
      ...links,
      ...plans.map(({ file }) => keptDropIn(file, DHCP_DROP_INS)),
      DHCP_DROP_INS.service,
      NETWORKD_STATE,
    ];
  }

  private plans(): DhcpPlan[] {
    const all = networkdLinks(this.host);
    return this.names(all).map((name) => dhcpPlan(this.host, name, all, this.settings));
  }

  /** The `.network` files, by name, of links that ask a DHCP server or take advertisements that are to be ignored. */
  private names(all: readonly NetworkdLink[]): string[] {
    const { host } = this;
    const ignoring = this.settings.filter(({ values }) => values.includes('router-advertisements'));
    const links = all.filter(({ name, networkFile }) => {
      const { ipv4, ipv6 } = asksDhcp(networkLines(host, networkFile));
      return ipv4 || ipv6 || ignoring.some((one) => one.interface === null || one.interface === name);
    });
    if (host.live && host.processes('systemd-network', 'network').length > 0)
      return links.length === 0 ? [] : networkNames(host, links, all, DHCP_DROP_INS);
    return isUnitEnabled(host, 'systemd-networkd.service') ? namesOfNextStart(host, DHCP_DROP_INS) : [];
  }

  /** `lost`: why the host would be cut off with this drop-in. */
  private async compareFile(plan: DhcpPlan, lost: string | null): Promise<Finding | null> {
    const { host } = this;
    const { file, text, links } = plan;
    const keys = [...new Set(plan.held.flatMap(({ lines }) => lines.map(({ line }) => line.replace(/=.*/, ''))))];
    const later =
      keys.length === 0
        ? []
        : laterDropIns(host, file, DHCP_DROP_INS, new RegExp(`^\\s*(${keys.join('|')})\\s*=`, 'm'));
    const finding = await compareNetworkdFile(host, keptDropIn(file, DHCP_DROP_INS), text, (actual) => {
      const atBoot = statesOf(plan, 'boot', actual === text ? 'ok' : 'drifted');
      const reason = `files after the drop-in have the last word (${later.join(', ')})`;
      const boot = later.length === 0 ? atBoot : atBoot.map((one) => ({ ...one, state: 'unknown' as const, reason }));
      return links.length === 0 ? boot : [...boot, ...this.atLease(plan)];
    });
    if (finding === null || lost === null || finding.state !== 'drifted') return finding;
    return { ...finding, refusal: lost };
  }

  /** The settings that the running systemd-networkd uses at its next lease: those that it read at its start. */
  private atLease(plan: DhcpPlan): SettingState[] {
    const read = readDropIn(this.host, plan.file, DHCP_DROP_INS) ?? '';
    // DHCPv4 and DHCPv6 have keys of the same name.
    const known = new Set(iniLinesOf('', read).map(({ section, key, value }) => `${section} ${key}=${value}`));
    const isRead = ({ setting }: SettingState) => {
      const lines = plan.held.find((one) => one.setting.setting === setting)?.lines ?? [];
      return read === plan.text || lines.every(({ section, line }) => known.has(`${section} ${line}`));
    };
    const others = statesOf(plan, 'lease', 'ok').filter((state) => !isTime(state));
    return others.map((state) =>
      isRead(state) ? state : { ...state, state: 'unknown', actual: null, reason: PENDING },
    );
  }

  /** The time servers of each link. */
  private timeOf(plan: DhcpPlan): Finding[] {
    const found = plan.held.find(({ setting }) => isTime(setting));
    if (found === undefined || plan.text === null) return [];
    const { setting, values } = found.setting;
    return plan.links.map((link) => {
      const wanted = values.join(' ');
      const isKept =
        readDropIn(this.host, plan.file, DHCP_DROP_INS)?.includes(`\nNTP=${wanted}\n`) ||
        wasToldTime(this.host, link.name, values);
      const isFirst = link.ntp.slice(0, values.length).join(' ') === wanted;
      const behind = isFirst ? timeBehind(this.host, link, values) : [];
      const right = isFirst && isKept === true;
      const note = `systemd-networkd keeps ${behind.join(' and ')} of the lease behind ours until it starts again`;
      const state = !right ? 'drifted' : behind.length > 0 ? 'unknown' : 'ok';
      const reason = right && behind.length > 0 ? { reason: note } : {};
      const actual = link.ntp.join(' ');
      const of = (moment: 'now' | 'lease'): SettingState => ({ setting, moment, state, wanted, actual, ...reason });
      const settings = async () => [of('now'), of('lease')];
      return {
        resource: this.name,
        key: link.name,
        kind: 'link',
        moment: 'now',
        state,
        wanted,
        actual,
        ...reason,
        settings,
      };
    });
  }
}

function isTime({ setting }: { readonly setting: string }): boolean {
  return setting.endsWith('.supersede.ntp-servers');
}

function statesOf({ held }: DhcpPlan, moment: 'lease' | 'boot', state: 'ok' | 'drifted'): SettingState[] {
  return held.map(({ setting }) => dhcpState(setting, moment, state));
}

/** One finding for each setting that systemd-networkd cannot hold. `apply` changes nothing for it. */
function refusals(plans: readonly DhcpPlan[]): Finding[] {
  const found = new Map(plans.flatMap(({ refused }) => refused).map((one) => [one.setting.setting, one]));
  return [...found.values()].map(({ setting, reason }) => {
    const states = (['lease', 'boot'] as const).map((moment) => dhcpState(setting, moment, 'unknown', reason));
    return {
      resource: 'networkd',
      key: setting.setting,
      kind: 'process',
      moment: 'lease',
      state: 'unknown',
      wanted: setting.values.join(' '),
      actual: null,
      reason,
      settings: async () => states,
    };
  });
}
