/** What no file keeps over a reboot, `agent apply` at boot or the daemon brings back: whether one of them is started then. */
import type { Host } from '../host/host.ts';
import type { SettingState } from './resource.ts';

const UNITS = /^holdfast(-apply)?\.service$/;
const WANTS = '/etc/systemd/system';
const NONE = 'neither holdfast.service nor holdfast-apply.service is enabled: systemctl enable holdfast-apply';

/** The moment `boot` of a setting that the running kernel alone holds. Looks at systemd's folders. */
export function appliedAtBoot(host: Host, { setting, wanted }: Pick<SettingState, 'setting' | 'wanted'>): SettingState {
  const common = { setting, wanted, moment: 'boot', actual: null } as const;
  const folders = host.list(WANTS).filter((name) => name.endsWith('.wants'));
  const isEnabled = folders.some((name) => host.list(`${WANTS}/${name}`).some((unit) => UNITS.test(unit)));
  return isEnabled ? { ...common, state: 'ok' } : { ...common, state: 'unknown', reason: NONE };
}
