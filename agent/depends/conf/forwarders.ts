/** Programs of this host that ask name servers on behalf of others, or that give name servers to others. */
import type { ConfiguredProgram } from './program.ts';
import { HASH, type Syntax } from './scan.ts';

const hash = (...regions: Syntax['regions']): Syntax => ({ comment: HASH, regions });

/** `//`, `#` and C comments. A `#` within a word is no comment. */
const C_LIKE = /\/\*[\s\S]*?\*\/|(?<=^|[\s;{}])(?:\/\/|#).*$/gm;

export const FORWARDERS: readonly ConfiguredProgram[] = [
  {
    name: 'dnsmasq',
    files: ['/etc/dnsmasq.conf', '/etc/dnsmasq.d/*', '/etc/NetworkManager/dnsmasq.d/*', '/run/dnsmasq/*.conf'],
    // The address after "@" is the one that dnsmasq sends from.
    syntax: hash(
      ['nameserver', /^[ \t]*(?:server|rev-server)[ \t]*=([^@\n]*)/gm],
      ['nameserver', /^[ \t]*nameserver[ \t]+(\S+)/gm],
      ['handed', /^[ \t]*dhcp-option(?:-force)?[ \t]*=(?:[^,\n]+,){0,4}(?:option6?:dns-server|6),(.*)/gm],
      ['gateway', /^[ \t]*dhcp-option(?:-force)?[ \t]*=(?:[^,\n]+,){0,4}(?:option:router|3),(.*)/gm],
    ),
    daemons: ['dnsmasq'],
    configOptions: ['-C', '--conf-file'],
    restart: 'systemctl restart dnsmasq (SIGHUP does not make it read servers again)',
  },
  {
    name: 'unbound',
    files: ['/etc/unbound/*.conf', '/etc/unbound/*.conf.d/*.conf', '/etc/unbound/local.d/*.conf'],
    syntax: hash(['nameserver', /^[ \t]*(?:forward|stub)-addr:[ \t]*"?([^\s"@#]+)/gm]),
    daemons: ['unbound'],
    configOptions: ['-c'],
    restart: 'systemctl reload unbound',
  },
  {
    name: 'named',
    files: ['/etc/bind/*', '/etc/named.conf', '/etc/named/*', '/var/named/chroot/etc/named.conf'],
    syntax: {
      comment: C_LIKE,
      regions: [
        ['nameserver', /\bforwarders\b[^{};]{0,200}\{([^}]*)\}/g],
        ['nameserver', /\b(?:masters|primaries|server-addresses)\b[^{};]{0,200}\{([^}]*)\}/g],
      ],
    },
    daemons: ['named'],
    configOptions: ['-c'],
    restart: 'rndc reconfig',
  },
  {
    name: 'CoreDNS',
    files: ['/etc/coredns/Corefile', '/etc/Corefile', '/opt/coredns/Corefile'],
    syntax: hash(['nameserver', /^[ \t]*(?:forward|proxy)[ \t]+\S+[ \t]+(.*)$/gm]),
    daemons: ['coredns'],
    configOptions: ['-conf', '--conf'],
    restart: 'restart CoreDNS',
  },
  {
    name: 'nginx',
    files: [
      '/etc/nginx/nginx.conf',
      '/etc/nginx/conf.d/*',
      '/etc/nginx/sites-enabled/*',
      '/etc/nginx/modules-enabled/*',
      '/etc/nginx/snippets/*',
      '/etc/nginx/http.d/*',
    ],
    syntax: hash(['nameserver', /(?<=^|[\s;{}])resolver[ \t\n]([^;{}]*)/g]),
    daemons: ['nginx'],
    configOptions: ['-c'],
    restart: 'systemctl reload nginx',
  },
  {
    name: 'HAProxy',
    files: ['/etc/haproxy/*.cfg', '/etc/haproxy/conf.d/*.cfg'],
    syntax: hash(['nameserver', /^[ \t]*nameserver[ \t]+\S+[ \t]+(\S+)/gm]),
    daemons: ['haproxy'],
    configOptions: ['-f'],
    restart: 'systemctl reload haproxy',
  },
  {
    name: 'Squid',
    files: ['/etc/squid/squid.conf', '/etc/squid/conf.d/*.conf'],
    syntax: hash(['nameserver', /^[ \t]*dns_nameservers[ \t]+(.*)$/gm]),
    daemons: ['squid'],
    configOptions: ['-f'],
    restart: 'squid -k reconfigure',
  },
  {
    name: 'ISC dhcpd',
    files: ['/etc/dhcp/dhcpd.conf', '/etc/dhcp/dhcpd6.conf', '/etc/dhcpd.conf'],
    syntax: hash(
      ['handed', /\boption[ \t]+(?:domain-name-servers|dhcp6\.name-servers)[ \t\n]([^;]*)/g],
      ['gateway', /\boption[ \t]+routers[ \t\n]([^;]*)/g],
      ['time', /\boption[ \t]+ntp-servers[ \t\n]([^;]*)/g],
    ),
    daemons: ['dhcpd'],
    configOptions: ['-cf'],
    restart: 'systemctl restart isc-dhcp-server',
  },
  {
    name: 'Kea',
    files: ['/etc/kea/*.conf'],
    syntax: {
      comment: C_LIKE,
      regions: [['handed', /"name"\s*:\s*"(?:domain-name-servers|dns-servers)"[^{}]{0,200}"data"\s*:\s*("[^"]*")/g]],
    },
    daemons: ['kea-dhcp4', 'kea-dhcp6'],
    configOptions: ['-c'],
    restart: 'systemctl restart the Kea server',
  },
  {
    name: 'radvd',
    files: ['/etc/radvd.conf'],
    syntax: hash(['handed', /\bRDNSS\b([^{;]*)/g]),
    daemons: ['radvd'],
    configOptions: ['-C', '--config'],
    restart: 'systemctl reload radvd',
  },
];
