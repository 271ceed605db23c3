/**
 * The effect of cloud-init's write_files, bootcmd, runcmd and scripts on the configured settings, also on every clone
 * of the disk.
 */
import { isMap, isScalar, isSeq, type Node } from 'yaml';
import { allCommands } from '../../clients/shell/shell.ts';
import type { ConfiguredState } from '../../config/desired.ts';
import { sysctlKey } from '../../config/notation/sysctl-keys.ts';
import { sysctlVariable } from '../../config/sysctl/relations.ts';
import { shownText } from '../../config/sysctl/secret-sysctls.ts';
import { matchesSysctl } from '../../resources/sysctl/boot/boot.ts';
import { sysctlDeeds } from '../../resources/sysctl/boot/commands.ts';
import { type Assignment, parseSysctls } from '../../resources/sysctl/boot/sysctl-files.ts';
import { satisfies } from '../../resources/sysctl/live.ts';
import { cloudScripts, instanceConfigs, isCloudInitOff, systemConfigs } from '../cloud-config.ts';
import type { DoctorObservation, DoctorSurroundings } from '../doctor-check.ts';

const OF_DNS =
  /^\/etc\/(resolv\.conf|resolvconf(\.conf$|\/)|systemd\/resolved\.conf|dhcpcd\.|dhcp3?\/|dhclient[.-]|NetworkManager\/(conf\.d|NetworkManager\.conf))/;
const SYSCTL_FILE = /^\/etc\/sysctl\.(conf|d\/.*\.conf)$/;

/** A piece of the configuration with an effect, and its place. */
interface Action {
  readonly at: string;
  /** `bootcmd`. */
  readonly by: string;
  /** A command, or a script. */
  readonly commands: string;
}

export function* cloudInitActionsCheck(around: DoctorSurroundings): Iterable<DoctorObservation> {
  const { host } = around;
  if (isCloudInitOff(host)) return;
  const configs = [...instanceConfigs(host), ...systemConfigs(host)];
  // If several sources have the list, cloud-init takes the list of the strongest source.
  const strongest = (key: string) => configs.find(({ entries }) => entries.some((entry) => entry.key === key));
  for (const by of ['write_files', 'bootcmd', 'runcmd']) {
    const config = strongest(by);
    const list = config?.entries.findLast(({ key }) => key === by)?.value;
    if (config === undefined || !isSeq(list)) continue;
    for (const item of list.items as Node[]) {
      const at = `${config.file}:${config.lineAt(item.range?.[0] ?? 0)}`;
      if (by === 'write_files') yield* ofFile(around, at, item);
      else yield* ofCommands(around, { at, by, commands: commandOf(item) });
    }
  }
  for (const { file, text } of cloudScripts(host))
    yield* ofCommands(around, { at: file, by: 'script', commands: text });
}

function* ofFile(around: DoctorSurroundings, at: string, item: Node): Iterable<DoctorObservation> {
  const said = (key: string) => (isMap(item) ? String(item.get(key) ?? '') : '');
  const path = said('path');
  if (caresForNames(around.desired) && OF_DNS.test(path)) yield seen(`${at}: write_files writes ${path}`);
  const content = /^(b64|base64)$/.test(said('encoding')) ? fromBase64(said('content')) : said('content');
  if (SYSCTL_FILE.test(path)) {
    for (const one of against(around, parseSysctls(path, content)))
      yield seen(`${at}: write_files writes ${path}, which sets ${one}`);
  } else if (content.startsWith('#!'))
    yield* ofCommands(around, { at, by: `write_files writes ${path}, which`, commands: content });
}

function* ofCommands(around: DoctorSurroundings, { at, by, commands }: Action): Iterable<DoctorObservation> {
  const what = by === 'script' ? 'the script' : by;
  if (caresForNames(around.desired)) {
    for (const path of new Set(changedFiles(commands).filter((one) => OF_DNS.test(one))))
      yield seen(`${at}: ${what} changes ${path}`);
  }
  const found = against(around, sysctlDeeds(around.host, commands));
  for (const one of new Set(found)) yield seen(`${at}: ${what} sets ${one}`);
  const written = changedFiles(commands).filter((one) => SYSCTL_FILE.test(one));
  if ((around.desired?.sysctl.length ?? 0) > 0)
    for (const path of new Set(written)) yield seen(`${at}: ${what} changes ${path}`);
}

function seen(text: string): DoctorObservation {
  return { code: 'HF-CLOUD-INIT', seen: text };
}

/** `key to value` for each setting that gets another value than the configured value. */
function against({ desired }: DoctorSurroundings, all: readonly Pick<Assignment, 'path' | 'value'>[]): string[] {
  return all.flatMap(({ path, value }) => {
    const setting = (desired?.sysctl ?? []).find((one) => {
      return sysctlVariable(one.path) === sysctlVariable(path) || matchesSysctl(path, one.path);
    });
    if (setting === undefined || satisfies(setting, value)) return [];
    return [`${sysctlKey(path)} to ${shownText(path, value)}`];
  });
}

/** Whether name servers or dhclient settings are, or might be, configured. */
function caresForNames(desired: ConfiguredState | null): boolean {
  if (desired === null || desired.dns !== null) return true;
  return [desired.dhcp, desired.dhclient].some(({ global: { supersede, request, ignore }, interfaces }) => {
    return interfaces.size > 0 || supersede.size > 0 || request !== null || ignore.length > 0;
  });
}

/** A text, or a list of words. */
function commandOf(item: Node): string {
  if (isScalar(item)) return String(item.value ?? '');
  if (!isSeq(item)) return '';
  const words = item.items.map((one) => (isScalar(one) ? String(one.value) : ''));
  // A command line that a shell gets as an argument is a command itself.
  if (/(^|\/)(ba|da)?sh$/.test(words[0] ?? '') && /^-\w*c$/.test(words[1] ?? '')) return words[2] ?? '';
  return words.map((word) => (/[\s;&|<>'"$]/.test(word) ? `'${word}'` : word)).join(' ');
}

/** Programs that change all given files, and programs that change only the last file. */
const CHANGES_ALL = ['tee', 'rm', 'truncate', 'chattr', 'unlink'];
const CHANGES_LAST = ['cp', 'mv', 'ln', 'install'];

function changedFiles(commands: string): string[] {
  return allCommands(commands).flatMap(({ words, writes }) => {
    const [program = '', ...rest] = words.map((word) => word.replace(/["']/g, ''));
    const name = program.slice(program.lastIndexOf('/') + 1);
    const targets = writes.map((word) => word.replace(/["']/g, ''));
    const inPlace = ['sed', 'perl'].includes(name) && rest.some((word) => /^-(\w*i|-in-place)/.test(word));
    if (CHANGES_ALL.includes(name) || inPlace) return [...targets, ...rest];
    return CHANGES_LAST.includes(name) ? [...targets, ...rest.slice(-1)] : targets;
  });
}

function fromBase64(text: string): string {
  return Buffer.from(text, 'base64').toString('latin1');
}
