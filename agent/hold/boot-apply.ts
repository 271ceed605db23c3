/**
 * Settings without a file are restored after a reboot by `agent apply` or the daemon. This file checks whether one of
 * the two is enabled.
 */
import type { Host } from '../host/host.ts';
import type { SettingState, State } from './resource.ts';

const UNITS = /^holdfast(-apply)?\.service$/;
const WANTS = '/etc/systemd/system';
const NONE = 'neither holdfast.service nor holdfast-apply.service is enabled: systemctl enable holdfast-apply';

/**
 * Returns the moment `boot` of settings that only the running kernel holds. Reads systemd's folders only at the first
 * call.
 */
export function appliedAtBoot(host: Host): (setting: Pick<SettingState, 'setting' | 'wanted'>) => SettingState {
  let verdict: { readonly state: State; readonly reason?: string } | undefined;
  return ({ setting, wanted }) => {
    verdict ??= isEnabled(host) ? { state: 'ok' } : { state: 'unknown', reason: NONE };
    return { setting, wanted, moment: 'boot', actual: null, ...verdict };
  };
}

function isEnabled(host: Host): boolean {
  const folders = host.list(WANTS).filter((name) => name.endsWith('.wants'));
  return folders.some((name) => host.list(`${WANTS}/${name}`).some((unit) => UNITS.test(unit)));
}
