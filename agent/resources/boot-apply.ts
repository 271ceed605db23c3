/** What no file keeps over a reboot, `agent apply` at boot or the daemon brings back: whether one of them is started then. */
import type { Host } from '../host/host.ts';
import type { SettingState } from './resource.ts';

const ENABLED = [
  '/etc/systemd/system/sysinit.target.wants/holdfast-apply.service',
  '/etc/systemd/system/multi-user.target.wants/holdfast.service',
];

/** The moment `boot` of a setting that the running kernel alone holds. */
export function appliedAtBoot(host: Host, { setting, wanted }: Pick<SettingState, 'setting' | 'wanted'>): SettingState {
  const common = { setting, wanted, moment: 'boot' } as const;
  if (ENABLED.some((unit) => host.lstat(unit) !== null)) return { ...common, state: 'ok', actual: wanted };
  const reason =
    'it goes with a reboot, and no service of Holdfast is enabled that would bring it back (holdfast-apply)';
  return { ...common, state: 'unknown', actual: null, reason };
}
