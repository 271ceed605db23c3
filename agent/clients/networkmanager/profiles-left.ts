/** Profiles that Holdfast edited, where the configuration no longer asks for it. */
import { compareFile } from '../../hold/files/compare-file.ts';
import { ORIGINALS, type OriginalFile, Originals } from '../../hold/originals/originals.ts';
import type { Finding } from '../../hold/resource.ts';
import { nullIfRefused } from '../../host/errors.ts';
import type { Host } from '../../host/host.ts';
import { type ManagedDevice, PROFILES } from './profiles.ts';

/** Whether a profile may not be given back yet; false for a user who may not see it. Costs next to nothing. */
export function hasProfileLeft(host: Host): boolean {
  const record = `file.${encodeURIComponent(`${PROFILES}/`)}`;
  const isRecorded = () => host.list(ORIGINALS).some((name) => name.startsWith(record));
  return nullIfRefused(isRecorded) ?? false;
}

/** The profiles that Holdfast edited and has not given back; none for a user who may not see the records. */
export function editedProfiles(host: Host): string[] {
  if (!hasProfileLeft(host)) return [];
  const edited = nullIfRefused(() =>
    recordedProfiles(host).filter(({ key, before }) => {
      const text = host.readText(key);
      return text !== null && text !== before;
    }),
  );
  return (edited ?? []).map(({ key }) => key);
}

function recordedProfiles(host: Host): OriginalFile[] {
  return new Originals(host).all().flatMap((one) => {
    return one.kind === 'file' && one.key.startsWith(`${PROFILES}/`) ? [one] : [];
  });
}

/** @param wanted devices whose profiles the configuration decides. */
export async function profilesLeft(host: Host, resource: string, wanted: readonly ManagedDevice[]): Promise<Finding[]> {
  const { withoutOurs } = await import('../../hold/originals/later-edits.ts');
  const files = new Set(wanted.map(({ file }) => file));
  const ours = recordedProfiles(host).filter(({ key }) => !files.has(key));
  const found = await Promise.all(
    ours.map(({ key, before, after }) =>
      compareFile(host, { resource, key, moment: 'boot' }, (actual) => {
        if (actual === null || actual === before) return null;
        const text = withoutOurs(actual, before, after);
        if (text === actual) return null;
        const reason = `another program has changed the lines of Holdfast in ${key}; take them out by hand`;
        return typeof text === 'string' ? { wanted: text } : { wanted: actual, state: 'skipped', reason };
      }),
    ),
  );
  return found.filter((finding) => finding !== null);
}

/** Makes NetworkManager read the file, for its next activation; no device is touched. null if it did, or does not run. */
export function loadProfile(host: Host, file: string): string | null {
  if (host.processes('NetworkManager', 'network').length === 0) return null;
  const { status, stderr, error } = host.run('nmcli', ['connection', 'load', file]);
  return status === 0 ? null : `NetworkManager did not read ${file} (nmcli connection load): ${error ?? stderr.trim()}`;
}
