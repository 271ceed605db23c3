/** Made-up hosts: most are well, some need attention, as in a fleet of some years. */
import type { HostEvent, HostRow } from '../../agent/collector/api.ts';
import type { Fleet, FleetHost } from './fleet.ts';

const SITES = ['ams', 'ber', 'cdg', 'fra', 'lhr', 'mad', 'osl', 'waw'];
const ROLES = ['router', 'firewall', 'web', 'db', 'cache'];
const MINUTE = 60_000;

/** Adds `count` hosts, `web-ams-00001` …; every 400th needs attention for one reason or the other. */
export function populate(fleet: Fleet, count: number): void {
  for (let index = 0; index < count; index++) {
    const site = SITES[index % SITES.length]!;
    const role = ROLES[Math.floor(index / SITES.length) % ROLES.length]!;
    const name = `${role}-${site}-${String(index).padStart(5, '0')}`;
    const host = wellHost(name, { site, role });
    if (index % 400 === 17) troubles[((index / 400) % troubles.length) | 0]!(host);
    fleet.hosts.set(host.row.id, host);
  }
}

export function wellHost(name: string, labels: Record<string, string>): FleetHost {
  const now = Date.now();
  const router = labels.role === 'router';
  const ipv4 = history(now, router ? 940_000 : 14, router ? 900 : 1);
  const ipv6 = history(now, router ? 2_100 : 9, router ? 30 : 1);
  const row: HostRow = {
    id: `id-${name}`,
    name,
    labels,
    agent: '0.1.0',
    kernel: router ? '5.10.0-32-amd64' : '6.1.0-40-amd64',
    lastSeen: now - 4_000,
    silent: false,
    settings: { ok: 7, drifted: 0, unknown: 0 },
    routes: {
      ipv4: { count: ipv4.at(-1)![1], limit: null, used: ipv4.at(-1)![1] },
      ipv6: { count: ipv6.at(-1)![1], limit: router ? 4_096 : null, used: ipv6.at(-1)![1] },
    },
    memoryErrors: 0,
    provisional: null,
    wave: null,
    unseen: null,
    attention: [],
  };
  const settings = ['dns.nameservers', 'dns.search', 'dns.sortlist', 'dhclient.supersede.ntp-servers']
    .map((setting): FleetHost['settings'][number] => ({ setting, moments: { now: 'ok', lease: 'ok', boot: 'ok' } }))
    .concat([{ setting: 'sysctl.net.ipv6.route.max_size', moments: { now: 'ok', boot: 'ok' } }]);
  const events = [
    event(now - 40 * MINUTE, 'holdfast.lease', 'info', 'Lease of eth0 renewed by 192.0.2.1', { interface: 'eth0' }),
    event(now - 26 * 60 * MINUTE, 'holdfast.start', 'info', 'Agent 0.1.0 started', {}),
  ];
  return { row, settings, events, routes: { ipv4, ipv6 } };
}

/** Seven days, a point for each 5 minutes, and for each half minute of the last hour; from something smooth to read. */
function history(now: number, size: number, sway: number): [number, number][] {
  const points: [number, number][] = [];
  for (let age = 7 * 24 * 60; age > 60; age -= 5) points.push(at(now, age, size, sway));
  for (let age = 60; age >= 0; age -= 0.5) points.push(at(now, age, size, sway));
  return points;
}

const at = (now: number, age: number, size: number, sway: number): [number, number] => [
  now - age * MINUTE,
  Math.round(size * (1 - age / 200_000) + sway * (Math.sin(age / 47) + Math.sin(age / 11) / 3)),
];

/** The id of the event that was made last. */
let last = 0;

export function event(
  time: number,
  name: string,
  severity: HostEvent['severity'],
  body: string,
  attributes: HostEvent['attributes'],
): HostEvent {
  last += 1;
  return { id: last, time, name, severity, body, attributes };
}

/** Adds a reason why somebody should look. */
export function needs(host: FleetHost, code: string, text: string): void {
  const without = host.row.attention.filter((each) => each.code !== code);
  host.row = { ...host.row, attention: [...without, { code, text, since: Date.now() - 7 * MINUTE }] };
}

export function silence(host: FleetHost): void {
  host.row = { ...host.row, silent: true, lastSeen: Date.now() - 5 * MINUTE };
  for (const points of Object.values(host.routes)) points.splice(-10);
  needs(host, 'silent', 'No heartbeat for three intervals of 30 s');
}

export function drift(host: FleetHost): void {
  host.row = { ...host.row, settings: { ok: 6, drifted: 1, unknown: 0 } };
  host.settings = host.settings.map((each) =>
    each.setting === 'dns.nameservers' ? { ...each, moments: { now: 'drifted', lease: 'ok', boot: 'unknown' } } : each,
  );
  needs(host, 'drifted', 'dns.nameservers is not as configured now');
}

export function heal(host: FleetHost): void {
  host.row = { ...host.row, settings: { ok: 7, drifted: 0, unknown: 0 }, attention: [] };
  host.settings = host.settings.map((each) =>
    each.setting === 'dns.nameservers' ? { ...each, moments: { now: 'ok', lease: 'ok', boot: 'ok' } } : each,
  );
  host.events = [
    event(Date.now(), 'holdfast.heal', 'warn', 'Put right: /etc/resolv.conf', { resource: 'resolver' }),
    ...host.events,
  ];
}

/** The IPv6 table grows to `count`. */
export function grow(host: FleetHost, count: number): void {
  const limit = 4_096;
  const from = host.routes.ipv6.at(-1)![1];
  host.routes.ipv6 = host.routes.ipv6.map(([time, value], index, all) => {
    const left = Math.max(0, 60 - (all.length - 1 - index)) / 60;
    return [time, Math.round(value + (count - from) * left ** 2)];
  });
  host.row = { ...host.row, routes: { ...host.row.routes, ipv6: { count, limit, used: count } } };
  if (count >= limit * 0.8) needs(host, 'table-near-limit', `The IPv6 table holds ${count} of at most ${limit} routes`);
}

export function memoryError(host: FleetHost): void {
  const text = 'KRT SEND ADD 198.51.100.0/24: Cannot allocate memory';
  host.events = [
    event(Date.now() - 3 * MINUTE, 'holdfast.memory_error', 'error', text, { cause: 'route-add-failed' }),
    ...host.events,
  ];
  host.row = { ...host.row, memoryErrors: 3 };
  needs(host, 'memory-error', '3 memory errors in 24 h');
}

function stale(host: FleetHost): void {
  needs(host, 'stale-dhclient', 'dhclient of eth0 (process 812) runs with the configuration of 3 days ago');
}

const troubles = [silence, drift, stale, memoryError, (host: FleetHost) => grow(host, 3_702)];
