/** The configured settings of `dns`, which several resources hold at their moments. */
import type { DesiredDns } from '../config/desired.ts';
import type { Keyword } from '../resolver/resolv-conf.ts';
import type { Moment, SettingState, State } from './resource.ts';

/** Each setting with its keyword in resolv.conf. */
export function dnsSettings(dns: DesiredDns): { keyword: Keyword; setting: string; values: readonly string[] }[] {
  const all: [Keyword, string, readonly string[] | null][] = [
    ['domain', 'dns.domain', dns.domain === null ? null : [dns.domain]],
    ['search', 'dns.search', dns.search],
    ['nameserver', 'dns.nameservers', dns.nameservers],
    ['sortlist', 'dns.sortlist', dns.sortlist],
    ['options', 'dns.options', dns.options],
  ];
  return all.flatMap(([keyword, setting, values]) => (values === null ? [] : [{ keyword, setting, values }]));
}

/** All settings in one state at one moment. Empty if `dns` is null. */
export function dnsStates(dns: DesiredDns | null, moment: Moment, state: State, reason?: string): SettingState[] {
  if (dns === null) return [];
  return dnsSettings(dns).map(({ setting, values }) => ({
    setting,
    moment,
    state,
    wanted: values.join(' '),
    actual: state === 'ok' ? values.join(' ') : null,
    ...(reason === undefined ? {} : { reason }),
  }));
}
