import type { ConfiguredState } from '../../config/desired.ts';

/**
 * The section in which the operator wrote a setting of dhclient, for the setting's name. `part`: `supersede.OPTION`,
 * `request.without.OPTION` or, for the whole list, `request.without`; the same with `also`; or `ignore`.
 */
export function writtenIn(
  { dhcp, dhclient }: Pick<ConfiguredState, 'dhcp' | 'dhclient'>,
  iface: string | null,
  part: string,
): 'dhcp' | 'dhclient' {
  const scopes = [dhcp, dhclient].map(({ global, interfaces }) => (iface === null ? global : interfaces.get(iface)));
  const [general, own] = scopes;
  if (general === undefined || own === undefined) return 'dhclient';
  const [kind, list = '', ...rest] = part.split('.');
  const option = part.slice('supersede.'.length);
  const requested = list === 'also' ? 'also' : 'without';
  const isGeneral =
    kind === 'supersede'
      ? general.supersede.get(option)?.join() === own.supersede.get(option)?.join() && general.supersede.has(option)
      : kind === 'request'
        ? (rest.length > 0 ? [rest.join('.')] : (own.request?.[requested] ?? [])).every((one) =>
            general.request?.[requested].includes(one),
          )
        : own.ignore.every((offer) => general.ignore.includes(offer));
  return isGeneral ? 'dhcp' : 'dhclient';
}
