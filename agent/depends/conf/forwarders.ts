/** Programs of this host that ask name servers on behalf of others, or that give name servers to others. */
import { type IncludeStatement, manyFiles, type NamedFiles, oneFile, SERVERS_FILE, serversFiles } from './includes.ts';
import type { ConfiguredProgram } from './program.ts';
import { HASH, type Syntax } from './scan.ts';

/** `include FILE;` and `include "PATTERN";`. */
const INCLUDE: IncludeStatement = {
  words: ['include'],
  pattern: /(?<=^|[\s;{}])include[ \t\n]+("[^"\n]*"|[^\s;{}"]+)/g,
  files: oneFile,
};

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
    includes: [
      {
        words: ['conf-file', 'servers-file', 'dhcp-optsfile'],
        pattern: /^[ \t]*(?:conf-file|servers-file|dhcp-optsfile)[ \t]*[=\n][ \t]*(.+)/gm,
        files: oneFile,
      },
      // "7" and "r" are the short options of the command line.
      { words: ['conf-dir'], pattern: /^[ \t]*(?:conf-dir[ \t]*[=\n]|7\n?(?=\/))[ \t]*(.+)/gm, files: dnsmasqFolder },
      {
        words: ['resolv-file'],
        pattern: /^[ \t]*(?:resolv-file[ \t]*[=\n]|r\n?(?=\/))[ \t]*(.+)/gm,
        files: serversFiles,
        syntax: SERVERS_FILE,
        rereads: true,
      },
    ],
    daemons: ['dnsmasq'],
    configOptions: ['-C', '--conf-file'],
    restart: 'systemctl restart dnsmasq (SIGHUP does not make it read servers again)',
  },
  {
    name: 'unbound',
    files: ['/etc/unbound/*.conf', '/etc/unbound/*.conf.d/*.conf', '/etc/unbound/local.d/*.conf'],
    syntax: hash(['nameserver', /^[ \t]*(?:forward|stub)-addr:[ \t]*"?([^\s"@#]+)/gm]),
    includes: [
      {
        words: ['include', 'include-toplevel'],
        pattern: /(?<=^|[ \t])include(?:-toplevel)?:[ \t]*("[^"\n]*"|[^\s"]+)/gm,
        files: oneFile,
      },
    ],
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
    includes: [INCLUDE],
    daemons: ['named'],
    configOptions: ['-c'],
    restart: 'rndc reconfig',
  },
  {
    name: 'CoreDNS',
    files: ['/etc/coredns/Corefile', '/etc/Corefile', '/opt/coredns/Corefile'],
    syntax: hash(['nameserver', /^[ \t]*(?:forward|proxy)[ \t]+\S+[ \t]+(.*)$/gm]),
    includes: [
      { words: ['import'], pattern: /^[ \t]*import[ \t]+(\S+)/gm, files: oneFile, from: 'this file' },
      {
        words: ['forward'],
        pattern: /^[ \t]*(?:forward|proxy)[ \t]+\S+[ \t]+(.*)$/gm,
        files: serversFiles,
        syntax: SERVERS_FILE,
      },
    ],
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
    includes: [{ ...INCLUDE, from: 'first file' }],
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
    configFolder: '*.cfg',
    restart: 'systemctl reload haproxy',
  },
  {
    name: 'Squid',
    files: ['/etc/squid/squid.conf', '/etc/squid/conf.d/*.conf'],
    syntax: hash(['nameserver', /^[ \t]*dns_nameservers[ \t]+(.*)$/gm]),
    includes: [{ words: ['include'], pattern: /^[ \t]*include[ \t]+(.*)$/gm, files: manyFiles }],
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
    includes: [INCLUDE],
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
    includes: [{ words: ['<?include'], pattern: /<\?include[ \t]+("[^"\n]*")/g, files: oneFile }],
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

/** `DIR`, `DIR,*.conf` (only these), `DIR,.bak` (not these). The names that dnsmasq itself leaves out are those of editors. */
function dnsmasqFolder(value: string): NamedFiles[] {
  const [folder = '', ...endings] = value.trim().split(',');
  const only = endings.filter((ending) => ending.startsWith('*'));
  const skipped = endings.filter((ending) => ending !== '' && !ending.startsWith('*'));
  const isSkipped = (name: string) => /~$|^#.*#$/.test(name) || skipped.some((ending) => name.endsWith(ending));
  return (only.length > 0 ? only : ['*']).map((glob) => ({ glob: `${folder}/${glob}`, isSkipped }));
}
