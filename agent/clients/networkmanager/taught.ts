/** The devices that Holdfast has taught to ignore offers (teaching.ts), until they are given back. Empty after a reboot. */
import type { Host } from '../../host/host.ts';
import { RUN_FOLDER } from '../../host/paths.ts';
import type { ProfileKey } from './profile-text.ts';

export const TAUGHT = `${RUN_FOLDER}/networkmanager-taught`;

/** A device that was taught, and what has to be undone there. */
export interface TaughtDevice {
  readonly device: string;
  /** NetworkManager's process and its start, counted since boot. */
  readonly pid: number;
  readonly sinceBoot: number;
  readonly keys: readonly ProfileKey[];
  /** As nmcli(1) writes them. */
  readonly routes: readonly string[];
}

/** Empty if no device was taught since the boot, or the record is damaged. */
export function taughtDevices(host: Host): TaughtDevice[] {
  const text = host.readText(TAUGHT);
  try {
    return text === null ? [] : (JSON.parse(text) as TaughtDevice[]);
  } catch {
    return [];
  }
}

export function rememberTaught(host: Host, taught: TaughtDevice): void {
  const others = taughtDevices(host).filter(({ device }) => device !== taught.device);
  save(host, [...others, taught]);
}

export function forgetTaught(host: Host, device: string): void {
  const left = taughtDevices(host).filter((one) => one.device !== device);
  if (left.length === 0) host.remove(TAUGHT);
  else save(host, left);
}

function save(host: Host, taught: readonly TaughtDevice[]): void {
  host.makeFolder(RUN_FOLDER, 0o755);
  host.replaceOwn(TAUGHT, JSON.stringify(taught), 0o600);
}
