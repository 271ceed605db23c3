/**
 * Where the hooks go. Debian's dhclient-script sources every file in two folders; RHEL's sources one file at each moment,
 * which may be somebody's already: there ours is a marked block in it.
 */
import type { Host } from '../host/host.ts';
import { findBlock, placeInShell, removeFromShell } from '../resolver/marked-block.ts';

export interface HookPlaces {
  readonly enter: string;
  readonly exit: string;
  /** The file is shared with others. */
  readonly shared: boolean;
  /** The script sources it only with the run bit set. */
  readonly needsRunBit: boolean;
}

/** Last in run-parts' order, so that no neighbour (resolvconf) redefines make_resolv_conf after us. */
const NAME = 'zz-holdfast';
const SCRIPTS = ['/sbin/dhclient-script', '/usr/sbin/dhclient-script'];

/** The first dhclient-script that is there, where dhclient runs it without being told another. */
export const defaultScript = (host: Host) => SCRIPTS.find((path) => host.stat(path) !== null) ?? null;

/** null: this host has no dhclient. */
export function hookPlaces(host: Host): HookPlaces | null {
  const path = defaultScript(host);
  const script = path === null ? null : host.readText(path);
  const folder = /^ETCDIR=["']?(\/[^"'\s]*)/m.exec(script ?? '')?.[1] ?? '/etc/dhcp';
  const hasFolders =
    script?.includes('dhclient-enter-hooks.d') ?? host.stat(`${folder}/dhclient-enter-hooks.d`) !== null;
  if (hasFolders) {
    return {
      enter: `${folder}/dhclient-enter-hooks.d/${NAME}`,
      exit: `${folder}/dhclient-exit-hooks.d/${NAME}`,
      shared: false,
      needsRunBit: false,
    };
  }
  if (script === null) return null;
  return {
    enter: `${folder}/dhclient-enter-hooks`,
    exit: `${folder}/dhclient-exit-hooks`,
    shared: true,
    needsRunBit: true,
  };
}

/** Whether a dhclient-script would run our hooks at all; one that cannot be read will not. */
export function sourcesHooks(host: Host, script: string): boolean {
  const code = (host.readText(script) ?? '').replace(/^\s*#.*$/gm, '');
  return code.includes('dhclient-enter-hooks');
}

/** The whole file with our hook in it. */
export function placeHook(places: HookPlaces, current: string | null, hook: string): string {
  if (!places.shared) return hook;
  return placeInShell(current, hook);
}

/** The file without it; null: nothing of anybody's is left in it. */
export function removeHook(places: HookPlaces, current: string): string | null {
  if (!places.shared) return null;
  return removeFromShell(current);
}

/** Whether a hook of ours is in the file. */
export function ownsHook(places: HookPlaces, current: string): boolean {
  return !places.shared || findBlock(current) !== null;
}
