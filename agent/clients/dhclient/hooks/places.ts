/**
 * Where the hooks go: where the dhclient-script that is really run sources them. Debian's sources every file in two folders;
 * RHEL's and ISC's own one file at each moment, which may be somebody's already: there ours is a marked block in it.
 */
import type { Host } from '../../../host/host.ts';
import { findBlock, placeInShell, removeFromShell } from '../../../resolver/marked-block.ts';
import { scriptsInUse, whyNotRun } from '../scripts.ts';

export interface HookPlaces {
  readonly enter: string;
  readonly exit: string;
  /** The file is shared with others. */
  readonly shared: boolean;
  /** The script sources it only with the run bit set. */
  readonly needsRunBit: boolean;
  /** A folder of which the script also sources each `*.sh` with a run bit, when it has made resolv.conf; null: none. */
  readonly scripts: string | null;
}

/** Last in run-parts' order, so that no neighbour (resolvconf) redefines make_resolv_conf after us. */
const NAME = 'zz-holdfast';

/** Debian's and RHEL's folder. */
const FOLDER = '/etc/dhcp';

/** null if this host has no dhclient. */
export function hookPlaces(host: Host): HookPlaces | null {
  const scripts = scriptsInUse(host);
  for (const { path } of scripts) {
    const places = placesIn(host, path);
    if (places !== null) return places;
  }
  // A script that sources none: the hooks wait where those of distributions look.
  if (scripts.length === 0 && host.stat(`${FOLDER}/dhclient-enter-hooks.d`) === null) return null;
  return {
    enter: `${FOLDER}/dhclient-enter-hooks.d/${NAME}`,
    exit: `${FOLDER}/dhclient-exit-hooks.d/${NAME}`,
    shared: false,
    needsRunBit: false,
    scripts: null,
  };
}

/** Why this dhclient-script does not run hooks in these places, as a phrase after its name; null if it does. */
export function whyDeaf(host: Host, script: string, places: HookPlaces | null): string | null {
  const never = whyNotRun(host, script);
  if (never !== null) return `${never}, so dhclient sets nothing of a lease`;
  const own = placesIn(host, script);
  if (own === null || places === null) return 'sources no hooks';
  const missed = (['enter', 'exit'] as const).filter((when) => own[when] !== places[when]);
  return missed.length === 0 ? null : `does not source ${missed.map((when) => places[when]).join(' and ')}`;
}

/** Scripts that hand on to each other end here. */
const DEEPEST = 4;

/** Only a shell sources hooks: of a program that names them in its text (an ELF file, Python) nothing is known. */
const NO_SHELL = /^#!(?![^\n]*sh\b)|\0/;

/** As this script's text says; null: it sources no enter hooks, or cannot be read. */
function placesIn(host: Host, script: string, depth = 0): HookPlaces | null {
  const text = script.startsWith('/') && host.stat(script)?.isFile() ? host.readText(script) : null;
  if (text === null || depth >= DEEPEST || NO_SHELL.test(text)) return null;
  const code = expanded(text);
  const enter = placeOf(code, 'enter');
  if (enter !== null) {
    const exit = placeOf(code, 'exit') ?? { ...enter, path: enter.path.replace(/-enter-(?=hooks)/, '-exit-') };
    const needsRunBit = enter.shared && new RegExp(`-x\\s+["']?${enter.path}`).test(code);
    const [, scripts = null] = /(\/[\w./-]*\/dhclient\.d)\/\*\.sh/.exec(code) ?? [];
    return { enter: enter.path, exit: exit.path, shared: enter.shared, needsRunBit, scripts };
  }
  // A wrapper script around the real one.
  const [other] = /\/[\w./-]*\bdhclient-script\b(?![\w.-])/.exec(code) ?? [];
  return other === undefined || other === script ? null : placesIn(host, other, depth + 1);
}

/** A folder comes before a file: it is sourced last, and ours is a file of its own there. */
function placeOf(code: string, when: 'enter' | 'exit'): { path: string; shared: boolean } | null {
  const folders = [
    ...code.matchAll(new RegExp(`(/[\\w./-]*/dhclient-${when}-hooks\\.d)(?:/\\*(\\.\\w+)?)?(?!\\w)`, 'g')),
  ];
  const [, folder] = folders[0] ?? [];
  const ending = folders.find((found) => found[2] !== undefined)?.[2] ?? '';
  if (folder !== undefined) return { path: `${folder}/${NAME}${ending}`, shared: false };
  const [file] = new RegExp(`/[\\w./-]*/dhclient-${when}-hooks(?![\\w.-])`).exec(code) ?? [];
  return file === undefined ? null : { path: file, shared: true };
}

/** Lines that can name a place: hooks, variables, loops over files, another script. The rest of a long script costs no time. */
const TELLING = /hook|\/\*|dhclient-script|^\s*(?:export\s+|readonly\s+)?\w+=/i;
const SILENT = /^\s*(?:#|echo\b|printf\b|log(?:ger|message)?\b)/;

/** The telling lines without comments and messages, with the values of variables that are set to a literal in their place. */
function expanded(text: string): string {
  if (last.text === text) return last.code;
  const lines = text.split('\n').filter((line) => TELLING.test(line) && !SILENT.test(line));
  const code = lines.join('\n').replace(/[ \t]#.*$/gm, '');
  const values = new Map<string, string>();
  const value = (word: string) => word.replace(/\$\{?(\w+)\}?/g, (whole, name: string) => values.get(name) ?? whole);
  for (const [, name = '', word = ''] of code.matchAll(/^\s*(?:export\s+|readonly\s+)?(\w+)=["']?([^\s"';]*)["']?/gm)) {
    if (word.startsWith('/') || word.startsWith('$')) values.set(name, value(word));
  }
  const whole = value(code.replace(/["'](?=\$)|(?<=\$\{?\w+\}?)["']/g, '')).replace(/\/{2,}/g, '/');
  last = { text, code: whole };
  return whole;
}

/** The script that was read last: several parts of one look ask for it. */
let last = { text: '', code: '' };

/** The whole file, with our hook. */
export function placeHook(places: HookPlaces, current: string | null, hook: string): string {
  if (!places.shared) return hook;
  return placeInShell(current, hook);
}

/** The file without our hook; null if nothing else is in it. */
export function removeHook(places: HookPlaces, current: string): string | null {
  if (!places.shared) return null;
  return removeFromShell(current);
}

/** Whether a hook of ours is in the file. */
export function ownsHook(places: HookPlaces, current: string): boolean {
  return !places.shared || findBlock(current) !== null;
}
