/**
 * Identifies this machine beside its machine-id, which a cloned disk takes along: by marks of its firmware and network
 * cards. The marks from the first look at a machine-id are kept, so that a clone can recognise itself.
 */
import { createHash } from 'node:crypto';
import { nullIfRefused } from './errors.ts';
import type { Host } from './host.ts';
import { STATE_FOLDER } from './paths.ts';

/** Lines: a hash of the machine-id, and one mark each. Only root may read the file. */
const RECORD = `${STATE_FOLDER}/machine`;
/** Replaces a machine-id if the host has none, as in some containers. */
export const SUBSTITUTE = `${STATE_FOLDER}/machine-id`;
const CARDS = '/sys/class/net';
const FIRMWARE = ['product_uuid', 'board_serial'] as const;

/**
 * Sorted marks that another machine with the same files does not have: `mac:…` of each network card, and the firmware's
 * ids, which only root can read. Virtual cards count only if there are no others. Empty if these files do not belong to
 * the running host.
 */
export function machineMarks(host: Host): string[] {
  if (!host.live) return [];
  const cards = (nullIfRefused(() => host.list(CARDS)) ?? []).filter((name) => name !== 'lo');
  const real = cards.filter((name) => host.stat(`${CARDS}/${name}/device`) !== null);
  const addresses = (real.length > 0 ? real : cards).map((name) => firstLine(host, `${CARDS}/${name}/address`));
  const ids = FIRMWARE.map((name) => [name, firstLine(host, `/sys/class/dmi/id/${name}`)] as const);
  return [
    ...new Set([
      ...addresses.filter((text) => /[1-9a-f]/.test(text)).map((text) => `mac:${text}`),
      ...ids.filter(([, text]) => isUnique(text)).map(([name, text]) => `${name}:${text}`),
    ]),
  ].sort();
}

/** 32 hexadecimal digits; null if the host has no machine-id. */
export function knownMachineId(host: Host): string | null {
  for (const file of ['/etc/machine-id', '/var/lib/dbus/machine-id', SUBSTITUTE]) {
    const text = host.readText(file)?.trim() ?? '';
    if (/^[0-9a-f]{32}$/.test(text)) return text;
  }
  return null;
}

/** Keeps the marks of this machine for its machine-id, unless the record has another machine's marks. Never throws. */
export function rememberMachine(host: Host): void {
  const marks = machineMarks(host);
  const id = hashedId(host);
  const known = remembered(host, id);
  if (id === null || marks.length === 0 || isOther(known, marks) || marks.every((mark) => known.includes(mark))) return;
  nullIfRefused(() => {
    host.makeFolder(STATE_FOLDER, 0o755);
    host.replaceOwn(RECORD, `${[id, ...new Set([...known, ...marks])].join('\n')}\n`, 0o600);
  });
}

/** The marks of the first machine with this machine-id, if that was another machine; otherwise null. */
export function machineBefore(host: Host): string[] | null {
  const known = remembered(host, hashedId(host));
  return isOther(known, machineMarks(host)) ? known : null;
}

function remembered(host: Host, id: string | null): string[] {
  const [kept, ...marks] = (nullIfRefused(() => host.readText(RECORD)) ?? '').trim().split('\n');
  return kept === id ? marks : [];
}

/** null if there is none, or it cannot be read. */
function hashedId(host: Host): string | null {
  const id = nullIfRefused(() => knownMachineId(host));
  return id === null ? null : createHash('sha256').update(id).digest('hex');
}

/** A card may be replaced, and only root can read the firmware, so one common mark is enough. */
function isOther(known: readonly string[], marks: readonly string[]): boolean {
  return known.length > 0 && marks.length > 0 && !marks.some((mark) => known.includes(mark));
}

/** Some firmware gives every machine the same id, or no id: "To be filled by O.E.M.", zeros. */
function isUnique(text: string): boolean {
  return /\d/.test(text) && new Set(text.replace(/[^0-9a-z]/gi, '')).size > 3;
}

function firstLine(host: Host, path: string): string {
  return (nullIfRefused(() => host.readText(path)) ?? '').trim().split('\n')[0]!.toLowerCase();
}
