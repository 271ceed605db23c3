/**
 * Scripts that set kernel settings after systemd-sysctl at each boot: lines of interfaces(5) and scripts of if-up.d,
 * rc.local, and the commands of the host's own systemd units.
 */
import { matchesGlob } from 'node:path';
import type { Host } from '../../../host/host.ts';
import { isUnitEnabled } from '../../../host/service/units.ts';
import { type SysctlDeed, sysctlDeeds } from './commands.ts';
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

interface Stanza extends Source {
  readonly iface: string;
  readonly text: string;
}

function ofInterfaces(host: Host): Assignment[] {
  if (host.lstat(INTERFACES) === null) return [];
  const { automatic, stanzas } = readInterfaces(host, INTERFACES, 0);
  const lines = stanzas.filter(({ iface }) => automatic.has(iface));
  const scripts = ['if-pre-up.d', 'if-up.d'].flatMap((folder) => {
    const names = host.list(`/etc/network/${folder}`).filter((name) => /^[\w-]+$/.test(name));
    return names.map((name) => `/etc/network/${folder}/${name}`).filter((file) => isExecutable(host, file));
  });
  return [
    ...lines.flatMap((line) => ofCommand(host, line.text, line, { IFACE: line.iface })),
    ...[...automatic].flatMap((IFACE) => scripts.flatMap((file) => ofScript(host, file, 'ifupdown', { IFACE }))),
  ];
}

function readInterfaces(host: Host, file: string, depth: number): { automatic: Set<string>; stanzas: Stanza[] } {
  const automatic = new Set<string>();
  const stanzas: Stanza[] = [];
  let iface: string | null = null;
  if (!host.stat(file)?.isFile() || depth > 5) return { automatic, stanzas };
  for (const { text, line } of joinedLines(host.readText(file) ?? '')) {
    const [word = '', ...rest] = text.trim().split(/\s+/);
    if (word === 'auto' || word.startsWith('allow-')) for (const name of rest) automatic.add(name);
    else if (word === 'iface') iface = rest[0] ?? null;
    else if (word === 'source' || word === 'source-directory') {
      for (const path of rest.flatMap((one) => matching(host, one, word === 'source-directory'))) {
        const below = readInterfaces(host, path, depth + 1);
        for (const name of below.automatic) automatic.add(name);
        stanzas.push(...below.stanzas);
      }
    } else if (iface !== null && /^(pre-up|up|post-up)$/.test(word))
      stanzas.push({ iface, file, line, program: 'ifupdown', text: text.trim().slice(word.length).trim() });
  }
  return { automatic, stanzas };
}

/** Only the last part of the path is read as a pattern, as in `/etc/network/interfaces.d/*`. */
function matching(host: Host, pattern: string, isFolder: boolean): string[] {
  const path = pattern.startsWith('/') ? pattern : `/etc/network/${pattern}`;
  const cut = path.lastIndexOf('/');
  const [folder, last] = isFolder ? [path, '*'] : [path.slice(0, cut), path.slice(cut + 1)];
  const names = host.list(folder).filter((name) => !name.startsWith('.') && matchesGlob(name, last));
  return names.map((name) => `${folder}/${name}`);
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

/** Lines that are no comment; a backslash at the end of a line joins the next line to it. */
export function joinedLines(text: string): { text: string; line: number }[] {
  const found: { text: string; line: number }[] = [];
  let open: { text: string; line: number } | null = null;
  for (const [index, raw] of text.split('\n').entries()) {
    const joined: { text: string; line: number } = open ?? { text: '', line: index + 1 };
    joined.text += raw.replace(/\\$/, ' ');
    open = raw.endsWith('\\') ? joined : null;
    if (open === null && !/^\s*[#;]/.test(joined.text)) found.push(joined);
  }
  return found;
}
