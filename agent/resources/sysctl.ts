import type { DesiredSysctl } from '../config/desired.ts';
import { EVERY, sysctlKey } from '../config/sysctl.ts';
import { errorCode, errorMessage, nullIfRefused } from '../host/errors.ts';
import type { Host } from '../host/host.ts';
import { applyFile } from './files.ts';
import { Originals } from './originals.ts';
import { noteRefusal, refusalOf } from './refused.ts';
import type { Finding, Moment, Outcome, Resource, SettingState, State } from './resource.ts';
import { type Assignment, OUR_FILE, PersistedSysctls } from './sysctl-files.ts';
import { alreadySo, type LiveValue, liveValues, satisfies, shownValue } from './sysctl-live.ts';
import { unreadable } from './unreadable.ts';

const HEADER = '# Made by Holdfast ("agent apply") from its configuration; changes here are overwritten.\n';

/** Keeps sysctls: in the running kernel, each by itself, and for the next boot in one file of /etc/sysctl.d. */
export class Sysctl implements Resource {
  readonly name = 'sysctl';
  private readonly host: Host;
  private readonly wanted: readonly DesiredSysctl[];
  private readonly persisted: PersistedSysctls;
  /** What one look found: of many interfaces each value is read but once. */
  private readonly look = new Map<string, LiveValue[] | null>();

  constructor(host: Host, wanted: readonly DesiredSysctl[]) {
    this.host = host;
    this.persisted = new PersistedSysctls(host);
    this.wanted = [...wanted].sort((a, b) => turn(a) - turn(b));
  }

  async inspect(): Promise<Finding[]> {
    this.look.clear();
    const cutOff = await this.cutOff();
    const live = this.wanted.map((setting) => this.inspectLive(setting, cutOff));
    const persisted = this.inspectPersisted(cutOff);
    return persisted === null ? live : [...live, persisted];
  }

  async apply(finding: Finding): Promise<Outcome> {
    if (finding.kind === 'file') return applyFile(this.host, finding);
    const setting = this.wanted.find(({ key }) => key === finding.key) as DesiredSysctl;
    const written = wantedValue(setting);
    for (const { path, value } of this.wrongOf(setting, liveValues(this.host, setting.path) ?? [])) {
      const originals = new Originals(this.host);
      originals.rememberValue(path, value, written);
      for (const one of alreadySo(this.host, path, written)) originals.rememberValue(one.path, one.value, one.value);
      try {
        this.host.writeSysctl(path, written);
      } catch (error) {
        if (errorCode(error) === 'EINVAL') noteRefusal(this.host, setting.path, written, errorMessage(error));
        if (errorCode(error) !== 'ENOENT' || path === setting.path) throw error; // the interface went away
      }
    }
    const values = liveValues(this.host, setting.path);
    const wrong = this.wrongOf(setting, values ?? []);
    const actual = values === null ? null : shownValue(setting, values, wrong);
    const outcome = { resource: this.name, key: finding.key, moment: finding.moment, actual };
    const taken = values !== null && wrong.length === 0;
    const reason = `wrote ${written}, the kernel made it ${actual ?? 'vanish'}`;
    noteRefusal(this.host, setting.path, written, taken ? null : reason);
    return taken ? { ...outcome, result: 'changed' } : { ...outcome, result: 'failed', reason };
  }

  watches(): string[] {
    return this.wanted.length === 0 ? [] : [OUR_FILE];
  }

  /** Why IPv6 must not be forwarded yet, or null. It is asked only where that would be changed. */
  private async cutOff(): Promise<string | null> {
    const drifted = this.wanted.some((setting) => {
      return isForwarding6(setting) && this.host.live && !this.isLive(setting);
    });
    if (!drifted) return null;
    const { lostByForwarding } = await import('./router-advertisements.ts');
    return lostByForwarding(this.host, this.wanted);
  }

  private inspectLive(setting: DesiredSysctl, cutOff: string | null): Finding {
    const found = this.readLive(setting);
    const barred = cutOff !== null && isForwarding6(setting) && found.state === 'drifted';
    const { state, actual, reason, refusal } = barred ? { ...found, reason: cutOff, refusal: cutOff } : found;
    const wanted = describe(setting);
    const common = { moment: 'now', state, wanted, actual, ...(reason === undefined ? {} : { reason }) } as const;
    return {
      ...common,
      resource: this.name,
      key: setting.key,
      kind: 'value',
      ...(refusal === undefined ? {} : { refusal }),
      settings: async () => [{ setting: settingOf(setting), ...common, ...withKey(setting, common) }],
    };
  }

  private readLive(setting: DesiredSysctl): { state: State; actual: string | null; reason?: string; refusal?: string } {
    if (!this.host.live)
      return { state: 'skipped', actual: null, reason: 'the running kernel is not that of these files' };
    try {
      const values = this.liveOf(setting);
      if (values !== null) {
        const wrong = this.wrongOf(setting, values);
        return { state: wrong.length === 0 ? 'ok' : 'drifted', actual: shownValue(setting, values, wrong) };
      }
      const reason = 'this kernel has no such key; its module may not be loaded';
      return { state: 'unknown', actual: null, reason, ...(setting.optional ? {} : { refusal: reason }) };
    } catch (error) {
      return { state: 'unknown', actual: null, reason: errorMessage(error), refusal: errorMessage(error) };
    }
  }

  private liveOf({ path }: DesiredSysctl): LiveValue[] | null {
    const values = this.look.has(path) ? (this.look.get(path) ?? null) : liveValues(this.host, path);
    this.look.set(path, values);
    return values;
  }

  private wrongOf(setting: DesiredSysctl, values: readonly LiveValue[]): LiveValue[] {
    return values.filter(({ value }) => !satisfies(setting, value));
  }

  /** null: nothing is configured and no file of ours is there. */
  private inspectPersisted(cutOff: string | null): Finding | null {
    let actual: string | null;
    try {
      actual = this.host.readText(OUR_FILE);
    } catch (error) {
      const unseen = { moment: 'boot', state: 'unknown', actual: null, reason: `${OUR_FILE} cannot be read` } as const;
      const place = { resource: this.name, key: OUR_FILE, moment: 'boot' } as const;
      return unreadable(place, error, async () =>
        this.wanted.map((one) => ({ ...unseen, setting: settingOf(one), wanted: describe(one) })),
      );
    }
    if (this.wanted.length === 0 && actual === null) return null;
    const all = this.persisted.all();
    // What would cut the host off now would do so at boot.
    const kept = cutOff === null ? this.wanted : this.wanted.filter((setting) => !isForwarding6(setting));
    const wanted = kept.length === 0 ? null : HEADER + kept.map((setting) => this.line(setting, all)).join('');
    const settings = this.wanted.map((setting): SettingState => {
      const state = this.bootState(setting, all);
      return kept.includes(setting) ? state : { ...state, state: 'drifted', reason: cutOff as string };
    });
    const reasons = settings.flatMap(({ state, reason }) =>
      state === 'drifted' && reason !== undefined ? [reason] : [],
    );
    const overruled = [...new Set(reasons)];
    return {
      resource: this.name,
      key: OUR_FILE,
      kind: 'file',
      moment: 'boot',
      state: actual === wanted && overruled.length === 0 ? 'ok' : 'drifted',
      wanted,
      actual,
      // Our file being right, what is left is in files of others: theirs to change.
      ...(actual === wanted && overruled.length > 0 ? { refusal: overruled.join('; ') } : {}),
      ...(overruled.length > 0 ? { reason: overruled.join('; ') } : {}),
      settings: async () => settings,
    };
  }

  private line(setting: DesiredSysctl, all: readonly Assignment[]): string {
    // Who does not know patterns is to pass over them.
    const mayFail = setting.optional || setting.path.includes(EVERY);
    return `${mayFail ? '-' : ''}${sysctlKey(setting.path)} = ${this.persistedValue(setting, all)}\n`;
  }

  /** "At least" never lowers at boot what the kernel, or another file, has higher. */
  private persistedValue(setting: DesiredSysctl, all: readonly Assignment[]): string {
    if ('value' in setting.want) return setting.want.value;
    const others = all.filter(({ path }) => path === setting.path).map(({ value }) => Number(value));
    const live = this.host.live ? Number(nullIfRefused(() => this.host.sysctl(setting.path)) ?? 0) : 0;
    return String(Math.max(setting.want.atLeast, ...[...others, live].filter(Number.isSafeInteger)));
  }

  private isLive(setting: DesiredSysctl): boolean {
    const values = nullIfRefused(() => this.liveOf(setting));
    return values !== null && this.wrongOf(setting, values).length === 0;
  }

  /** What the next boot will make of one setting, other files considered: they are read after ours or before. */
  private bootState(setting: DesiredSysctl, all: readonly Assignment[]): SettingState {
    const ours = all.findLast(({ path, file }) => path === setting.path && file === OUR_FILE);
    const last = all.findLast(({ path }) => path === setting.path);
    const common = {
      setting: settingOf(setting),
      moment: 'boot' satisfies Moment,
      wanted: describe(setting),
    } as const;
    const overruled = overruling(all, setting);
    if (overruled !== undefined) {
      const wins = overruled.path === setting.path ? 'after ours' : 'by its name, which wins over a pattern';
      const key = overruled.path === setting.path ? setting.key : sysctlKey(overruled.path);
      const reason = `${overruled.file}:${overruled.line} sets ${key} to ${overruled.value} ${wins}`;
      return { ...common, state: 'drifted', actual: overruled.value, reason };
    }
    if (this.host.live && nullIfRefused(() => this.liveOf(setting)) === null) {
      return { ...common, state: 'unknown', actual: null, reason: 'this kernel shows no such key now' };
    }
    // Only where the kernel has another value now: somebody else may have found a way.
    const refusal =
      this.host.live && !this.isLive(setting) ? refusalOf(this.host, setting.path, wantedValue(setting)) : null;
    if (refusal !== null) {
      const reason = `this kernel did not take it when it was tried: ${refusal}`;
      return { ...common, state: 'unknown', actual: last?.value ?? null, reason };
    }
    const right = ours !== undefined && last !== undefined && satisfies(setting, last.value);
    return { ...common, state: right ? 'ok' : 'drifted', actual: last?.value ?? null };
  }
}

/** The assignment in a file of others that makes the setting wrong at boot: of its key a later one, of a pattern any by name. */
export function overruling(all: readonly Assignment[], setting: DesiredSysctl): Assignment | undefined {
  const ourName = OUR_FILE.slice(OUR_FILE.lastIndexOf('/') + 1);
  const later = all.filter(({ file, path }) => {
    if (path !== setting.path) return file !== OUR_FILE && ofOneInterface(setting.path, path);
    return file.slice(file.lastIndexOf('/') + 1) > ourName;
  });
  const last = later.at(-1);
  return last !== undefined && !satisfies(setting, last.value) ? last : undefined;
}

/** Those of all, of default and of every interface are settings of their own. */
function ofOneInterface(pattern: string, path: string): boolean {
  const [before, after] = pattern.split(EVERY);
  if (before === undefined || after === undefined) return false;
  if (!path.startsWith(before) || !path.endsWith(after)) return false;
  return !['all', 'default', EVERY].includes(path.slice(before.length, path.length - after.length));
}

function wantedValue({ want }: DesiredSysctl): string {
  return 'value' in want ? want.value : String(want.atLeast);
}

function describe({ want }: DesiredSysctl): string {
  return 'value' in want ? want.value : `at least ${want.atLeast}`;
}

function settingOf({ setting, key }: DesiredSysctl): string {
  return setting ?? `sysctl.${key}`;
}

/** Several keys are one setting then, so it is said which of them is not as wanted. */
function withKey(
  { setting, key }: DesiredSysctl,
  { state, actual, reason }: Pick<Finding, 'state' | 'actual' | 'reason'>,
) {
  if (setting === undefined || state !== 'drifted' || reason !== undefined) return {};
  return { reason: `${key} is ${actual}` };
}

/**
 * Who is to be written first. Where forwarding begins, the kernel drops the default routes of interfaces that believe router
 * advertisements only as a host does; and writing ip_forward puts the other IPv4 settings of every interface to what suits
 * a router or a host (Documentation/networking/ip-sysctl.rst).
 */
function turn({ path }: DesiredSysctl): number {
  if (/^net\/ipv6\/conf\/[^/]+\/accept_ra$/.test(path)) return 0;
  return path === 'net/ipv4/ip_forward' || /^net\/ipv[46]\/conf\/all\/forwarding$/.test(path) ? 1 : 2;
}

function isForwarding6({ path, setting, want }: DesiredSysctl): boolean {
  return setting === 'forwarding.ipv6' && path.startsWith('net/ipv6/') && 'value' in want && want.value === '1';
}
