/**
 * Scripts that set kernel settings after systemd-sysctl at each boot: lines of interfaces(5) and scripts of if-up.d,
 * rc.local, and the commands of the host's own systemd units.
 */
import type { Host } from '../../../host/host.ts';
import { isUnitEnabled } from '../../../host/service/units.ts';
import { type SysctlDeed, sysctlDeeds } from './commands.ts';
import { interfacesFile, joinedLines } from './interfaces-file.ts';
import { INTERFACES, RC_LOCAL, serviceFiles } from './script-places.ts';
import type { Assignment } from './sysctl-files.ts';

/** A longer script is not read for the settings in it. */
const LONGEST = 64 * 1024;

export function scriptSysctls(host: Host): Assignment[] {
  return [...ofInterfaces(host), ...RC_LOCAL.flatMap((file) => ofRcLocal(host, file)), ...ofUnits(host)];
}

interface Source {
  readonly file: string;
  readonly line: number;
  readonly program: string;
}

/** A command, and the script that it starts. `maybe`: the command runs only under some condition. */
function ofCommand(
  host: Host,
  text: string,
  source: Source,
  known: Record<string, string> = {},
  maybe = false,
): Assignment[] {
  const own = sysctlDeeds(host, text, known).map((deed) => assignment(deed, source, maybe));
  const [first = '', ...words] = text.trim().split(/\s+/);
  const shell = /(^|\/)(ba|da|k)?sh$/.test(first);
  const inner = /^\S+\s+-\w*c\s+(['"])(.*)\1/s.exec(text.trim())?.[2];
  if (shell && inner !== undefined) return [...own, ...ofCommand(host, inner, source, known, maybe)];
  const script = shell ? words.find((word) => !word.startsWith('-')) : first;
  return [...own, ...(script?.startsWith('/') ? ofScript(host, script, source.program, known) : [])];
}

function ofScript(host: Host, file: string, program: string, known: Record<string, string>): Assignment[] {
  const stats = host.stat(file);
  if (!stats?.isFile() || stats.size > LONGEST) return [];
  const text = host.readText(file) ?? '';
  if (!/^#!.*sh\b/.test(text)) return [];
  return sysctlDeeds(host, text, known).map((deed) => assignment(deed, { file, line: 0, program }, true));
}

function assignment({ line, path, value, unsure }: SysctlDeed, source: Source, maybe: boolean): Assignment {
  const { file, line: above, program } = source;
  return {
    file,
    line: Math.max(1, above === 0 ? line : above + line - 1),
    path,
    value,
    program,
    ...(unsure || maybe ? { maybe: true } : {}),
  };
}

function ofInterfaces(host: Host): Assignment[] {
  if (host.lstat(INTERFACES) === null) return [];
  const { automatic, stanzas } = interfacesFile(host);
  const lines = stanzas
    .filter(({ iface }) => automatic.has(iface))
    .flatMap(({ iface, options }) =>
      options.filter(({ name }) => /^(pre-up|up|post-up)$/.test(name)).map((option) => ({ ...option, iface })),
    );
  const scripts = ['if-pre-up.d', 'if-up.d'].flatMap((folder) => {
    const names = host.list(`/etc/network/${folder}`).filter((name) => /^[\w-]+$/.test(name));
    return names.map((name) => `/etc/network/${folder}/${name}`).filter((file) => isExecutable(host, file));
  });
  return [
    ...lines.flatMap(({ iface: IFACE, value, file, line }) =>
      ofCommand(host, value, { file, line, program: 'ifupdown' }, { IFACE }),
    ),
    ...[...automatic].flatMap((IFACE) => scripts.flatMap((file) => ofScript(host, file, 'ifupdown', { IFACE }))),
  ];
}

function ofRcLocal(host: Host, file: string): Assignment[] {
  const stats = host.stat(file);
  if (!stats?.isFile() || !isExecutable(host, file) || stats.size > LONGEST) return [];
  return sysctlDeeds(host, host.readText(file) ?? '').map((deed) =>
    assignment(deed, { file, line: 0, program: file }, false),
  );
}

function isExecutable(host: Host, file: string): boolean {
  return ((host.stat(file)?.mode ?? 0) & 0o111) !== 0;
}

function ofUnits(host: Host): Assignment[] {
  return serviceFiles(host).flatMap(({ unit, file }) => {
    if (!host.stat(file)?.isFile()) return [];
    const commands = joinedLines(host.readText(file) ?? '').flatMap(({ text, line }) => {
      const command = /^\s*ExecStart(?:Pre|Post)?\s*=\s*[-@:+!]*(.+)$/.exec(text)?.[1];
      return command === undefined ? [] : ofCommand(host, command.trim(), { file, line, program: unit });
    });
    return commands.length > 0 && isUnitEnabled(host, unit) ? commands : [];
  });
}
