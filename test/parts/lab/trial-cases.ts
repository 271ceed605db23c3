/** Changes that cut a host off, and good ones, each made on trial: for the lab's tests, and for the table in the documents. */
import type { Family } from '../../../agent/address/address.ts';
import type { ConfirmScene } from './confirm-scene.ts';
import { startNameServer } from './dhcp.ts';
import { hostBehind, inboundApart, inboundApart6, portListens } from './trial-surroundings.ts';

export interface TrialCase {
  readonly what: string;
  readonly families: readonly Family[];
  /** What the host and its routers have beforehand. */
  prepare?(scene: ConfirmScene): Promise<unknown>;
  /** The configuration that is confirmed first. Without it, nothing is configured before. */
  readonly before?: string;
  readonly change: string;
  readonly confirm?: { readonly by?: 'collector' | 'local'; readonly also?: string; readonly inbound?: number };
  /** Where the host is that the collector's side watches: this one, unless a host behind it is cut off. */
  readonly watched?: 'behind';
  /** Whether the collector is killed while the change is made. */
  readonly isKilled?: true;
  readonly ends: 'put back' | 'confirmed' | 'provisional';
  /** What the agent says about it. */
  readonly says: RegExp;
}

const BOTH: readonly Family[] = ['ipv4', 'ipv6'];
const CONFIRMED = /these answer: .*collector https:/;
const STOPPED = /collector \S+ \(IPv4\) is lost .*the change touches what may stop packets on their way/;
const GOOD_ROUTES = 'routes: [{ to: 192.0.2.0/24, via: 10.60.0.1 }]\n';
const OTHER_WAY = 'ip route replace default via 10.60.1.1 dev eth1 src 10.60.0.2 mtu 1400';

/** Answers to this host come by its second wire. */
const asymmetric = (scene: ConfirmScene) =>
  Promise.all([
    scene.router('ip route add 10.60.0.2/32 via 10.60.1.2 dev srv1'),
    scene.host.sh('sysctl -qw net.ipv4.conf.eth0.rp_filter=0'),
  ]);

/** This host sends by its second wire, from its first address. The router lets no other address out. */
const sendsApart = (scene: ConfirmScene) =>
  Promise.all([
    scene.host.sh(`sysctl -qw net.ipv4.conf.eth0.rp_filter=0; ${OTHER_WAY}`),
    scene.router(
      `nft 'add chain inet t forward { type filter hook forward priority 0; };
            add rule inet t forward ip saddr 10.60.1.2 drop'`,
    ),
  ]);

/** The same in IPv6. */
const sendsApart6 = (scene: ConfirmScene) =>
  Promise.all([
    scene.host.sh(
      `ip addr add fd60:1::2/64 dev eth1 nodad
       ip -6 route replace default via fd60:1::1 dev eth1 src fd60::2 mtu 1400`,
    ),
    scene.router(
      `nft 'add chain inet t forward { type filter hook forward priority 0; };
            add rule inet t forward ip6 saddr fd60:1::2 drop'`,
    ),
  ]);

/** Three name servers; the last does not know the collector. */
async function namedByDns(scene: ConfirmScene): Promise<void> {
  const { host } = scene;
  const collector = { 'collector.test': ['10.61.0.5'], 'other.test': ['10.0.0.1'] };
  await startNameServer(host, '10.60.9.53', collector);
  await startNameServer(host, '10.60.9.55', collector);
  await startNameServer(host, '10.60.9.54', { 'other.test': ['10.0.0.1'] });
  await host.sh("echo '127.0.0.1 localhost' >/etc/hosts; echo 'nameserver 10.60.9.53' >/etc/resolv.conf");
}

/** The same in IPv6. */
async function namedByDns6({ host }: ConfirmScene): Promise<void> {
  const collector = { 'collector.test': ['fd61::5'], 'other.test': ['fd00::1'] };
  await startNameServer(host, 'fd60::9:53', collector);
  await startNameServer(host, 'fd60::9:55', collector);
  await startNameServer(host, 'fd60::9:54', { 'other.test': ['fd00::1'] });
  await host.sh("echo '127.0.0.1 localhost' >/etc/hosts; echo 'nameserver fd60::9:53' >/etc/resolv.conf");
}

const CUT_OFF: readonly Omit<TrialCase, 'ends'>[] = [
  {
    what: 'a wrong default route',
    families: BOTH,
    before: GOOD_ROUTES,
    change: 'routes: [{ to: 0.0.0.0/0, via: 10.60.1.99, takeOver: true }]\n',
    says: /the way to 10\.61\.0\.5 is now via 10\.60\.1\.99/,
  },
  {
    what: 'a wrong default route, without a collector',
    families: ['ipv4'],
    change: 'routes: [{ to: 0.0.0.0/0, via: 10.60.1.99, takeOver: true }]\n',
    confirm: { by: 'local', also: '{ tcp: "10.61.0.5:4318" }' },
    says: /gateway \(IPv4\) is lost|all \d witnesses are gone/,
  },
  {
    what: 'a wrong default route',
    families: ['ipv6'],
    change: 'routes: [{ to: "::/0", via: "fd60::99", takeOver: true }]\n',
    says: /the way to fd61::5 is now via fd60::99|fd60::99 does not answer on its link/,
  },
  {
    what: 'a wrong IPv6 default route',
    families: BOTH,
    change: 'routes: [{ to: "::/0", via: "fd60::99", takeOver: true }]\n',
    says: /collector \S+ \(IPv6\) is lost/,
  },
  {
    what: 'a more specific route that catches the collector',
    families: ['ipv4'],
    before: GOOD_ROUTES,
    change: 'routes: [{ to: 10.61.0.5/32, type: blackhole }]\n',
    says: /collector \S+ \(IPv\d\) is lost .*the way to 10\.61\.0\.5 is now none/,
  },
  {
    what: 'a more specific route that catches the collector',
    families: ['ipv6'],
    change: 'routes: [{ to: "fd61::5/128", type: blackhole }]\n',
    says: /collector \S+ \(IPv\d\) is lost .*the way to fd61::5 is now none/,
  },
  {
    what: '`rp_filter` = 1 on an asymmetric path',
    families: ['ipv4'],
    prepare: asymmetric,
    change: 'sysctl: { net.ipv4.conf.eth1.rp_filter: 1 }\n',
    says: STOPPED,
  },
  {
    what: 'a route without the MTU of the path, whose routers do not tell it',
    families: ['ipv4'],
    change: 'routes: [{ to: 10.61.0.0/24, via: 10.60.0.1 }]\n',
    confirm: { also: '{ tcp: "10.61.0.5:4318" }' },
    says: /collector \S+ \(IPv\d\) is lost \(no answer/,
  },
  {
    what: 'a route without the MTU of the path, whose routers do not tell it',
    families: ['ipv6'],
    change: 'routes: [{ to: "fd61::/64", via: "fd60::1" }]\n',
    confirm: { also: '{ tcp: "[fd61::5]:4318" }' },
    says: /collector \S+ \(IPv6\) is lost \(no answer/,
  },
  {
    what: '`ip_forward` = 0 on a router; a host behind it is a witness',
    families: ['ipv4'],
    prepare: hostBehind,
    change: 'sysctl: { net.ipv4.ip_forward: 0 }\n',
    watched: 'behind',
    confirm: { also: '{ host: behind }' },
    says: /host behind \(IPv4\) is lost \(the collector heard it last/,
  },
  {
    what: 'a masquerade that catches the answers of the collector',
    families: ['ipv4'],
    prepare: sendsApart,
    change: 'forwarding: { masquerade: [{ out: "eth*", from: 10.60.0.0/24, except: [192.0.2.0/24] }] }\n',
    says: STOPPED,
  },
  {
    what: 'a masquerade that catches the answers of the collector',
    families: ['ipv6'],
    prepare: sendsApart6,
    change: 'forwarding: { masquerade: [{ out: eth1, from: "fd60::/64" }] }\n',
    says: /collector \S+ \(IPv6\) is lost .*the change touches what may stop packets on their way/,
  },
  {
    what: 'name servers that do not know the collector',
    families: ['ipv4'],
    prepare: namedByDns,
    change: 'dns: { nameservers: [10.60.9.54] }\n',
    says: /collector \S+ \(IPv\d\) is lost .*its address is no longer found/,
  },
  {
    what: 'name servers that do not know the collector',
    families: ['ipv6'],
    prepare: namedByDns6,
    change: 'dns: { nameservers: ["fd60::9:54"] }\n',
    says: /collector \S+ \(IPv6\) is lost .*its address is no longer found/,
  },
  {
    what: 'a change that breaks only what comes in',
    families: ['ipv4'],
    prepare: inboundApart,
    change: 'sysctl: { net.ipv4.conf.eth1.rp_filter: 1 }\n',
    confirm: { inbound: 2222 },
    says: /s after sysctl changed, inbound 2222 \(IPv4\) is lost \(the collector does not reach it/,
  },
  {
    what: 'a change that breaks only what comes in',
    families: ['ipv6'],
    prepare: inboundApart6,
    change: 'sysctl: { net.ipv6.conf.eth1.disable_ipv6: 1 }\n',
    confirm: { inbound: 2222 },
    says: /s after sysctl changed, .*inbound 2222 \(IPv6\) is lost \(/,
  },
];

const GOOD: readonly Omit<TrialCase, 'ends'>[] = [
  {
    what: 'routes that catch nobody',
    families: BOTH,
    change: 'routes: [{ to: 192.0.2.0/24, via: 10.60.0.1 }, { to: "2001:db8::/32", via: "fd60::1" }]\n',
    says: CONFIRMED,
  },
  {
    what: 'another default route that works',
    families: ['ipv4'],
    change: 'routes: [{ to: 0.0.0.0/0, via: 10.60.1.1, mtu: 1400, takeOver: true }]\n',
    says: CONFIRMED,
  },
  {
    what: 'another default route that works',
    families: ['ipv6'],
    change: 'routes: [{ to: "::/0", via: "fd60::1", metric: 1, mtu: 1400 }]\n',
    says: CONFIRMED,
  },
  {
    what: '`rp_filter` = 1 where answers come back by the same way',
    families: ['ipv4'],
    change: 'sysctl: { net.ipv4.conf.eth1.rp_filter: 1 }\n',
    says: CONFIRMED,
  },
  {
    what: 'a route with an MTU that fits',
    families: ['ipv4'],
    change: 'routes: [{ to: 10.61.0.0/24, via: 10.60.0.1, mtu: 1300 }]\n',
    says: CONFIRMED,
  },
  {
    what: 'redirects off on a router; a host behind it is a witness',
    families: ['ipv4'],
    prepare: hostBehind,
    change: 'sysctl: { net.ipv4.conf.all.send_redirects: 0 }\n',
    confirm: { also: '{ host: behind }' },
    says: /these answer: .*host behind/,
  },
  {
    what: 'a masquerade of another network',
    families: ['ipv4'],
    prepare: sendsApart,
    change: 'forwarding: { masquerade: [{ out: eth1, from: 10.99.0.0/24 }] }\n',
    says: CONFIRMED,
  },
  {
    what: 'a masquerade of another network',
    families: ['ipv6'],
    prepare: sendsApart6,
    change: 'forwarding: { masquerade: [{ out: eth1, from: "fd99::/64" }] }\n',
    says: CONFIRMED,
  },
  {
    what: 'name servers that know the collector',
    families: ['ipv4'],
    prepare: namedByDns,
    change: 'dns: { nameservers: [10.60.9.55] }\n',
    says: /these answer: .*name server 10\.60\.9\.55|these answer: .*collector https:/,
  },
  {
    what: 'a change beside a port that the collector still reaches',
    families: ['ipv4'],
    prepare: portListens,
    change: 'sysctl: { net.ipv4.conf.eth1.rp_filter: 1 }\n',
    confirm: { inbound: 2222 },
    says: /these answer: .*inbound 2222/,
  },
];

const KILLED: readonly Omit<TrialCase, 'ends'>[] = [
  {
    what: 'the collector is killed while a good route is made',
    families: ['ipv4'],
    isKilled: true,
    change: 'routes: [{ to: 10.61.0.0/24, via: 10.60.1.1, mtu: 1400 }]\n',
    says: /collector \S+ \(IPv\d\) is lost .*nothing that was changed explains it/,
  },
  {
    what: 'the collector is killed while `rp_filter` is set',
    families: BOTH,
    isKilled: true,
    change: 'sysctl: { net.ipv4.conf.eth1.rp_filter: 1 }\n',
    says: /collector \S+ \(IPv4\) is lost .*nothing that was changed explains it/,
  },
  {
    what: 'the collector is killed, and a program with its certificate forges its acknowledgements',
    families: ['ipv4'],
    prepare: (scene) => scene.forger(),
    isKilled: true,
    change: GOOD_ROUTES,
    says: /collector \S+ \(IPv4\) is lost \(.*not sealed with this host's token.*nothing that was changed explains it/,
  },
];

export const TRIAL_CASES: readonly TrialCase[] = [
  ...CUT_OFF.map((one) => ({ ...one, ends: 'put back' as const })),
  ...GOOD.map((one) => ({ ...one, ends: 'confirmed' as const })),
  ...KILLED.map((one) => ({ ...one, ends: 'provisional' as const })),
];

/** `IPv4 and IPv6`: which families the host of a case has. */
export function familiesText({ families }: TrialCase): string {
  return families.map((family) => (family === 'ipv4' ? 'IPv4' : 'IPv6')).join(' and ');
}
