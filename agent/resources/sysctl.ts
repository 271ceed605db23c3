import type { DesiredSysctl } from '../config/desired.ts';
import { sysctlKey } from '../config/sysctl.ts';
import { errorCode, errorMessage, nullIfRefused } from '../host/errors.ts';
import type { Host } from '../host/host.ts';
import { applyFile } from './files.ts';
import { Originals } from './originals.ts';
import { noteRefusal, refusalOf } from './refused.ts';
import type { Finding, Moment, Outcome, Resource, SettingState, State } from './resource.ts';
import { type Assignment, OUR_FILE, PersistedSysctls, sameSysctlValue } from './sysctl-files.ts';
import { unreadable } from './unreadable.ts';

const HEADER = '# Made by Holdfast ("agent apply") from its configuration; changes here are overwritten.\n';

/** Keeps sysctls: in the running kernel, each by itself, and for the next boot in one file of /etc/sysctl.d. */
export class Sysctl implements Resource {
  readonly name = 'sysctl';
  private readonly host: Host;
  private readonly wanted: readonly DesiredSysctl[];
  private readonly persisted: PersistedSysctls;

  constructor(host: Host, wanted: readonly DesiredSysctl[]) {
    this.host = host;
    this.persisted = new PersistedSysctls(host);
    // Writing ip_forward puts the other IPv4 settings of every interface to what suits a router or a host
    // (Documentation/networking/ip-sysctl.rst), so it goes first.
    this.wanted = [...wanted].sort((a, b) => Number(resetsOthers(b)) - Number(resetsOthers(a)));
  }

  async inspect(): Promise<Finding[]> {
    const live = this.wanted.map((setting) => this.inspectLive(setting));
    const persisted = this.inspectPersisted();
    return persisted === null ? live : [...live, persisted];
  }

  async apply(finding: Finding): Promise<Outcome> {
    if (finding.kind === 'file') return applyFile(this.host, finding);
    const setting = this.wanted.find(({ key }) => key === finding.key) as DesiredSysctl;
    const written = wantedValue(setting);
    new Originals(this.host).rememberValue(setting.path, finding.actual ?? '', written);
    try {
      this.host.writeSysctl(setting.path, written);
    } catch (error) {
      if (errorCode(error) === 'EINVAL') noteRefusal(this.host, setting.path, written, errorMessage(error));
      throw error;
    }
    const actual = this.host.sysctl(setting.path);
    const outcome = { resource: this.name, key: finding.key, moment: finding.moment, actual };
    const taken = actual !== null && satisfies(setting, actual);
    const reason = `wrote ${written}, the kernel made it ${actual ?? 'vanish'}`;
    noteRefusal(this.host, setting.path, written, taken ? null : reason);
    return taken ? { ...outcome, result: 'changed' } : { ...outcome, result: 'failed', reason };
  }

  watches(): string[] {
    return this.wanted.length === 0 ? [] : [OUR_FILE];
  }

  private inspectLive(setting: DesiredSysctl): Finding {
    const { state, actual, reason, refusal } = this.readLive(setting);
    const wanted = describe(setting);
    const common = { moment: 'now', state, wanted, actual, ...(reason === undefined ? {} : { reason }) } as const;
    return {
      ...common,
      resource: this.name,
      key: setting.key,
      kind: 'value',
      ...(refusal === undefined ? {} : { refusal }),
      settings: async () => [{ setting: `sysctl.${setting.key}`, ...common }],
    };
  }

  private readLive(setting: DesiredSysctl): { state: State; actual: string | null; reason?: string; refusal?: string } {
    if (!this.host.live)
      return { state: 'skipped', actual: null, reason: 'the running kernel is not that of these files' };
    try {
      const actual = this.host.sysctl(setting.path);
      if (actual !== null) return { state: satisfies(setting, actual) ? 'ok' : 'drifted', actual };
      const reason = 'this kernel has no such key; its module may not be loaded';
      return { state: 'unknown', actual, reason, ...(setting.optional ? {} : { refusal: reason }) };
    } catch (error) {
      return { state: 'unknown', actual: null, reason: errorMessage(error), refusal: errorMessage(error) };
    }
  }

  /** null: nothing is configured and no file of ours is there. */
  private inspectPersisted(): Finding | null {
    let actual: string | null;
    try {
      actual = this.host.readText(OUR_FILE);
    } catch (error) {
      const unseen = { moment: 'boot', state: 'unknown', actual: null, reason: `${OUR_FILE} cannot be read` } as const;
      const place = { resource: this.name, key: OUR_FILE, moment: 'boot' } as const;
      return unreadable(place, error, async () =>
        this.wanted.map((one) => ({ ...unseen, setting: `sysctl.${one.key}`, wanted: describe(one) })),
      );
    }
    if (this.wanted.length === 0 && actual === null) return null;
    const all = this.persisted.all();
    const wanted =
      this.wanted.length === 0 ? null : HEADER + this.wanted.map((setting) => this.line(setting, all)).join('');
    const settings = this.wanted.map((setting) => this.bootState(setting, all));
    const overruled = settings.flatMap(({ state, reason }) =>
      state === 'drifted' && reason !== undefined ? [reason] : [],
    );
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
    return `${setting.optional ? '-' : ''}${sysctlKey(setting.path)} = ${this.persistedValue(setting, all)}\n`;
  }

  /** "At least" never lowers at boot what the kernel, or another file, has higher. */
  private persistedValue(setting: DesiredSysctl, all: readonly Assignment[]): string {
    if ('value' in setting.want) return setting.want.value;
    const others = all.filter(({ path }) => path === setting.path).map(({ value }) => Number(value));
    const live = this.host.live ? Number(nullIfRefused(() => this.host.sysctl(setting.path)) ?? 0) : 0;
    return String(Math.max(setting.want.atLeast, ...[...others, live].filter(Number.isSafeInteger)));
  }

  private isLive(setting: DesiredSysctl): boolean {
    const actual = nullIfRefused(() => this.host.sysctl(setting.path));
    return actual !== null && satisfies(setting, actual);
  }

  /** What the next boot will make of one setting, other files considered: they are read after ours or before. */
  private bootState(setting: DesiredSysctl, all: readonly Assignment[]): SettingState {
    const ours = all.findLast(({ path, file }) => path === setting.path && file === OUR_FILE);
    const last = all.findLast(({ path }) => path === setting.path);
    const common = {
      setting: `sysctl.${setting.key}`,
      moment: 'boot' satisfies Moment,
      wanted: describe(setting),
    } as const;
    const overruled = overruling(all, setting);
    if (overruled !== undefined) {
      const reason = `${overruled.file}:${overruled.line} sets ${setting.key} to ${overruled.value} after ours`;
      return { ...common, state: 'drifted', actual: overruled.value, reason };
    }
    if (this.host.live && nullIfRefused(() => this.host.sysctl(setting.path)) === null) {
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

/** The assignment in a file read after ours that makes the setting wrong at boot. */
export function overruling(all: readonly Assignment[], setting: DesiredSysctl): Assignment | undefined {
  const ourName = OUR_FILE.slice(OUR_FILE.lastIndexOf('/') + 1);
  const later = all.filter(({ file, path }) => {
    return path === setting.path && file.slice(file.lastIndexOf('/') + 1) > ourName;
  });
  const last = later.at(-1);
  return last !== undefined && !satisfies(setting, last.value) ? last : undefined;
}

/** Whether that value, live or in a file, is as wanted. */
export function satisfies({ want }: DesiredSysctl, actual: string): boolean {
  if ('value' in want) return sameSysctlValue(want.value, actual);
  return actual.trim() !== '' && Number(actual) >= want.atLeast;
}

function wantedValue({ want }: DesiredSysctl): string {
  return 'value' in want ? want.value : String(want.atLeast);
}

function describe({ want }: DesiredSysctl): string {
  return 'value' in want ? want.value : `at least ${want.atLeast}`;
}

function resetsOthers({ path }: DesiredSysctl): boolean {
  return path === 'net/ipv4/ip_forward' || path === 'net/ipv4/conf/all/forwarding';
}
