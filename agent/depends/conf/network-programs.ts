/** Programs that configure this host's network, its name servers and its clock. */
import { SYSTEMD_FOLDERS } from '../../clients/networkd/network-lines.ts';
import { fileOrFolder, folders, manyFiles, oneFile, SERVERS_FILE, serversFiles } from './includes.ts';
import type { ConfiguredProgram } from './program.ts';
import { HASH, HASH_OR_SEMICOLON, type Syntax } from './scan.ts';

const hash = (...regions: Syntax['regions']): Syntax => ({ comment: HASH, regions });
const ini = (...regions: Syntax['regions']): Syntax => ({ comment: HASH_OR_SEMICOLON, regions });
const yaml = (keys: NonNullable<Syntax['keys']>): Syntax => ({ comment: HASH, regions: [], keys });

const systemdFiles = (name: string) =>
  SYSTEMD_FOLDERS.flatMap((folder) => [`${folder}/systemd/${name}`, `${folder}/systemd/${name}.d/*.conf`]);

/** Values that systemd's units of networks and resolved use. */
const SYSTEMD = ini(
  ['nameserver', /^[ \t]*(?:Fallback)?DNS[ \t]*=(.*)/gm],
  ['time', /^[ \t]*(?:Fallback)?NTP[ \t]*=(.*)/gm],
  ['gateway', /^[ \t]*Gateway[ \t]*=(.*)/gm],
);

export const NETWORK_PROGRAMS: readonly ConfiguredProgram[] = [
  {
    name: 'dhclient.conf',
    files: ['/etc/dhcp/dhclient*.conf', '/etc/dhclient*.conf', '/etc/dhcp/dhclient.d/*'],
    syntax: hash(
      [
        'nameserver',
        /\b(?:supersede|prepend|append|default)[ \t\n]+(?:domain-name-servers|dhcp6\.name-servers)[ \t\n]([^;]*)/g,
      ],
      ['gateway', /\b(?:supersede|prepend|append|default)[ \t\n]+routers[ \t\n]([^;]*)/g],
      ['time', /\b(?:supersede|prepend|append|default)[ \t\n]+ntp-servers[ \t\n]([^;]*)/g],
    ),
    includes: [{ words: ['include'], pattern: /(?<=^|[\s;{}])include[ \t\n]+("[^"\n]*")/g, files: oneFile }],
  },
  {
    name: 'dhcpcd.conf',
    files: ['/etc/dhcpcd.conf', '/etc/dhcpcd/*.conf'],
    syntax: hash(
      ['nameserver', /^[ \t]*static[ \t]+(?:domain_name_servers|dhcp6_name_servers)[ \t]*=(.*)/gm],
      ['gateway', /^[ \t]*static[ \t]+routers[ \t]*=(.*)/gm],
      ['time', /^[ \t]*static[ \t]+ntp_servers[ \t]*=(.*)/gm],
    ),
  },
  {
    name: 'netplan',
    files: ['/etc/netplan/*.yaml', '/run/netplan/*.yaml', '/usr/lib/netplan/*.yaml', '/lib/netplan/*.yaml'],
    syntax: yaml({ nameservers: 'nameserver', gateway4: 'gateway', gateway6: 'gateway', via: 'gateway' }),
  },
  {
    name: 'systemd-networkd',
    files: SYSTEMD_FOLDERS.flatMap((folder) => [
      `${folder}/systemd/network/*.network`,
      `${folder}/systemd/network/*.network.d/*.conf`,
      `${folder}/systemd/network/*.netdev`,
      `${folder}/systemd/network/*.netdev.d/*.conf`,
      `${folder}/systemd/networkd.conf`,
      `${folder}/systemd/networkd.conf.d/*.conf`,
    ]),
    syntax: SYSTEMD,
  },
  {
    name: 'resolved.conf',
    files: systemdFiles('resolved.conf'),
    syntax: SYSTEMD,
  },
  {
    name: 'dns-delegate',
    files: SYSTEMD_FOLDERS.flatMap((folder) => [
      `${folder}/systemd/dns-delegate.d/*.dns-delegate`,
      `${folder}/systemd/dns-delegate.d/*.dns-delegate.d/*.conf`,
    ]),
    syntax: SYSTEMD,
  },
  {
    name: 'NetworkManager',
    files: [
      '/etc/NetworkManager/system-connections/*',
      '/run/NetworkManager/system-connections/*',
      '/usr/lib/NetworkManager/system-connections/*',
      '/etc/NetworkManager/NetworkManager.conf',
      '/etc/NetworkManager/conf.d/*.conf',
      '/run/NetworkManager/conf.d/*.conf',
      '/usr/lib/NetworkManager/conf.d/*.conf',
    ],
    syntax: ini(
      ['nameserver', /^[ \t]*(?:dns|servers)[ \t]*=(.*)/gm],
      ['gateway', /^[ \t]*gateway[ \t]*=(.*)/gm],
      ['gateway', /^[ \t]*(?:address|route)\d+[ \t]*=[^,\n]*,(.*)/gm],
    ),
    includes: [
      { words: ['[keyfile] path'], pattern: /^\[keyfile\][^[]*?^[ \t]*path[ \t]*=(.*)/gm, files: folders('*') },
    ],
  },
  {
    name: 'ifcfg',
    files: [
      '/etc/sysconfig/network-scripts/ifcfg-*',
      '/etc/sysconfig/network/ifcfg-*',
      '/etc/sysconfig/network/config',
    ],
    syntax: hash(
      ['nameserver', /^[ \t]*(?:export[ \t]+)?(?:IP6)?(?:DNS\d+|NETCONFIG_DNS_STATIC_SERVERS)=(.*)/gm],
      ['gateway', /^[ \t]*(?:export[ \t]+)?(?:GATEWAY\d*|IPV6_DEFAULTGW)=(.*)/gm],
    ),
  },
  {
    name: 'ifupdown',
    files: ['/etc/network/interfaces', '/etc/network/interfaces.d/*', '/run/network/interfaces.d/*'],
    syntax: hash(
      ['nameserver', /^[ \t]*dns-nameservers?[ \t]+(.*)/gm],
      ['gateway', /^[ \t]*gateway[ \t]+(\S+)/gm],
      ['gateway', /^[ \t]*(?:up|post-up|pre-up)[ \t].*\bvia[ \t]+(\S+)/gm],
    ),
    includes: [
      { words: ['source'], pattern: /^[ \t]*source[ \t]+(.*)/gm, files: manyFiles, from: 'this file' },
      {
        words: ['source-directory'],
        pattern: /^[ \t]*source-(?:directory|dir)[ \t]+(.*)/gm,
        files: folders('*', (name) => /[^\w-]/.test(name)),
        from: 'this file',
      },
    ],
  },
  {
    name: 'resolvconf',
    files: [
      '/etc/resolvconf/resolv.conf.d/*',
      '/etc/resolvconf.conf',
      '/etc/resolv.conf.head',
      '/etc/resolv.conf.tail',
    ],
    syntax: hash(['nameserver', /^[ \t]*(?:nameserver[ \t]+|(?:append_|prepend_)?name_servers(?:_append)?=)(.*)/gm]),
  },
  {
    name: 'cloud-init',
    files: [
      '/etc/cloud/cloud.cfg',
      '/etc/cloud/cloud.cfg.d/*.cfg',
      '/var/lib/cloud/seed/*/network-config',
      '/var/lib/cloud/instance/cloud-config.txt',
      '/var/lib/cloud/instance/network-config.json',
    ],
    syntax: yaml({
      nameservers: 'nameserver',
      dns_nameservers: 'nameserver',
      'dns-nameservers': 'nameserver',
      gateway: 'gateway',
      gateway4: 'gateway',
      gateway6: 'gateway',
      via: 'gateway',
      ntp: 'time',
    }),
  },
  {
    name: 'Docker',
    files: ['/etc/docker/daemon.json'],
    syntax: { comment: /(?!)/g, regions: [], keys: { dns: 'nameserver' } },
    daemons: ['dockerd'],
    configOptions: ['--config-file'],
    restart: 'systemctl restart docker, then start the containers again',
  },
  {
    name: 'Docker containers',
    files: ['/var/lib/docker/containers/*/hostconfig.json'],
    syntax: { comment: /(?!)/g, regions: [], keys: { dns: 'nameserver' } },
    cure: 'create the container anew with other servers (--dns, or dns: in the Compose file)',
  },
  {
    name: 'Podman',
    files: [
      '/usr/share/containers/containers.conf',
      '/etc/containers/containers.conf',
      '/etc/containers/containers.conf.d/*.conf',
    ],
    syntax: hash(['nameserver', /^[ \t]*dns_servers[ \t]*=[ \t]*\[([^\]]*)\]/gm]),
  },
  {
    name: 'kubelet',
    files: [
      '/var/lib/kubelet/config.yaml',
      '/etc/kubernetes/kubelet.conf.d/*.conf',
      '/etc/kubernetes/kubelet-config.yaml',
    ],
    syntax: yaml({ clusterdns: 'nameserver' }),
    includes: [
      {
        words: ['resolvConf'],
        pattern: /^[ \t]*["']?resolvConf["']?[ \t]*:[ \t]*["']?([^\s"',}]+)/gm,
        files: serversFiles,
        syntax: SERVERS_FILE,
        rereads: true,
      },
    ],
    daemons: ['kubelet'],
    configOptions: ['--config'],
    restart: 'systemctl restart kubelet, then start the pods again',
  },
  {
    name: 'chrony',
    files: [
      '/etc/chrony/chrony.conf',
      '/etc/chrony.conf',
      '/etc/chrony/conf.d/*.conf',
      '/etc/chrony.d/*.conf',
      '/etc/chrony/sources.d/*.sources',
      '/run/chrony-dhcp/*',
    ],
    // Lines that begin with "!", ";" or "%" are comments of chrony, too.
    syntax: { comment: /^[ \t]*[#!;%].*$/gm, regions: [['time', /^[ \t]*(?:server|peer|pool)[ \t]+(\S+)/gim]] },
    includes: [
      { words: ['include'], pattern: /^[ \t]*include[ \t]+(\S+)/gim, files: oneFile },
      { words: ['confdir'], pattern: /^[ \t]*confdir[ \t]+(.*)/gim, files: folders('*.conf') },
      { words: ['sourcedir'], pattern: /^[ \t]*sourcedir[ \t]+(.*)/gim, files: folders('*.sources') },
    ],
    daemons: ['chronyd'],
    configOptions: ['-f'],
    restart: 'systemctl restart chrony',
  },
  {
    name: 'ntpd',
    files: ['/etc/ntp.conf', '/etc/ntpsec/ntp.conf', '/etc/ntpsec/ntp.d/*.conf', '/run/ntp.conf.dhcp', '/run/ntpsec/*'],
    syntax: hash(['time', /^[ \t]*(?:server|peer|pool)[ \t]+(\S+)/gm]),
    includes: [{ words: ['includefile'], pattern: /^[ \t]*includefile[ \t]+(\S+)/gm, files: fileOrFolder('*.conf') }],
    daemons: ['ntpd'],
    configOptions: ['-c', '--configfile'],
    restart: 'systemctl restart ntpd',
  },
  {
    name: 'timesyncd',
    files: systemdFiles('timesyncd.conf'),
    syntax: SYSTEMD,
    daemons: ['systemd-timesyn'],
    restart: 'systemctl restart systemd-timesyncd',
  },
  {
    name: 'hosts file',
    files: ['/etc/hosts'],
    // The lines of this host's own loopback address stay, whatever becomes of a forwarder that listens there.
    syntax: { comment: /(?<=^|\s)#.*$|^[ \t]*(?:127\.[\d.]+|::1)[ \t].*$/gm, regions: [] },
  },
  {
    name: 'Holdfast',
    files: ['/etc/holdfast/agent.yaml', '/etc/holdfast/agent.d/*.yaml'],
    syntax: yaml({
      nameservers: 'nameserver',
      'domain-name-servers': 'nameserver',
      via: 'gateway',
      gateway: 'gateway',
      retire: 'retired',
    }),
  },
];
