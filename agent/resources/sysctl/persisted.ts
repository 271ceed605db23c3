/** Our file of /etc/sysctl.d: its wanted content, and each setting after the next boot. */
import type { DesiredSysctl } from '../../config/desired.ts';
import { EVERY, sysctlKey, sysctlPath } from '../../config/notation/sysctl-keys.ts';
import { sysctlNumber } from '../../config/sysctl/kinds.ts';
import { isSecretSysctl, OTHER_SECRET, SECRET, shownText, withoutSecrets } from '../../config/sysctl/secret-sysctls.ts';
import { Originals } from '../../hold/originals/originals.ts';
import type { SettingState } from '../../hold/resource.ts';
import { nullIfRefused } from '../../host/errors.ts';
import type { Host } from '../../host/host.ts';
import { BootSysctls, type BootValue } from './boot/boot.ts';
import { type Assignment, isAssignment, OUR_FILE, type PersistedLook, type SysctlLine } from './boot/sysctl-files.ts';
import { describeWanted, isLive, liveValues, satisfies, settingName, wantedValue } from './live.ts';
import { sysctlRefusal } from './refusals.ts';

const HEADER = '# Made by Holdfast ("agent apply") from its configuration; changes here are overwritten.\n';

/** Below /proc/sys: keys of one interface, which the kernel has for every interface if it has them for `default`. */
const OF_INTERFACE = /^(net\/ipv[46]\/(?:conf|neigh))\/[^/]+\/([^/]+)$/;

/** The wanted content of our file; null if the file should not exist. `actual` is its present content. */
export function wantedFile(
  host: Host,
  settings: readonly DesiredSysctl[],
  persisted: PersistedLook,
  actual: string | null,
): string | null {
  const others = persisted.lines(null);
  const ours = new Set(persisted.lines(actual).flatMap(({ file, path }) => (file === OUR_FILE ? [path] : [])));
  const kept = settings.filter((setting) => isKnown(host, setting, ours));
  return kept.length === 0 ? null : HEADER + kept.map((setting) => lineOf(host, setting, others)).join('');
}

/**
 * Our file's text in the form that may be shown and reported. A secret that is about to change still shows as a change.
 */
export function shownFile(text: string | null, settings: readonly DesiredSysctl[]): string | null {
  if (text === null) return null;
  return withoutSecrets(text, (key, value) => {
    const setting = settings.find(({ path }) => path === sysctlPath(key.replace(/^-/, '')));
    return setting === undefined || satisfies(setting, value) ? SECRET : OTHER_SECRET;
  });
}

/** Leaves out keys that this kernel never had, which may be misspelt. `ours`: the keys that our file already has. */
function isKnown(host: Host, { path, optional }: DesiredSysctl, ours: ReadonlySet<string>): boolean {
  if (!host.live || optional || path.includes(EVERY) || ours.has(path)) return true;
  const ofDefault = path.replace(OF_INTERFACE, '$1/default/$2');
  return [path, ofDefault].some((one) => nullIfRefused(() => liveValues(host, one)) !== null);
}

function lineOf(host: Host, setting: DesiredSysctl, others: readonly SysctlLine[]): string {
  // A reader that knows no patterns must be able to skip the line.
  const mayFail = setting.optional || setting.path.includes(EVERY);
  return `${mayFail ? '-' : ''}${sysctlKey(setting.path)} = ${persistedValue(host, setting, others)}\n`;
}

/** The value for "at least". It must not lower a higher value of the kernel, or of another file at boot. */
function persistedValue(host: Host, setting: DesiredSysctl, others: readonly SysctlLine[]): string {
  if ('value' in setting.want) return setting.want.value;
  const { path } = setting;
  const theirs = others.flatMap((line) => (line.path === path && isAssignment(line) ? [sysctlNumber(line.value)] : []));
  return String(Math.max(setting.want.atLeast, ...[...theirs, liveWithoutUs(host, path)].filter(Number.isSafeInteger)));
}

/** The kernel's value before our write, if the kernel still has our value. */
function liveWithoutUs(host: Host, path: string): number {
  const live = host.live ? nullIfRefused(() => host.sysctl(path)) : null;
  const original = live === null ? null : nullIfRefused(() => new Originals(host).find('sysctl', path));
  return Number((original?.after === live?.trim() ? original?.before : live) ?? 0);
}

export class BootVerdicts {
  readonly #host: Host;
  readonly #before: BootSysctls;
  readonly #after: BootSysctls;
  /** The paths in our present file. */
  readonly #ours: ReadonlySet<string>;
  readonly #refusals: readonly string[];

  /**
   * `wanted`: the text that our file is assumed to have. `later`: the settings that other programs write after
   * systemd-sysctl.
   */
  constructor(
    host: Host,
    persisted: PersistedLook,
    { wanted, later }: { wanted: string | null; later: readonly Assignment[] },
  ) {
    this.#host = host;
    const lines = persisted.lines();
    this.#before = new BootSysctls(lines, later);
    this.#after = new BootSysctls(persisted.lines(wanted), later);
    this.#ours = new Set(lines.flatMap(({ file, path }) => (file === OUR_FILE ? [path] : [])));
    this.#refusals = persisted.refusals();
  }

  /** The value after the next boot and its cause, if the value differs although our file is as wanted. */
  overruled(setting: DesiredSysctl): { readonly reason: string; readonly value: BootValue | null } | null {
    return overrulingLine(this.#after, setting);
  }

  /** The state of one setting after the next boot, with all other files considered. */
  state(setting: DesiredSysctl): SettingState {
    const common = { setting: settingName(setting), moment: 'boot', wanted: describeWanted(setting) } as const;
    const overruled = this.overruled(setting);
    if (overruled !== null) {
      const { reason, value } = overruled;
      return { ...common, state: value?.by.maybe ? 'unknown' : 'drifted', actual: shownOrNull(setting, value), reason };
    }
    const { live } = this.#host;
    if (live && nullIfRefused(() => liveValues(this.#host, setting.path)) === null) {
      return { ...common, state: 'unknown', actual: null, reason: 'this kernel shows no such key now' };
    }
    const values = this.#before.values(setting.path);
    const actual = shownOrNull(setting, values.find((one) => !satisfies(setting, one.value)) ?? values.at(-1) ?? null);
    // A refusal counts only if the kernel has another value now, because another program may have set our value.
    const refusal = live && !isLive(this.#host, setting) ? this.#refusal(setting) : null;
    if (refusal !== null) {
      return {
        ...common,
        state: 'unknown',
        actual,
        reason: `this kernel refused the value when it was tried: ${refusal}`,
      };
    }
    const right = this.#ours.has(setting.path) && values.every(({ value }) => satisfies(setting, value));
    const [unread] = this.#refusals;
    if (right && unread !== undefined) return { ...common, state: 'unknown', actual, reason: unread };
    return { ...common, state: right ? 'ok' : 'drifted', actual };
  }

  #refusal(setting: DesiredSysctl): string | null {
    return isSecretSysctl(setting.path) ? null : sysctlRefusal(this.#host, setting.path, wantedValue(setting));
  }
}

/** The line of another file or program that makes a setting wrong at boot; null if there is none. */
export function overrulingLine(
  boot: BootSysctls,
  setting: DesiredSysctl,
): { readonly reason: string; readonly value: BootValue | null } | null {
  const exemption = boot.exemption(setting.path);
  if (exemption !== null && exemption.file !== OUR_FILE) {
    const reason = `${exemption.file}:${exemption.line} takes ${setting.key} out of all files before it (a key with "-" and no value)`;
    return { reason, value: null };
  }
  const value = boot.values(setting.path).find((one) => one.by.file !== OUR_FILE && !satisfies(setting, one.value));
  return value === undefined ? null : { reason: sentence(setting, value), value };
}

function sentence({ path, key }: DesiredSysctl, { by, value, way }: BootValue): string {
  const its = by.path === path ? key : sysctlKey(by.path);
  const sets = `${by.file}:${by.line} sets ${its} to ${shownText(by.path, by.value)}`;
  if (by.program !== undefined) {
    const does = by.maybe ? 'may set' : 'sets';
    return `${by.program} ${does} ${its} to ${shownText(by.path, by.value)} after every boot (${by.file}:${by.line})`;
  }
  switch (way) {
    case 'name':
      return by.path === path ? `${sets} after ours` : `${sets} by its name, which wins over a pattern`;
    case 'alias':
      return `${sets} after ours, and that is ${key} by another name`;
    case 'units':
      return `${sets} after ours, and that is ${key} in other units (${value})`;
    case 'all':
      return `${sets} after ours, and the kernel sets ${key} with it`;
    case 'effect':
      return `${sets} after ours, and the kernel then makes ${key} ${value}`;
    case 'pattern':
      return `${sets}, a pattern that fits ${key}`;
  }
}

function shownOrNull({ path }: DesiredSysctl, value: BootValue | null): string | null {
  return value === null ? null : shownText(path, value.value);
}
