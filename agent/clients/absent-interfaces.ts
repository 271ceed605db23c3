/** Settings of interfaces that this host does not have: the name may be wrong, or the interface comes later. */
import type { ConfiguredState } from '../config/desired.ts';
import type { SettingState } from '../hold/resource.ts';
import { MOMENTS, type SettingView } from '../hold/settings-view.ts';
import { nullIfRefused } from '../host/errors.ts';
import type { Host } from '../host/host.ts';

/** The views, in which no moment of such a setting counts as held. */
export function withAbsentInterfaces(
  host: Host,
  { dhcp, dhclient }: ConfiguredState,
  views: readonly SettingView[],
): SettingView[] {
  const present = host.live ? (nullIfRefused(() => host.list('/sys/class/net')) ?? []) : [];
  // Without any interface in sight, nothing is known of them.
  if (present.length === 0) return [...views];
  const configured = new Set([...dhcp.interfaces.keys(), ...dhclient.interfaces.keys()]);
  const absent = [...configured].filter((name) => !present.includes(name));
  if (absent.length === 0) return [...views];
  const others = present.filter((name) => name !== 'lo').join(', ') || 'none but lo';
  return views.map((view) => {
    const name = absent.find((one) => /^dh(cp|client)\.interfaces\./.test(view.setting) && isOf(view.setting, one));
    if (name === undefined) return view;
    const reason = `this host has no interface ${name} (it has ${others}): correct the name, unless the interface comes later`;
    const moments = MOMENTS.flatMap((moment) => {
      const found = view.moments[moment];
      return found === undefined ? [] : [[moment, unknown(found, reason)] as const];
    });
    return { ...view, moments: Object.fromEntries(moments) };
  });
}

function isOf(setting: string, name: string): boolean {
  return setting.replace(/^\w+\.interfaces\./, '').startsWith(`${name}.`);
}

function unknown(found: SettingState, reason: string): SettingState {
  return found.state === 'drifted' ? found : { ...found, state: 'unknown', reason };
}
