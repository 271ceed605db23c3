import type { DesiredSysctl } from '../../config/desired.ts';
import { misfit } from '../../config/sysctl/problems.ts';
import { scopeOfIpv6, setsOthers, sysctlVariable } from '../../config/sysctl/relations.ts';
import { isSecretSysctl, shownText } from '../../config/sysctl/secret-sysctls.ts';
import { applyFile } from '../../hold/files/apply-file.ts';
import { compareFile, type FileView } from '../../hold/files/compare-file.ts';
import { Originals } from '../../hold/originals/originals.ts';
import type { Finding, Outcome, Resource, SettingState } from '../../hold/resource.ts';
import { errorCode, errorMessage, nullIfRefused } from '../../host/errors.ts';
import { type Host, notOfTheseFiles } from '../../host/host.ts';
import { hasScripts } from './boot/script-places.ts';
import { type Assignment, OUR_FILE, PersistedSysctls } from './boot/sysctl-files.ts';
import {
  changedBeside,
  describeWanted,
  isLive,
  type LiveValue,
  liveValues,
  satisfies,
  settingName,
  shownValue,
  unwritable,
  wantedValue,
} from './live.ts';
import { BootVerdicts, shownFile, wantedFile } from './persisted.ts';
import { noteRefusal } from './refusals.ts';
import { whyUnknownName } from './unknown-names.ts';

type LiveLook = Pick<Finding, 'state' | 'actual' | 'reason' | 'refusal'>;

/**
 * Another program may write between our write and our read. Without further tries that would look as if the kernel had
 * refused the value.
 */
const TRIES = 3;

/** Keeps sysctls: in the running kernel, each key by itself, and for the next boot in one file of /etc/sysctl.d. */
export class Sysctl implements Resource {
  readonly name = 'sysctl';
  private readonly host: Host;
  private readonly wanted: readonly DesiredSysctl[];
  private readonly persisted: PersistedSysctls;
  /** The values of one look, so that the values of many interfaces are read only once. */
  private readonly look = new Map<string, LiveValue[] | null>();
  /** Our file's texts at the last look; findings hide the secrets in these texts. */
  private file: { readonly wanted: string | null; readonly actual: string | null } = { wanted: null, actual: null };

  constructor(host: Host, wanted: readonly DesiredSysctl[]) {
    this.host = host;
    this.persisted = new PersistedSysctls(host);
    this.wanted = [0, 1, 2].flatMap((now) => wanted.filter((setting) => turn(setting) === now));
  }

  async inspect(): Promise<Finding[]> {
    this.look.clear();
    const barred = await this.barred();
    const live = await Promise.all(this.wanted.map((setting) => this.inspectLive(setting, barred.get(setting))));
    const persisted = await this.inspectPersisted(barred, await this.later());
    return persisted === null ? live : [...live, persisted];
  }

  async apply(finding: Finding): Promise<Outcome> {
    const setting = this.wanted.find(({ key }) => key === finding.key);
    if (setting === undefined) return this.applyPersisted(finding);
    const problems = new Set<string>();
    let values: LiveValue[] | null = null;
    for (let tries = 1; tries <= TRIES; tries += 1) {
      problems.clear();
      for (const one of this.wrongOf(setting, liveValues(this.host, setting.path) ?? [])) {
        const problem = this.write(setting, one);
        if (problem !== null) problems.add(problem);
      }
      values = liveValues(this.host, setting.path);
      if (problems.size > 0 || values === null || this.wrongOf(setting, values).length === 0) break;
    }
    const wrong = this.wrongOf(setting, values ?? []);
    const actual = values === null ? null : shownValue(setting, values, wrong);
    const outcome = { resource: this.name, key: finding.key, moment: finding.moment, actual };
    const taken = values !== null && wrong.length === 0;
    const written = shownText(setting.path, wantedValue(setting));
    const reason =
      problems.size > 0
        ? [...problems].join('; ')
        : `wrote ${written === '' ? 'nothing' : written}, the kernel made it ${actual ?? 'vanish'}`;
    if (!isSecretSysctl(setting.path)) noteRefusal(this.host, setting.path, written, taken ? null : reason);
    if (taken) return { ...outcome, result: 'changed' };
    return { ...outcome, result: 'failed', reason, ...(problems.size > 0 ? {} : { changed: true }) };
  }

  /**
   * Writes one path. Returns why the kernel refuses the value; null if the kernel took it and the result must be read
   * back.
   */
  private write(setting: DesiredSysctl, { path, value }: LiveValue): string | null {
    const written = wantedValue(setting);
    const originals = new Originals(this.host);
    originals.rememberValue(path, value, written);
    for (const one of changedBeside(this.host, { path, written }, this.wanted))
      originals.rememberValue(one.path, one.value, one.after);
    try {
      this.host.writeSysctl(path, written);
      return null;
    } catch (error) {
      // An interface that has disappeared meanwhile has no value that could be wrong.
      if (errorCode(error) === 'ENOENT' && path !== setting.path) return null;
      return whyUnknownName(this.host, path, written, error) ?? errorMessage(error);
    }
  }

  /** A file with a secret in it may be read only by root. */
  private async applyPersisted(finding: Finding): Promise<Outcome> {
    const { wanted, actual } = this.file;
    const isSecret = this.wanted.some(({ path }) => isSecretSysctl(path));
    // An existing file keeps its mode when it is replaced, so its mode is restricted first.
    if (isSecret && actual !== null) this.host.replaceOwn(OUR_FILE, actual, 0o600, { durable: true });
    const outcome = await applyFile(this.host, { ...finding, wanted, actual }, { mode: isSecret ? 0o600 : 0o644 });
    return { ...outcome, actual: shownFile(outcome.actual, this.wanted) };
  }

  /**
   * Settings that other programs write after systemd-sysctl. Loaded only if one of them may concern a configured key.
   */
  private async later(): Promise<readonly Assignment[]> {
    if (this.wanted.length === 0) return [];
    const { host } = this;
    const tuned = host.lstat('/etc/tuned/active_profile') !== null;
    const links = this.wanted.some(({ path }) => /^net\/ipv[46]\/conf\/(?!all\/|default\/)/.test(path));
    if (!tuned && !links && !hasScripts(host)) return [];
    const paths = this.wanted.map(({ path }) => path);
    return (await import('./boot/later.ts')).laterSysctls(host, paths);
  }

  async snapshot(findings: readonly Finding[]): Promise<unknown> {
    const keys = new Set(findings.map(({ key }) => key));
    const { sysctlSnapshot } = await import('./snapshot.ts');
    return sysctlSnapshot(
      this.host,
      this.wanted.filter(({ key }) => keys.has(key)),
    );
  }

  watches(): string[] {
    return this.wanted.length === 0 ? [] : [OUR_FILE];
  }

  /** Why IPv6 must not be forwarded yet; null if it may. Checked only if the forwarding of IPv6 would change. */
  private async cutOff(): Promise<string | null> {
    const drifted = this.wanted.some((setting) => {
      return isForwarding6(setting) && this.host.live && !isLive(this.host, setting);
    });
    if (!drifted) return null;
    const { lostByForwarding } = await import('./router-advertisements.ts');
    return lostByForwarding(this.host, this.wanted);
  }

  /** Why a setting is neither written nor kept for the next boot. */
  private async barred(): Promise<ReadonlyMap<DesiredSysctl, string>> {
    const cutOff = await this.cutOff();
    const reasons = this.wanted.map((setting) => {
      return [setting, cutOff !== null && isForwarding6(setting) ? cutOff : this.misfitOf(setting)] as const;
    });
    return new Map(reasons.filter((one): one is [DesiredSysctl, string] => one[1] !== null));
  }

  private misfitOf(setting: DesiredSysctl): string | null {
    const { want } = setting;
    const values = this.host.live && 'value' in want ? (nullIfRefused(() => this.liveOf(setting)) ?? []) : [];
    return (
      values.map(({ path, value }) => misfit(path, value, wantedValue(setting))).find((one) => one !== null) ?? null
    );
  }

  private async inspectLive(setting: DesiredSysctl, why: string | undefined): Promise<Finding> {
    const found = await this.readLive(setting);
    const barred = why !== undefined && found.state === 'drifted';
    const { state, actual, reason, refusal } = barred ? { ...found, reason: why, refusal: why } : found;
    const wanted = describeWanted(setting);
    const common = { moment: 'now', state, wanted, actual, ...(reason === undefined ? {} : { reason }) } as const;
    return {
      ...common,
      resource: this.name,
      key: setting.key,
      kind: 'sysctl',
      ...(refusal === undefined ? {} : { refusal }),
      settings: async () => [{ setting: settingName(setting), ...common, ...withKey(setting, common) }],
    };
  }

  private async readLive(setting: DesiredSysctl): Promise<LiveLook> {
    if (!this.host.live) return { state: 'skipped', actual: null, reason: notOfTheseFiles() };
    try {
      const values = this.liveOf(setting);
      if (values !== null) {
        const wrong = this.wrongOf(setting, values);
        const actual = shownValue(setting, values, wrong);
        if (wrong.length === 0) return { state: 'ok', actual };
        const refusal = unwritable(this.host, wrong);
        return { state: 'drifted', actual, ...(refusal === null ? {} : { refusal, reason: refusal }) };
      }
      const reason = (await import('./missing-keys.ts')).whyMissing(this.host, setting.path);
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

  /** null if nothing is configured and no file of ours exists. */
  private async inspectPersisted(
    barred: ReadonlyMap<DesiredSysctl, string>,
    later: readonly Assignment[],
  ): Promise<Finding | null> {
    const place = { resource: this.name, key: OUR_FILE, moment: 'boot' } as const;
    const unseen = (reason: string) =>
      this.wanted.map((one): SettingState => {
        const wanted = describeWanted(one);
        return { setting: settingName(one), moment: 'boot', state: 'unknown', wanted, actual: null, reason };
      });
    return compareFile(this.host, place, (actual) => this.view(actual, barred, later), { unseen });
  }

  private view(
    actual: string | null,
    barred: ReadonlyMap<DesiredSysctl, string>,
    later: readonly Assignment[],
  ): FileView | null {
    if (this.wanted.length === 0 && actual === null) return null;
    // A setting that would cut the host off now would also do so at boot. A value that the kernel refuses now would be
    // refused at boot.
    const kept = this.wanted.filter((setting) => !barred.has(setting));
    const persisted = this.persisted.now();
    const wanted = wantedFile(this.host, kept, persisted, actual);
    this.file = { wanted, actual };
    const verdicts = new BootVerdicts(this.host, persisted, { wanted, later });
    const overruled = kept.flatMap((setting) => {
      const found = verdicts.overruled(setting);
      return found === null || found.value?.by.maybe ? [] : found.reason;
    });
    const reasons = [...new Set([...overruled, ...barred.values()])];
    const reason = reasons.length > 0 ? reasons.join('; ') : undefined;
    const open = wanted !== null && kept.some(({ path }) => isSecretSysctl(path)) && isOpen(this.host);
    return {
      wanted: shownFile(wanted, this.wanted),
      actual: shownFile(actual, this.wanted),
      state: actual === wanted && reason === undefined && !open ? 'ok' : 'drifted',
      reason,
      // Our file is right, so the remaining reasons lie in files of other authors, and only those authors may change
      // them.
      refusal: actual === wanted && !open ? reason : undefined,
      settings: async () =>
        this.wanted.map((setting) => {
          const [state, why] = [verdicts.state(setting), barred.get(setting)];
          return why === undefined ? state : { ...state, state: 'drifted', reason: why };
        }),
    };
  }
}

/** Whether users other than root may read our file. */
function isOpen(host: Host): boolean {
  return ((host.stat(OUR_FILE)?.mode ?? 0) & 0o077) !== 0;
}

/** If one setting has several keys, the reason names the key that is not as wanted. */
function withKey(
  { setting, key }: DesiredSysctl,
  { state, actual, reason }: Pick<Finding, 'state' | 'actual' | 'reason'>,
) {
  if (setting === undefined || state !== 'drifted' || reason !== undefined) return {};
  return { reason: `${key} is ${actual}` };
}

/**
 * The order of writing. When forwarding begins, the kernel drops the default routes of interfaces that accept router
 * advertisements only as a host does. Writing a variable that sets others would also undo their values
 * (Documentation/networking/ip-sysctl.rst).
 */
function turn({ path }: DesiredSysctl): number {
  if (scopeOfIpv6(path, 'accept_ra') !== undefined) return 0;
  return setsOthers(sysctlVariable(path)) ? 1 : 2;
}

function isForwarding6({ path, setting, want }: DesiredSysctl): boolean {
  return setting === 'forwarding.ipv6' && path.startsWith('net/ipv6/') && 'value' in want && want.value === '1';
}
