import type { ConfiguredState } from '../../config/desired.ts';

/**
 * The section in which the operator wrote a setting of dhclient, for the setting's name. `part`: `supersede.OPTION`,
 * `request.without.OPTION`, `request.also.OPTION`, or `ignore`.
 */
export function writtenIn(
  { dhcp, dhclient }: Pick<ConfiguredState, 'dhcp' | 'dhclient'>,
  iface: string | null,
  part: string,
): 'dhcp' | 'dhclient' {
  const scopes = [dhcp, dhclient].map(({ global, interfaces }) => (iface === null ? global : interfaces.get(iface)));
  const [general, own] = scopes;
  if (general === undefined || own === undefined) return 'dhclient';
  const [kind, second = '', third = ''] = part.split('.');
  const option = kind === 'supersede' ? part.slice('supersede.'.length) : third;
  const isGeneral =
    kind === 'supersede'
      ? general.supersede.get(option)?.join() === own.supersede.get(option)?.join() && general.supersede.has(option)
      : kind === 'request'
        ? general.request?.[second === 'also' ? 'also' : 'without'].includes(part.slice(`request.${second}.`.length))
        : own.ignore.every((offer) => general.ignore.includes(offer));
  return isGeneral ? 'dhcp' : 'dhclient';
}
