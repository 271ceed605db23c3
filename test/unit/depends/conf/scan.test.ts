/** Each program's configuration: which addresses count as name servers, gateways, time servers. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CONFIGURED_PROGRAMS } from '../../../../agent/depends/conf/list.ts';
import { scan } from '../../../../agent/depends/conf/scan.ts';

/** `address line role` for each mention. */
function read(name: string, text: string): string[] {
  const program = CONFIGURED_PROGRAMS.find((one) => one.name === name);
  assert.ok(program, name);
  return scan(text, program.syntax).map(({ address, line, role }) => `${address} ${line} ${role}`);
}

const CASES: Record<string, readonly [text: string, ...mentions: string[]]> = {
  dnsmasq: [
    '# server=10.0.0.9\nserver=10.0.0.1#53\nserver=/corp.example/10.0.0.2@eth0\nserver=10.0.0.3@10.9.9.9\nrev-server=10.1.0.0/16,10.0.0.4\ndhcp-option=option:dns-server,10.0.0.5,10.0.0.6\ndhcp-option=tag:a,6,10.0.0.7\naddress=/x/10.0.0.8\n',
    ...['10.0.0.1 2 nameserver', '10.0.0.2 3 nameserver', '10.0.0.3 4 nameserver', '10.9.9.9 4 other'],
    ...['10.1.0.0 5 nameserver', '10.0.0.4 5 nameserver', '10.0.0.5 6 handed', '10.0.0.6 6 handed'],
    ...['10.0.0.7 7 handed', '10.0.0.8 8 other'],
  ],
  unbound: [
    'server:\n  interface: 10.0.0.9\nforward-zone:\n  name: "."\n  forward-addr: 10.0.0.1@853#dns.example # the old one\n  stub-addr: 2001:DB8::1\n',
    ...['10.0.0.9 2 other', '10.0.0.1 5 nameserver', '2001:db8::1 6 nameserver'],
  ],
  named: [
    'options {\n  // forwarders { 10.0.0.9; };\n  /* forwarders {\n 10.0.0.8; }; */\n  forwarders port 53 {\n    10.0.0.1;\n    2001:db8::1 port 5353;\n  };\n  listen-on { 10.0.0.7; };\n};\nzone "x" { type slave; masters { 10.0.0.2; }; };\n',
    ...['10.0.0.1 6 nameserver', '2001:db8::1 7 nameserver', '10.0.0.7 9 other', '10.0.0.2 11 nameserver'],
  ],
  CoreDNS: [
    '.:53 {\n  forward . 10.0.0.1 tls://9.9.9.9 /etc/resolv.conf\n  # forward . 10.0.0.8\n}\n',
    ...['10.0.0.1 2 nameserver', '9.9.9.9 2 nameserver'],
  ],
  nginx: [
    'http {\n  # resolver 10.0.0.9;\n  resolver 10.0.0.1:53\n    [2001:db8::1]:53 valid=30s;\n  resolver_timeout 5s;\n  server { listen 10.0.0.7:80; }\n}\n',
    ...['10.0.0.1 3 nameserver', '2001:db8::1 4 nameserver', '10.0.0.7 6 other'],
  ],
  HAProxy: [
    'resolvers mine\n  nameserver one 10.0.0.1:53\n  # nameserver two 10.0.0.9:53\nbackend b\n  server s 10.0.0.7:80\n',
    ...['10.0.0.1 2 nameserver', '10.0.0.7 5 other'],
  ],
  Squid: [
    'dns_nameservers 10.0.0.1 10.0.0.2\nacl a src 10.0.0.9\n',
    '10.0.0.1 1 nameserver',
    '10.0.0.2 1 nameserver',
    '10.0.0.9 2 other',
  ],
  'ISC dhcpd': [
    'option domain-name-servers 10.0.0.1,\n  10.0.0.2;\nsubnet 10.0.0.0 netmask 255.255.255.0 { option routers 10.0.0.3; }\n',
    ...['10.0.0.1 1 handed', '10.0.0.2 2 handed', '10.0.0.0 3 other', '255.255.255.0 3 other', '10.0.0.3 3 gateway'],
  ],
  Kea: [
    '{ "Dhcp4": { "option-data": [\n  { "name": "domain-name-servers",\n    "data": "10.0.0.1, 10.0.0.2" } ] } }\n',
    ...['10.0.0.1 3 handed', '10.0.0.2 3 handed'],
  ],
  radvd: [
    'interface eth0 {\n  RDNSS 2001:db8::1 2001:db8::2 { };\n};\n',
    '2001:db8::1 2 handed',
    '2001:db8::2 2 handed',
  ],
  'dhclient.conf': [
    '#prepend domain-name-servers 10.0.0.9;\nsupersede domain-name-servers 10.0.0.1,\n 10.0.0.2;\ninterface "eth0" { prepend dhcp6.name-servers 2001:db8::1; }\nreject 10.0.0.7;\ndefault routers 10.0.0.3;\n',
    ...['10.0.0.1 2 nameserver', '10.0.0.2 3 nameserver', '2001:db8::1 4 nameserver', '10.0.0.7 5 other'],
    '10.0.0.3 6 gateway',
  ],
  'dhcpcd.conf': [
    'interface eth0\nstatic ip_address=10.0.0.5/24\nstatic routers=10.0.0.3\nstatic domain_name_servers=10.0.0.1 10.0.0.2\n',
    ...['10.0.0.5 2 other', '10.0.0.3 3 gateway', '10.0.0.1 4 nameserver', '10.0.0.2 4 nameserver'],
  ],
  netplan: [
    'network:\n  ethernets:\n    eth0:\n      addresses: [10.0.0.5/24]\n      nameservers:\n        search: [x]\n        addresses:\n        - 10.0.0.1\n        - "2001:db8::1"\n      gateway4: 10.0.0.3\n      routes:\n      - to: default\n        via: 10.0.0.4\n    eth1: { nameservers: { addresses: [10.0.0.2] }, addresses: [10.0.1.5/24] }\n',
    ...['10.0.0.5 4 other', '10.0.0.1 8 nameserver', '2001:db8::1 9 nameserver', '10.0.0.3 10 gateway'],
    ...['10.0.0.4 13 gateway', '10.0.0.2 14 nameserver', '10.0.1.5 14 other'],
  ],
  'systemd-networkd': [
    '[Network]\nDNS=10.0.0.1 2001:db8::1#dns.example\n#DNS=10.0.0.9\nNTP=10.0.0.2\nGateway=10.0.0.3\nAddress=10.0.0.5/24\n',
    ...[
      '10.0.0.1 2 nameserver',
      '2001:db8::1 2 nameserver',
      '10.0.0.2 4 time',
      '10.0.0.3 5 gateway',
      '10.0.0.5 6 other',
    ],
  ],
  'dns-delegate': ['[Delegate]\nDNS=10.0.0.1\n;DNS=10.0.0.9\n', '10.0.0.1 2 nameserver'],
  'resolved.conf': ['[Resolve]\nFallbackDNS=10.0.0.1\n;DNS=10.0.0.9\n', '10.0.0.1 2 nameserver'],
  NetworkManager: [
    '[ipv4]\naddress1=10.0.0.5/24,10.0.0.3\ndns=10.0.0.1;10.0.0.2;\ndns-search=x;\n[global-dns-domain-*]\nservers=10.0.0.4\n',
    ...['10.0.0.5 2 other', '10.0.0.3 2 gateway', '10.0.0.1 3 nameserver', '10.0.0.2 3 nameserver'],
    '10.0.0.4 6 nameserver',
  ],
  ifcfg: [
    'DNS1=10.0.0.1\nDNS2="10.0.0.2"\nGATEWAY=10.0.0.3\nIPADDR=10.0.0.5\n',
    '10.0.0.1 1 nameserver',
    '10.0.0.2 2 nameserver',
    '10.0.0.3 3 gateway',
    '10.0.0.5 4 other',
  ],
  ifupdown: [
    'iface eth0 inet static\n  address 10.0.0.5/24\n  gateway 10.0.0.3\n  dns-nameservers 10.0.0.1 10.0.0.2\n',
    ...['10.0.0.5 2 other', '10.0.0.3 3 gateway', '10.0.0.1 4 nameserver', '10.0.0.2 4 nameserver'],
  ],
  resolvconf: ['nameserver 10.0.0.1\nname_servers="10.0.0.2"\n', '10.0.0.1 1 nameserver', '10.0.0.2 2 nameserver'],
  'cloud-init': [
    'network:\n  config:\n  - type: nameserver\n    dns_nameservers: [10.0.0.1]\nresolv_conf:\n  nameservers: ["10.0.0.2"]\nntp:\n  servers: [10.0.0.3]\n',
    ...['10.0.0.1 4 nameserver', '10.0.0.2 6 nameserver', '10.0.0.3 8 time'],
  ],
  Docker: [
    '{"dns":["10.0.0.1","2001:db8::1"],"bip":"10.0.0.5/24"}\n',
    '10.0.0.1 1 nameserver',
    '2001:db8::1 1 nameserver',
    '10.0.0.5 1 other',
  ],
  'Docker containers': [
    '{"NetworkMode":"web","PortBindings":{"80/tcp":[{"HostIp":"10.0.0.5"}]},"Dns":["10.0.0.1"],"DnsOptions":[],"ExtraHosts":["x:10.0.0.6"]}\n',
    ...['10.0.0.5 1 other', '10.0.0.1 1 nameserver', '10.0.0.6 1 other'],
  ],
  Podman: ['[containers]\ndns_servers = ["10.0.0.1"]\n', '10.0.0.1 2 nameserver'],
  kubelet: [
    'clusterDNS:\n- 10.0.0.1\nclusterDomain: x\naddress: 10.0.0.5\n',
    '10.0.0.1 2 nameserver',
    '10.0.0.5 4 other',
  ],
  chrony: ['! server 10.0.0.9\nserver 10.0.0.1 iburst\nallow 10.0.0.5\n', '10.0.0.1 2 time', '10.0.0.5 3 other'],
  ntpd: ['server 10.0.0.1 iburst\nrestrict 10.0.0.5\n', '10.0.0.1 1 time', '10.0.0.5 2 other'],
  timesyncd: ['[Time]\nNTP=10.0.0.1\nFallbackNTP=10.0.0.2\n', '10.0.0.1 2 time', '10.0.0.2 3 time'],
  'hosts file': ['127.0.0.1 localhost\n::1 localhost\n10.0.0.1 ns.example\n#10.0.0.9 x\n', '10.0.0.1 3 other'],
  Holdfast: [
    'dns:\n  nameservers:\n    - 10.0.0.1\n  sortlist: [10.0.0.0/24]\ndhclient:\n  supersede: { domain-name-servers: [10.0.0.2] }\nroutes:\n  - to: 10.1.0.0/16\n    via: 10.0.0.3\nretire:\n  - 10.0.0.4\n',
    ...['10.0.0.1 3 nameserver', '10.0.0.0 4 other', '10.0.0.2 6 nameserver', '10.1.0.0 8 other', '10.0.0.3 9 gateway'],
    '10.0.0.4 11 retired',
  ],
};

for (const [name, [text, ...mentions]] of Object.entries(CASES))
  test(`${name}: name servers, gateways and time servers by line, comments left out`, () => {
    assert.deepEqual(read(name, text), mentions);
  });

test('every program of the list has a case here', () => {
  assert.deepEqual(
    CONFIGURED_PROGRAMS.map(({ name }) => name).filter((name) => !(name in CASES)),
    [],
  );
});

test('hostile configurations are read by every syntax: no pattern takes quadratic time', () => {
  const size = 64 * 1024;
  const parts = [
    'forwarders ',
    'option ',
    '{',
    'dns: [',
    '{dns: [',
    ' ',
    '\n',
    ' \n',
    '/*',
    'a: ',
    '"name": "dns-servers" ',
  ];
  const more = [
    'supersede domain-name-servers ',
    'dhcp-option=a,',
    'server=10.0.0.1\n',
    'DNS=10.0.0.1\n',
    'dns: [1.1.1.1]\n',
  ];
  for (const part of [...parts, ...more]) {
    const text = `${part.repeat(size / part.length)}x`;
    for (const { name, syntax } of CONFIGURED_PROGRAMS) {
      const count = scan(text, syntax).length;
      assert.equal(count > 0, /\d/.test(part), `${name}: ${JSON.stringify(part)}`);
    }
  }
});
