/**
 * The settings of `dhcp` that no client answers for, because none runs or none has such an interface. An idle client
 * gives no state, so without this a setting that nobody holds would not be in `status` at all.
 */
import type { DesiredDhcp } from '../config/desired.ts';
import type { SettingView } from '../hold/settings-view.ts';
import type { Host } from '../host/host.ts';
import { CLIENTS } from './clients.ts';
import { dhcpSettings, dhcpState } from './dhcp-settings.ts';

/**
 * The views, and one more for each setting that has none.
 *
 * @param only the resources that were looked at; all if undefined. Without one of the clients nothing is added.
 */
export function withUnheldDhcp(
  host: Host,
  dhcp: DesiredDhcp,
  views: readonly SettingView[],
  only: readonly string[] | undefined,
): SettingView[] {
  const names = CLIENTS.flatMap(({ resources }) => resources.map(({ name }) => name));
  if (only !== undefined && !names.every((name) => only.includes(name))) return [...views];
  const answered = new Set(views.map(({ setting }) => setting));
  const unheld = dhcpSettings(dhcp).filter(({ setting, values }) => {
    // Without a client the kernel alone ignores advertisements, and its settings have states of their own.
    if (values.every((value) => value === 'router-advertisements')) return false;
    // `dhclient` wins over `dhcp`.
    return !answered.has(setting) && !answered.has(setting.replace(/^dhcp\./, 'dhclient.'));
  });
  const reason = host.live ? 'no running DHCP client holds it' : 'no DHCP client among these files holds it';
  return [
    ...views,
    ...unheld.map((one): SettingView => {
      const at = (moment: 'lease' | 'boot') => dhcpState(one, moment, 'unknown', reason);
      return { setting: one.setting, wanted: one.values.join(' '), moments: { lease: at('lease'), boot: at('boot') } };
    }),
  ];
}
