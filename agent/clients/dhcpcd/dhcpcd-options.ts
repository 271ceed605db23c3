/**
 * DHCP options as dhcpcd names them (`dhcpcd --variables`): in dhcpcd.conf(5) and, with `new_` before the name, for its
 * hooks. Names and notation were compared with dhcpcd 9.4.1 and 10.1.0.
 */
import type { OptionDefinition } from '../../config/notation/dhcp-options.ts';
import { classlessRoutes, hookValue } from '../hook-values.ts';

/** Options that have another name there than dhclient's with underscores. null: dhcpcd does not know the option. */
const NAMES: Readonly<Record<string, string | null>> = {
  'nwip-domain': null,
  'pxe-system-type': null,
  'pxe-interface-id': null,
  'pxe-client-id': null,
  pcode: 'posix_timezone',
  tcode: 'tzdb_timezone',
  'netinfo-server-address': null,
  'netinfo-server-tag': null,
  'default-url': null,
  'auto-config': 'auto_configure',
  'rfc3442-classless-static-routes': 'classless_static_routes',
  'v4-lost': 'lost_server',
  'capwap-ac-v4': 'capwap_ac',
  'sip-ua-cs-domains': 'sip_ua_cs_list',
  'ipv4-address-andsf': 'andsf',
  'tftp-server-address': 'tftp_servers',
  'v4-portparams': null,
  'v4-captive-portal': null,
  'loader-configfile': 'config_file',
  'loader-pathprefix': 'path_prefix',
  'loader-reboottime': 'reboot_time',
  'option-6rd': null,
  'v4-access-domain': 'access_domain',
  wpad: 'wpad_url',
  'dhcp6.new-posix-timezone': 'dhcp6_posix_timezone',
  'dhcp6.new-tzdb-timezone': 'dhcp6_tzdb_timezone',
  'dhcp6.v6-lost': 'dhcp6_lost_server',
  'dhcp6.capwap-ac-v6': 'dhcp6_capwap_ac',
  'dhcp6.v6-access-domain': 'dhcp6_access_domain',
};

/** Options without which dhcpcd cannot use a lease: address, mask and times come from the server. */
const OF_THE_LEASE =
  /^(subnet-mask|broadcast-address|dhcp-(?!client-identifier).*|dhcp6\.(client-id|server-id|ia-.*|oro|preference|status-code|elapsed-time|relay-msg))$/;

/** `ntp_servers`, `dhcp6_name_servers`; null if dhcpcd does not know the option. */
export function dhcpcdName({ name }: OptionDefinition): string | null {
  const own = NAMES[name];
  return own === undefined ? name.replace(/[.-]/g, '_') : own;
}

/** How dhcpcd takes a value of an option in place of the server's. */
export type SupersedeWay =
  /** Only hooks use the option: the enter hook sets the variable, also for a dhcpcd that runs. */
  | { readonly by: 'hook'; readonly name: string; readonly value: string }
  /** dhcpcd itself uses the option: only a `static` line replaces the value, from its next start. */
  | { readonly by: 'conf'; readonly name: string; readonly value: string }
  /** Why it cannot be done, and what to write in place of it. */
  | { readonly by: 'none'; readonly why: string };

/** Bytes: dhcpcd.conf(5) wants `10.0.0.0/8 10.1.2.3` for what dhclient.conf(5) writes as bytes. */
const CLASSLESS = new Set(['classless_static_routes', 'ms_classless_static_routes']);

/** dhcpcd refuses a smaller one. */
const LEAST_MTU = 576;

export function supersedeWay(definition: OptionDefinition, values: readonly string[]): SupersedeWay {
  const name = dhcpcdName(definition);
  if (name === null) return none(`dhcpcd has no option ${definition.name} (dhcpcd --variables lists its options)`);
  if (OF_THE_LEASE.test(definition.name)) {
    return none(
      `dhcpcd takes ${definition.name} from the server, and no statement of dhcpcd.conf replaces it beside a lease`,
    );
  }
  if (name === 'static_routes') return none('dhcpcd makes these routes itself; write them below "routes" instead');
  if (name === 'ms_classless_static_routes') {
    return none('write rfc3442-classless-static-routes, which dhcpcd prefers');
  }
  if (CLASSLESS.has(name)) {
    const value = classlessRoutes(values);
    return value === null ? none('the bytes are no routes of RFC 3442') : { by: 'conf', name, value };
  }
  if (name === 'routers') return { by: 'conf', name, value: values.join(' ') };
  if (name === 'interface_mtu') {
    const [value = ''] = values;
    return Number(value) < LEAST_MTU ? none(`dhcpcd accepts no MTU below ${LEAST_MTU}`) : { by: 'conf', name, value };
  }
  const value = hookValue(definition.format, values);
  return value === null
    ? none(`Holdfast does not know how dhcpcd gives ${definition.name} to its hooks`)
    : { by: 'hook', name, value };
}

/** Why dhcpcd must be given this option of the server; null if the option can be left out. */
export function neededOption({ name }: OptionDefinition): string | null {
  return OF_THE_LEASE.test(name) ? `dhcpcd needs ${name} of every lease` : null;
}

function none(why: string): SupersedeWay {
  return { by: 'none', why };
}
