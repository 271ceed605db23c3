/**
 * Names of routing tables and of the programs that make routes, as iproute2 prints them (etc/iproute2/rt_tables and
 * rt_protos), and as FRR's own file for iproute2 adds (tools/etc/iproute2/rt_protos.d/frr.conf).
 */

const TABLES: Readonly<Record<number, string>> = { 253: 'default', 254: 'main', 255: 'local' };

export const MAIN_TABLE = 254;

/**
 * The protocol of routes that Holdfast makes: "H" in ASCII. Neither the kernel (linux/rtnetlink.h), nor iproute2's
 * rt_protos, nor FRR uses this number.
 */
export const HOLDFAST = 72;

/** The protocol of all routes that BIRD makes. */
export const BIRD = 12;

const PROTOCOLS: Readonly<Record<number, string>> = {
  0: 'unspec',
  1: 'redirect',
  2: 'kernel',
  3: 'boot',
  4: 'static',
  8: 'gated',
  9: 'ra',
  10: 'mrt',
  11: 'zebra',
  [BIRD]: 'bird',
  13: 'dnrouted',
  14: 'xorp',
  15: 'ntk',
  16: 'dhcp',
  17: 'mrouted',
  18: 'keepalived',
  42: 'babel',
  [HOLDFAST]: 'holdfast',
  84: 'ovn',
  99: 'openr',
  186: 'bgp',
  187: 'isis',
  188: 'ospf',
  189: 'rip',
  190: 'ripng',
  191: 'nhrp',
  192: 'eigrp',
  193: 'ldp',
  194: 'sharp',
  195: 'pbr',
  196: 'zstatic',
  197: 'openfabric',
  198: 'srte',
};

/** The number, if the table has no standard name: names that a host gives to tables are its own, and may mislead. */
export function tableName(table: number): string {
  return TABLES[table] ?? String(table);
}

export function protocolName(protocol: number): string {
  return PROTOCOLS[protocol] ?? String(protocol);
}
