/**
 * The places of our hooks: the files and folders that the dhclient-script in use sources. Debian's script sources every
 * file in two folders. RHEL's and ISC's scripts source one file at each moment. That file may already belong to another
 * author, so our part is a marked block in it.
 */
import { nullIfRefused } from '../../../host/errors.ts';
import type { Host } from '../../../host/host.ts';
import { findBlock, placeInShell, removeFromShell } from '../../../resolver/marked-block.ts';
import { scriptsInUse, whyNotRun } from '../dhclient-scripts.ts';

export interface HookPlaces {
  readonly enter: string;
  readonly exit: string;
  /** Other authors may also write this file. */
  readonly shared: boolean;
  /** The script sources the file only with the run bit set. */
  readonly needsRunBit: boolean;
  /**
   * A folder from which the script also sources each `*.sh` with a run bit, after it has made resolv.conf; null if the
   * script does not.
   */
  readonly scripts: string | null;
}

/** Last in run-parts' order, so that no neighbour (resolvconf) redefines make_resolv_conf after us. */
const NAME = 'zz-holdfast';

/** The folder of Debian and RHEL. */
const FOLDER = '/etc/dhcp';

/** null if this host has no dhclient. */
export function hookPlaces(host: Host): HookPlaces | null {
  const scripts = scriptsInUse(host);
  for (const { path } of scripts) {
    const places = placesIn(host, path);
    if (places !== null) return places;
  }
  // If no script sources hooks, our hooks wait in the usual places of distributions.
  if (scripts.length === 0 && host.stat(`${FOLDER}/dhclient-enter-hooks.d`) === null) return null;
  return {
    enter: `${FOLDER}/dhclient-enter-hooks.d/${NAME}`,
    exit: `${FOLDER}/dhclient-exit-hooks.d/${NAME}`,
    shared: false,
    needsRunBit: false,
    scripts: null,
  };
}

/**
 * Why this dhclient-script does not run hooks in these places, as a phrase after its name; null if it does run them.
 */
export function whyDeaf(host: Host, script: string, places: HookPlaces | null): string | null {
  const never = whyNotRun(host, script);
  if (never !== null) return `${never}, so dhclient sets nothing of a lease`;
  const own = placesIn(host, script);
  if (own === null || places === null) return 'sources no hooks';
  const missed = (['enter', 'exit'] as const).filter((when) => own[when] !== places[when]);
  return missed.length === 0 ? null : `does not source ${missed.map((when) => places[when]).join(' and ')}`;
}

/** Limit for scripts that call each other. */
const DEEPEST = 4;

/** Only a shell sources hooks. A program that names hooks in its text (an ELF file, Python) proves nothing. */
export const NO_SHELL = /^#!(?![^\n]*sh\b)|\0/;

/** The places that this script's text names; null if the script sources no enter hooks or cannot be read. */
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

/** A folder goes before a file, because the folder is sourced last and our hook is a file of its own there. */
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

/**
 * Lines that can name a place: hooks, variables, loops over files, another script. Skipping the other lines keeps a
 * long script cheap.
 */
const TELLING = /hook|\/\*|dhclient-script|^\s*(?:export\s+|readonly\s+)?\w+=/i;
const SILENT = /^\s*(?:#|echo\b|printf\b|log(?:ger|message)?\b)/;

/** Limit in characters for a path (PATH_MAX of Linux): a value that doubles at every line stays small. */
const LONGEST = 4096;

/** The telling lines without comments and messages, with variables replaced by the literals that they are set to. */
function expanded(text: string): string {
  if (last.text === text) return last.code;
  const lines = text.split('\n').filter((line) => TELLING.test(line) && !SILENT.test(line));
  const code = lines.join('\n').replace(/[ \t]#.*$/gm, '');
  const values = new Map<string, string>();
  const value = (word: string) => word.replace(/\$\{?(\w+)\}?/g, (whole, name: string) => values.get(name) ?? whole);
  for (const [, name = '', word = ''] of code.matchAll(/^\s*(?:export\s+|readonly\s+)?(\w+)=["']?([^\s"';]*)["']?/gm)) {
    const whole = word.startsWith('/') || word.startsWith('$') ? value(word) : '';
    if (whole !== '' && whole.length <= LONGEST) values.set(name, whole);
  }
  const whole = value(code.replace(/["'](?=\$)|(?<=\$\{?\w+\}?)["']/g, '')).replace(/\/{2,}/g, '/');
  last = { text, code: whole };
  return whole;
}

/** The script of the last call: several parts of one look ask for the same script. */
let last = { text: '', code: '' };

/** The whole file, with our hook. */
export function placeHook(places: HookPlaces, current: string | null, hook: string): string {
  if (!places.shared) return hook;
  return placeInShell(current, hook);
}

/** The file without our hook; null if nothing else is in the file. */
export function removeHook(places: HookPlaces, current: string): string | null {
  if (!places.shared) return null;
  return removeFromShell(current);
}

/** Whether a hook of ours is in the file. */
export function ownsHook(places: HookPlaces, current: string): boolean {
  return !places.shared || findBlock(current) !== null;
}

/** Whether our hook of this moment is in its place. */
export function hasOwnHook(host: Host, places: HookPlaces, when: 'enter' | 'exit'): boolean {
  const text = nullIfRefused(() => host.readText(places[when]));
  return text !== null && ownsHook(places, text);
}
