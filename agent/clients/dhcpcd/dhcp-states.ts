/** Whether dhcpcd holds each setting of `dhcp`, at a lease and at its next start. */
import type { DesiredDhcp } from '../../config/desired.ts';
import { findOption, type OptionDefinition } from '../../config/notation/dhcp-options.ts';
import type { SettingState, State } from '../../hold/resource.ts';
import { changedAfterStart } from '../../host/files/file-times.ts';
import type { Host } from '../../host/host.ts';
import { holderName } from '../client.ts';
import { type DhcpSetting, dhcpSettings, dhcpState } from '../dhcp-settings.ts';
import { type ConfEffects, effectsOf, sectionsOf } from './conf-statements.ts';
import { dhcpcdName, neededOption, supersedeWay } from './dhcpcd-options.ts';
import { DHCPCD_CONF, dhcpcdHolders } from './running.ts';
import { OPTIONS_OF_OFFER, type WantedOfDhcpcd, wantedOfDhcpcd } from './wanted.ts';

/** The settings that only our hook holds, all in one state. It also holds the first lease after a boot. */
export function hookStates(dhcp: DesiredDhcp, state: State, reason?: string): SettingState[] {
  return dhcpSettings(dhcp)
    .filter((setting) => wayOf(setting)?.by === 'hook')
    .flatMap((setting) => both(setting, state, reason));
}

/** The settings that dhcpcd.conf holds, in one state, if nothing is known of the file. */
export function confStates(dhcp: DesiredDhcp, state: State, reason: string): SettingState[] {
  return ofConf(dhcp).flatMap((setting) => both(setting, state, reason));
}

/** The settings that dhcpcd.conf holds, judged by its text; also the settings that dhcpcd cannot hold at all. */
export function confStatesOf(host: Host, dhcp: DesiredDhcp, text: string): SettingState[] {
  return ofConf(dhcp).flatMap((setting) => {
    const problem = impossible(setting) ?? overruled(dhcp, setting, text);
    if (problem !== null) return both(setting, 'unknown', problem);
    const waiting = pending(host, setting);
    return waiting === null
      ? both(setting, 'ok')
      : [dhcpState(setting, 'boot', 'ok'), dhcpState(setting, 'lease', 'unknown', waiting)];
  });
}

function ofConf(dhcp: DesiredDhcp): DhcpSetting[] {
  return dhcpSettings(dhcp).filter((setting) => wayOf(setting)?.by !== 'hook');
}

/** null if the setting is not a superseded option. */
function wayOf({ asks, values }: DhcpSetting) {
  return asks.part === 'supersede' ? supersedeWay(definitionOf(asks.option), values) : null;
}

/** Why dhcpcd cannot hold the setting, and what to write in place of it; null if it can. */
function impossible(setting: DhcpSetting): string | null {
  const { asks, values } = setting;
  const way = wayOf(setting);
  if (way !== null) return way.by === 'none' ? way.why : null;
  if (asks.part === 'ignore') return null;
  for (const option of values.map(definitionOf)) {
    const why = dhcpcdName(option) === null ? `dhcpcd has no option ${option.name}` : null;
    const needed = asks.part === 'request.without' ? neededOption(option) : null;
    if (why !== null || needed !== null) return why ?? needed;
  }
  return null;
}

/** A statement outside our block that takes back the setting for some interface, as a sentence; null if none does. */
function overruled(dhcp: DesiredDhcp, setting: DhcpSetting, text: string): string | null {
  const places = setting.interface === null ? [null, ...sectionsOf(text)] : [setting.interface];
  for (const iface of places) {
    const found = contrary(setting, wantedOfDhcpcd(dhcp, iface), effectsOf(text, iface));
    if (found === null) continue;
    const where = iface === null ? '' : ` for interface ${iface}`;
    const line = found.line === null ? 'no line' : `line ${found.line}`;
    return `${line} of ${DHCPCD_CONF} decides ${found.about}${where}, against this setting`;
  }
  return null;
}

interface Contrary {
  readonly about: string;
  /** null if no line of the file is about it. */
  readonly line: number | null;
}

function contrary(setting: DhcpSetting, wanted: WantedOfDhcpcd, effects: ConfEffects): Contrary | null {
  const { asks, values } = setting;
  const listed = (names: readonly string[], needed: (name: string) => boolean): Contrary | null => {
    const wrong = names.find((name) => !needed(effects.lists.get(name)?.name ?? ''));
    return wrong === undefined ? null : { about: wrong, line: effects.lists.get(wrong)?.line ?? null };
  };
  const namesOf = (options: readonly string[]) => options.flatMap((option) => dhcpcdName(definitionOf(option)) ?? []);
  if (asks.part === 'supersede') {
    const [name] = namesOf([asks.option]);
    const value = name === undefined ? undefined : wanted.statics.get(name);
    if (name === undefined || value === undefined || effects.statics.get(name)?.value === value) return null;
    return { about: name, line: effects.statics.get(name)?.line ?? null };
  }
  if (asks.part === 'request.also') {
    const asked = namesOf(values).filter((name) => wanted.asked.includes(name));
    return listed(asked, (statement) => statement === 'option' || statement === 'require');
  }
  const names =
    asks.part === 'ignore'
      ? values.flatMap((offer) => OPTIONS_OF_OFFER[offer as keyof typeof OPTIONS_OF_OFFER])
      : namesOf(values);
  const refused = names.filter((name) => wanted.refused.includes(name));
  const fixed = asks.part === 'ignore' ? refused.find((name) => effects.statics.has(name)) : undefined;
  if (fixed !== undefined) return { about: fixed, line: effects.statics.get(fixed)?.line ?? null };
  if (values.includes('router-advertisements') && !wanted.advertisements && effects.advertisements.taken) {
    return { about: 'router advertisements', line: effects.advertisements.line };
  }
  return listed(refused, (statement) => statement === 'nooption');
}

/** Why a running dhcpcd does not know the setting yet; null if it does, or none runs. */
function pending(host: Host, setting: DhcpSetting): string | null {
  const stale = dhcpcdHolders(host).filter(({ pid, interfaces }) => {
    if (setting.interface !== null && interfaces !== 'all' && !interfaces.includes(setting.interface)) return false;
    const process = host.processes('dhcpcd', 'network').find((one) => one.pid === pid);
    return process !== undefined && changedAfterStart(host, DHCPCD_CONF, process) !== null;
  });
  if (stale.length === 0) return null;
  return `pending until the next start of ${stale.map(holderName).join(', ')}: it read ${DHCPCD_CONF} before the change`;
}

function both(setting: DhcpSetting, state: State, reason?: string): SettingState[] {
  return (['lease', 'boot'] as const).map((moment) => dhcpState(setting, moment, state, reason));
}

function definitionOf(name: string): OptionDefinition {
  const definition = findOption(name);
  if (!definition) throw new TypeError(`no DHCP option is named ${name}`);
  return definition;
}
