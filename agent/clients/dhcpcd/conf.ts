/**
 * Our block in dhcpcd.conf(5), which dhcpcd reads at its start, at SIGHUP, and when a link comes up. The block belongs
 * to the global options: options after the first `interface`, `ssid` or `profile` line apply only to that part.
 *
 * dhcpcd 9.4 compares the file's modification time, in seconds, when it reads the file again. If the time changed,
 * dhcpcd expires every lease with its address and routes (measured: 2 pings of 10 ms lost). The file is therefore
 * written with its old time.
 */
import type { DesiredDns } from '../../config/desired.ts';
import { findBlock, marked } from '../../resolver/marked-block.ts';
import { BLOCKS, options, subjectsOf } from './conf-statements.ts';

/** The first line of our block. */
export const MADE_BY = '# Made by "agent apply"; changes here are overwritten.';

/**
 * The lines of our block that hold `dns`. `static domain_name=` must come before `static domain_name_servers=`: dhcpcd
 * 9.4 takes the shorter name for a new value of the longer name.
 * @param nohook dhcpcd's own hook must not write resolv.conf at all.
 */
export function confLines({ domain, search, nameservers }: DesiredDns, nohook: boolean): string[] {
  const value = (name: string, values: readonly string[] | null) => {
    return values === null || values.length === 0 ? [] : [`static ${name}=${values.join(' ')}`];
  };
  return [
    ...(nohook ? ['nohook resolv.conf'] : []),
    ...value('domain_name', domain === null ? null : [domain]),
    ...value('domain_search', search),
    ...value('domain_name_servers', nameservers),
  ];
}

export type EditedDhcpcdConf =
  | { readonly ok: true; readonly text: string; readonly notes: readonly string[] }
  /** The problem as `line 3: …`; the file is left as it is. */
  | { readonly ok: false; readonly problem: string };

/**
 * The file with these lines as our block, every other byte unchanged. `lines` is null for a file without a block of
 * ours.
 */
export function editDhcpcdConf(text: string, lines: readonly string[] | null): EditedDhcpcdConf {
  const block = findBlock(text);
  const rest = block === null ? text : block.before + block.after;
  const problem = doubt(rest);
  if (problem !== null) return { ok: false, problem };
  if (lines === null) return { ok: true, text: rest, notes: [] };
  const at = place(rest, block?.before.length ?? null, lines);
  const before = rest.slice(0, at);
  const whole = before === '' || before.endsWith('\n') ? before : `${before}\n`;
  return { ok: true, text: whole + marked(`${lines.join('\n')}\n`) + rest.slice(at), notes: overruled(rest) };
}

/**
 * The script that the file names in place of dhcpcd-run-hooks, for all interfaces or for one; null if the file names
 * none.
 */
export function ownScript(text: string): { path: string; line: number } | null {
  const found = options(text).findLast(({ name }) => name === 'script');
  return found === undefined ? null : { path: found.value, line: found.line };
}

const OURS = /^domain_(name|search|name_servers)=/;

/**
 * The block's present place, unless dhcpcd would not apply it to all interfaces there, or a global option follows the
 * block that takes back one of its lines, or that would belong to the last section of the block.
 */
function place(rest: string, current: number | null, lines: readonly string[]): number {
  const all = options(rest);
  const first = all.findIndex(({ name }) => BLOCKS.has(name));
  const global = first === -1 ? all : all.slice(0, first);
  const end = first === -1 ? rest.length : aboveComments(rest, all[first]?.start ?? 0);
  const ours = options(lines.join('\n'));
  const subjects = new Set(ours.flatMap(subjectsOf));
  const hasSections = ours.some(({ name }) => BLOCKS.has(name));
  const later = global.some((option) => {
    return option.start >= (current ?? 0) && (hasSections || subjectsOf(option).some((one) => subjects.has(one)));
  });
  return current === null || current > end || later ? end : current;
}

/** A comment directly above a line belongs to the line. */
function aboveComments(text: string, start: number): number {
  const above = text.slice(0, start).split('\n').slice(0, -1);
  const others = above.slice(above.findLastIndex((line) => !/^[ \t]*[#;]/.test(line)) + 1);
  return start - others.reduce((length, line) => length + line.length + 1, 0);
}

/** Statements that dhcpcd prefers to ours for one interface at its start. The hook has the last word. */
function overruled(rest: string): string[] {
  return dnsStatements(rest)
    .filter(({ scope, said }) => scope !== '' && said.startsWith('static '))
    .map(({ line, said, scope }) => `line ${line} has "${said}" for ${scope}; the hook has the last word`);
}

/** Lines outside our block that set name servers or domains, or keep dhcpcd from writing resolv.conf. */
export function dnsStatements(text: string): { line: number; said: string /** '' for all. */; scope: string }[] {
  const block = findBlock(text);
  const ours = block === null ? '' : text.slice(block.before.length, text.length - block.after.length);
  // The lines of our block still count for the numbering.
  const rest = block === null ? text : block.before + ours.replace(/[^\n]+/g, '') + block.after;
  let scope = '';
  return options(rest).flatMap(({ name, value, line }) => {
    if (BLOCKS.has(name)) scope = `${name} ${value}`;
    const sets = name === 'static' && OURS.test(value);
    const keeps = name === 'nohook' && value.split(/[ ,]+/).includes('resolv.conf');
    return sets || keeps ? [{ line, said: `${name} ${value}`, scope }] : [];
  });
}

function doubt(rest: string): string | null {
  const line = (index: number) => rest.slice(0, index).split('\n').length;
  const zero = rest.indexOf('\0');
  if (zero !== -1) return `line ${line(zero)}: a NUL byte, where dhcpcd's line ends`;
  const second = /^# (?:BEGIN|END) holdfast$/m.exec(rest);
  if (second !== null) return `line ${line(second.index)}: a mark of Holdfast's without its block`;
  return null;
}
