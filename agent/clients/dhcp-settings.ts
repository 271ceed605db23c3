/** The settings of `dhcp` by name, as `agent status` shows them: one for each option, request list and ignored offer. */
import type { DesiredDhcp, DhcpScope } from '../config/desired.ts';
import type { Moment, SettingState, State } from '../hold/resource.ts';

export interface DhcpSetting {
  /** `dhcp.supersede.ntp-servers`, `dhcp.interfaces.eth1.request.without`, `dhcp.ignore`. */
  readonly setting: string;
  /** The interface of its scope; null for all interfaces. */
  readonly interface: string | null;
  /** The option of `supersede`, or the part of the scope. */
  readonly asks:
    | { readonly part: 'supersede'; readonly option: string }
    | { readonly part: 'request.without' | 'request.also' | 'ignore' };
  readonly values: readonly string[];
}

export function dhcpSettings({ global, interfaces }: DesiredDhcp): DhcpSetting[] {
  return [...ofScope(null, global), ...[...interfaces].flatMap(([name, scope]) => ofScope(name, scope))];
}

/** The state of a setting, whose values are in place only if it is held. */
export function dhcpState(
  { setting, values }: Pick<DhcpSetting, 'setting' | 'values'>,
  moment: Moment,
  state: State,
  reason?: string,
): SettingState {
  const wanted = values.join(' ');
  return { setting, moment, state, wanted, actual: state === 'ok' ? wanted : null, ...(reason && { reason }) };
}

function ofScope(iface: string | null, { supersede, request, ignore }: DhcpScope): DhcpSetting[] {
  const prefix = iface === null ? 'dhcp.' : `dhcp.interfaces.${iface}.`;
  const common = { interface: iface };
  const lists = [
    ['request.without', request?.without ?? []],
    ['request.also', request?.also ?? []],
    ['ignore', ignore],
  ] as const;
  return [
    ...[...supersede].map(([option, values]): DhcpSetting => {
      return { ...common, setting: `${prefix}supersede.${option}`, asks: { part: 'supersede', option }, values };
    }),
    ...lists
      .filter(([, values]) => values.length > 0)
      .map(([part, values]): DhcpSetting => ({ ...common, setting: `${prefix}${part}`, asks: { part }, values })),
  ];
}
