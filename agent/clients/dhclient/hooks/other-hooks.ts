/** Other hooks of dhclient-script, and the shell that sources them. */
import { dirname } from 'node:path';
import type { Host } from '../../../host/host.ts';
import { type Deed, deeds, lasting, type NeighbourHook, unknown } from '../../hook-deeds.ts';
import type { HookShell } from '../../hook-endings.ts';
import { scriptsInUse } from '../dhclient-scripts.ts';
import type { HookPlaces } from './hook-places.ts';

/** The hooks in the order of sourcing: the single file first, and the folder afterwards in run-parts' order. */
export function neighbours(host: Host, places: HookPlaces, when: 'enter' | 'exit'): NeighbourHook[] {
  const ours = places[when];
  const scripts = when === 'exit' ? lateScripts(host, places) : [];
  if (places.shared) {
    const text = host.stat(ours)?.isFile() ? host.readText(ours) : null;
    return [...(text === null ? [] : aroundOurs(text).map((part) => ({ ...part, file: ours, when }))), ...scripts];
  }
  const folder = dirname(ours);
  const files = [
    folder.replace(/\.d$/, ''),
    ...host
      .list(folder)
      .filter(isRun)
      .map((name) => `${folder}/${name}`),
  ];
  return [
    ...files
      .filter((file) => file !== ours && host.stat(file)?.isFile())
      .map((file) => ({ file, text: host.readText(file) ?? '', when, after: file > ours })),
    ...scripts,
  ];
}

/** RHEL's script sources these files after it has made resolv.conf, and calls a function of each. */
function lateScripts(host: Host, { scripts }: HookPlaces): NeighbourHook[] {
  if (scripts === null) return [];
  return host
    .list(scripts)
    .filter((name) => /^[^.].*\.sh$/.test(name))
    .map((name) => `${scripts}/${name}`)
    .filter((file) => host.stat(file)?.isFile() && (host.stat(file)!.mode & 0o111) !== 0)
    .map((file) => ({ file, text: host.readText(file) ?? '', when: 'exit', after: true }));
}

/** Whether run-parts(8) runs a file of this name. */
export function isRun(name: string): boolean {
  return /^[A-Za-z0-9_-]+$/.test(name);
}

/**
 * The hooks that run after ours and so have the last word. With such a hook, resolv.conf is uncertain at every lease.
 */
export function overrulingHooks(host: Host, places: HookPlaces): Deed[] {
  const all = neighbours(host, places, 'enter');
  const enter = all.filter(({ after }) => after);
  const exit = neighbours(host, places, 'exit');
  return [
    ...enter.flatMap(deeds),
    // make_resolv_conf has already run before these hooks, so only direct writes count.
    ...exit.flatMap(deeds).filter(({ deed }) => deed === 'writes'),
    ...[...exit, ...enter].flatMap((hook) => unknown(host, hook)),
    ...all.filter(({ after }) => !after).flatMap((hook) => lasting(host, hook)),
  ];
}

/** The text above and below our block in a shared file, with the line numbers of the whole file. */
function aroundOurs(text: string): { text: string; after: boolean }[] {
  const block = /^# BEGIN holdfast$.*?^# END holdfast$/ms.exec(text);
  if (block === null) return [{ text, after: false }];
  const end = block.index + block[0].length;
  const below = text.slice(0, end).replace(/[^\n]+/g, '') + text.slice(end);
  return [
    { text: text.slice(0, block.index), after: false },
    ...(below.trim() === '' ? [] : [{ text: below, after: true }]),
  ];
}

/** The shell that dhclient-script names in its first line. */
export function hookShell(host: Host): HookShell {
  const [script] = scriptsInUse(host);
  const first = script !== undefined && host.stat(script.path)?.isFile() ? (host.readText(script.path) ?? '') : '';
  return /^#![^\n]*\bbash\b/.test(first) ? 'bash' : 'sh';
}
