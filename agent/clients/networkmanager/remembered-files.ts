/** The settings that the running NetworkManager remembers of files that changed since. A stage begins with them. */
import { changedAfterStart } from '../../host/files/file-times.ts';
import type { Host } from '../../host/host.ts';
import { holderName, type LeaseHolder } from '../client.ts';
import { appliedSettings, dnsModeInForce, profileSettings } from './applied.ts';
import { dbusArguments } from './dbus-values.ts';
import { type ManagedDevice, PROFILES } from './profiles.ts';
import { networkManager } from './running.ts';
import { isUnreadProfile, unreadConf } from './unread-files.ts';

export interface RememberedFiles {
  /** Lines of NetworkManager.conf(5) that bring the remembered values back; '' if the files are as they were read. */
  readonly conf: string;
  /** The profile of the device's activation, as arguments of busctl(1); empty if the file is as it was read. */
  readonly profile: readonly string[];
  /** Whether NetworkManager has read the changed profile, for the next activation. */
  readonly isLoaded: boolean;
  readonly notes: readonly string[];
}

export function rememberedFiles(host: Host, holder: LeaseHolder, device: ManagedDevice): RememberedFiles {
  const process = networkManager(host);
  const nothing = { conf: '', profile: [], isLoaded: false, notes: [] };
  if (process === null) return nothing;
  const { conf, notes } = ofConf(host, holder, unreadConf(host, process));
  if (device.file === null || device.uuid === null) return { ...nothing, conf, notes };
  // A stage writes the remembered profile in the place of the present one, which it can do in this folder only.
  const isReplaceable = device.file.startsWith(`${PROFILES}/`);
  const isUnread = isReplaceable
    ? changedAfterStart(host, device.file, process) !== null
    : isUnreadProfile(host, process, device.file);
  if (!isUnread) return { ...nothing, conf, notes };
  const applied = isReplaceable ? appliedSettings(host, device.name) : null;
  const doubt =
    applied === null
      ? [`${changed(device.file, holder)}: the text that NetworkManager remembers is unknown, so ${PRESENT}`]
      : [];
  return {
    conf,
    profile: applied === null ? [] : dbusArguments(applied),
    isLoaded: applied !== null && !isSame(applied.data, profileSettings(host, device.uuid)?.data),
    notes: [...notes, ...doubt],
  };
}

const PRESENT = 'the rehearsal uses the present file';
const changed = (files: string, holder: LeaseHolder) => `${files} changed after ${holderName(holder)} started`;

function ofConf(host: Host, holder: LeaseHolder, files: readonly string[]): Pick<RememberedFiles, 'conf' | 'notes'> {
  if (files.length === 0) return { conf: '', notes: [] };
  const mode = dnsModeInForce(host);
  const what = changed(files.join(', '), holder);
  if (mode === null) return { conf: '', notes: [`${what}: it does not say what it remembers, so ${PRESENT}`] };
  const { dns, rcManager } = mode;
  return {
    conf: `[main]\ndns=${dns}\nrc-manager=${rcManager}\n`,
    notes: [
      `${what}: the rehearsal uses dns=${dns} and rc-manager=${rcManager}, which NetworkManager remembers; for other settings it uses the present file`,
    ],
  };
}

/** NetworkManager notes the time of the last activation in the profile. */
function isSame(applied: unknown, profile: unknown): boolean {
  const text = (settings: unknown) =>
    JSON.stringify(settings, (key, value) => (key === 'timestamp' ? undefined : value));
  return text(applied) === text(profile);
}
