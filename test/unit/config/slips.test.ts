/** Slips of YAML: each gets a hint, and the hint, pasted in the place of what was written, is a configuration that loads. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compile } from '../../../agent/config/compile.ts';
import type { ConfigError } from '../../../agent/config/config-error.ts';
import { SECTIONS } from '../../../agent/config/schema/config-schema.ts';

function errors(yaml: string): readonly ConfigError[] {
  const result = compile([{ path: 'agent.yaml', bytes: Buffer.from(yaml) }]);
  return result.ok ? [] : result.errors;
}

/** A configuration with one slip (between ‹ and ›), and the text that the hint must offer instead. */
const SLIPS: [yaml: string, hint: string][] = [
  ['dns:\n  nameservers: ‹10.0.0.1 10.0.0.2›', '[10.0.0.1, 10.0.0.2]'],
  ['dns:\n  nameservers: ‹10.0.0.1, 10.0.0.2›', '[10.0.0.1, 10.0.0.2]'],
  ['dns:\n  nameservers: ‹10.0.0.1;10.0.0.2›', '[10.0.0.1, 10.0.0.2]'],
  ['dns:\n  nameservers: ‹"[10.0.0.1, 10.0.0.2]"›', '[10.0.0.1, 10.0.0.2]'],
  ["dns:\n  nameservers: ‹\"['10.0.0.1', '10.0.0.2']\"›", '[10.0.0.1, 10.0.0.2]'],
  ['dns:\n  nameservers:\n    ‹-10.0.0.1\n    -10.0.0.2›', '[10.0.0.1, 10.0.0.2]'],
  ['dns:\n  nameservers:\n    ‹– 10.0.0.1\n    – 10.0.0.2›', '[10.0.0.1, 10.0.0.2]'],
  ['dns:\n  nameservers: ‹::1 2001:db8::1›', '["::1", "2001:db8::1"]'],
  ['dns:\n  nameservers: [‹10.0.0.1/24›]', '10.0.0.1'],
  ['dns:\n  nameservers: [‹10.0.0.1:53›]', '10.0.0.1'],
  ['dns:\n  nameservers: [‹"[2001:db8::1]:53"›]', '"2001:db8::1"'],
  ['dns:\n  nameservers: ‹[10.0.0.1 10.0.0.2]›', '[10.0.0.1, 10.0.0.2]'],
  ['dns:\n  nameservers:\n  ‹-10.0.0.1›', '- 10.0.0.1'],
  ['dns:\n  search:\n  - a.example\n  ‹-b.example›', '- b.example'],
  ['sysctl: { ‹net.ipv4.ip_forward:1› }', 'net.ipv4.ip_forward: 1'],
  ['sysctl: { net.ipv4.tcp_sack: 1, ‹net/ipv4/ip_forward:1› }', 'net/ipv4/ip_forward: 1'],
  ['dns:\n  ‹nameservers:[10.0.0.1]›', 'nameservers: [10.0.0.1]'],
  ['dns:\n  ‹nameservers:[10.0.0.1]›\n  search: [a.example]', 'nameservers: [10.0.0.1]'],
  ['dns:\n  search: [a.example]\n  ‹nameservers:[10.0.0.1]›\n', 'nameservers: [10.0.0.1]'],
  ['dns: { ‹domain:a.example› }', 'domain: a.example'],
  ['dns:\n  ‹domain = a.example›', 'domain: a.example'],
  ['dns:\n  ‹domain = a.example›\n  search: [b.example]', 'domain: a.example'],
  ['‹dns;›\n  domain: a.example', 'dns:'],
  ['dns: { domain: ‹“a.example”› }', 'a.example'],
  ['dns: { search: [‹‘a.example’›] }', 'a.example'],
  ['dns: { nameservers: [‹„10.0.0.1“›] }', '10.0.0.1'],
  ['‹“dns”›: { domain: a.example }', 'dns'],
  ['dns: { options: [‹timeout: 1›] }', 'timeout:1'],
  ['dns:\n  options:\n    - ‹ndots: 2›\n    - rotate', 'ndots:2'],
  ['dns: { options: ‹{ timeout: 1, rotate: true }› }', '[timeout:1, rotate]'],
  ['dns: { options: ‹timeout:1 rotate› }', '[timeout:1, rotate]'],
  ['dns: { options: ‹[timeout:1 rotate]› }', '[timeout:1, rotate]'],
  ['dns: { options: [‹timeout=1›] }', 'timeout:1'],
  ['dns: { options: [‹"attempts: 3"›] }', 'attempts:3'],
  ['dns: { search: ‹a.example b.example› }', '[a.example, b.example]'],
  ['dns: { search: ‹[x.example y.example]› }', '[x.example, y.example]'],
  ['dns: { sortlist: ‹10.0.0.0/8 10.1.0.0/16› }', '[10.0.0.0/8, 10.1.0.0/16]'],
  ['dns: ‹[{ domain: a.example }]›', '{ domain: a.example }'],
  ['sysctl:\n  ‹- net.ipv4.ip_forward: 1›', '{ net.ipv4.ip_forward: 1 }'],
  ['sysctl:\n  ‹net.ipv4.ip_forward = 1›', 'net.ipv4.ip_forward: 1'],
  ['sysctl:\n  ‹net.a.b = 1\n  net.a.c = 2›', '{ net.a.b: 1, net.a.c: 2 }'],
  ['routes: ‹{ to: 10.0.0.0/16, via: 10.0.1.1 }›', '[{ to: 10.0.0.0/16, via: 10.0.1.1 }]'],
  ['expect: { groups: ‹{ group: 224.1.2.3, dev: eth0 }› }', '[{ group: 224.1.2.3, dev: eth0 }]'],
  [
    'probes: { memory-errors: { logs: ‹/var/log/x.log› } }',
    '[{ path: /var/log/x.log }]'.replace('/var/log/x.log', '"/var/log/x.log"'),
  ],
  ['dns:\n  nameservers: ‹{ primary: 10.0.0.1, secondary: 10.0.0.2 }›', '[10.0.0.1, 10.0.0.2]'],
  ['dns:\n  nameservers: ‹nameserver 10.0.0.1›', '[10.0.0.1]'],
  ['dns:\n  nameservers: ‹10.0.0.1 and 10.0.0.2›', '[10.0.0.1, 10.0.0.2]'],
  ['dns: { options: ‹{ timeout: 1, rotate: yes, edns0: false }› }', '[timeout:1, rotate]'],
  ['dns: { options: ‹timeout 1› }', '[timeout:1]'],
  ['dns: { options: ‹options ndots:2 rotate› }', '[ndots:2, rotate]'],
  ['dns: { options: [‹timeout 3›] }', 'timeout:3'],
  ['dns: { options: [‹attempts:9›] }', 'attempts:5'],
  ['dns: { options: [‹ndots:120›] }', 'ndots:15'],
  ['dns: { options: [‹timeout:0›] }', 'timeout:1'],
  ['routes:\n  - ‹default via 10.0.0.1 dev eth0›', '{ to: default, via: 10.0.0.1, dev: eth0 }'],
  ['routes: ‹10.1.0.0/16 via 10.0.0.1›', '[{ to: 10.1.0.0/16, via: 10.0.0.1 }]'],
  ['sysctl:\n  ‹- net.a.b=1\n  - net.a.c = 2›', '{ net.a.b: 1, net.a.c: 2 }'],
  ['sysctl: { net.ipv4.ip_local_reserved_ports: ‹"8080, 8081 9000-9010"› }', '"8080,8081,9000-9010"'],
  ['dhclient: { ignore: ‹routers classless-routes› }', '[routers, classless-routes]'],
  ['report: { endpoint: ‹[https://a.example]› }', 'https://a.example'],
  ['report: { labels: { site: ‹5› } }', '"5"'],
  // one value, or a map, in place of a section or a list of maps
  ['dns: ‹10.0.0.1›', '{ nameservers: [10.0.0.1] }'],
  ['dns: ‹[10.0.0.1, 10.0.0.2]›', '{ nameservers: [10.0.0.1, 10.0.0.2] }'],
  ['dns: { split: ‹{ domains: [a.b], servers: [10.0.0.1] }› }', '[{ domains: [a.b], servers: [10.0.0.1] }]'],
  ['dns: { split: [{ domains: ‹a.b›, servers: [10.0.0.1] }] }', '[a.b]'],
  ['dns: { nameservers: [10.0.0.1], verify: ‹puppet.example.com› }', '{ name: puppet.example.com }'],
  ['dns: { sortlist: ‹{ nearest: { name: a.example, port: 1 } }› }', '[{ nearest: { name: a.example, port: 1 } }]'],
  ['dns: { nameservers: [‹{ ip: 10.0.0.1 }›] }', '10.0.0.1'],
  ['routes: ‹{ 10.1.0.0/16: 10.0.0.1 }›', '[{ to: 10.1.0.0/16, via: 10.0.0.1 }]'],
  [
    'routes:\n  ‹10.1.0.0/16: 10.0.0.1\n  10.2.0.0/16: 10.0.0.2›',
    '[{ to: 10.1.0.0/16, via: 10.0.0.1 }, { to: 10.2.0.0/16, via: 10.0.0.2 }]',
  ],
  ['routes: ‹{ 10.1.0.0/16: { via: 10.0.0.1, dev: eth0 } }›', '[{ to: 10.1.0.0/16, via: 10.0.0.1, dev: eth0 }]'],
  ['routes: ‹{ 10.1.0.0/16: eth0 }›', '[{ to: 10.1.0.0/16, dev: eth0 }]'],
  ['routes: [‹{ 10.1.0.0/16: 10.0.0.1 }›]', '{ to: 10.1.0.0/16, via: 10.0.0.1 }'],
  ['routes:\n  - ‹to 10.0.0.0/8\n    via 10.0.0.1›', '{ to: 10.0.0.0/8, via: 10.0.0.1 }'],
  ['routes: [{ to: 10.0.0.0/8, nexthops: [‹10.0.0.1›] }]', '{ via: 10.0.0.1 }'],
  ['metadata: ‹ec2›', '{ provider: ec2 }'],
  ['egress: ‹bgp›', '{ default: bgp }'],
  ['report: ‹https://a.example›', '{ endpoint: https://a.example }'],
  ['report: { labels: ‹site=fra› }', '{ site: fra }'],
  ['sysctl: { net.ipv4.ip_local_port_range: ‹[1024, 65000]› }', '"1024 65000"'],
  ['sysctl: { net.ipv4.ip_forward: ‹[1]› }', '1'],
  ['sysctl: { net.ipv4.ip_local_port_range: ‹"1024-65000"› }', '"1024 65000"'],
  ['sysctl:\n  net.ipv4.tcp_rmem: ‹4096,131072,6291456›', '"4096 131072 6291456"'],
  ['sysctl: { net.ipv4.tcp_rmem: { ‹atLeast: 4096› } }', 'value: "4096 131072 6291456"'],
  // lines of other tools
  ['routes: [‹ip route add 10.1.0.0/16 via 10.0.0.1›]', '{ to: 10.1.0.0/16, via: 10.0.0.1 }'],
  ['routes: [‹route add -net 10.1.0.0/16 gw 10.0.0.1›]', '{ to: 10.1.0.0/16, via: 10.0.0.1 }'],
  [
    'routes: [‹10.1.0.0/16 dev eth0 proto static scope link metric 100›]',
    '{ to: 10.1.0.0/16, dev: eth0, metric: 100 }',
  ],
  ['routes: [‹blackhole 10.0.0.0/8›]', '{ to: 10.0.0.0/8, type: blackhole }'],
  // values in another notation
  ['routes: [{ to: ‹10.1.0.0/255.255.0.0›, via: 10.0.0.1 }]', '10.1.0.0/16'],
  ['routes: [{ to: ‹10.1.0.0 255.255.0.0›, via: 10.0.0.1 }]', '10.1.0.0/16'],
  ['routes: [{ to: 10.1.0.0/16, via: ‹10.0.0.1/24› }]', '10.0.0.1'],
  ['routes: [{ to: 10.1.0.0/16, via: 10.0.0.1, metric: ‹"100"› }]', '100'],
  ['routes: [{ to: 10.1.0.0/16, via: 10.0.0.1, takeOver: ‹yes› }]', 'true'],
  ['forwarding: { ipv4: ‹1› }', 'true'],
  ['forwarding: { ipv4: ‹off› }', 'false'],
  ['dns: { search: [‹"*.a.example"›] }', 'a.example'],
  ['dns: { domain: ‹http://a.example/› }', 'a.example'],
  ['dns: { nameservers: [10.0.0.1], verify: { name: a.example, timeout: ‹2 sec› } }', '2s'],
  ['report: { endpoint: https://a.example, interval: ‹"60"› }', '60s'],
  ['report: { endpoint: https://a.example, spool: ‹100MB› }', '100MiB'],
  ['report: { endpoint: ‹collector.example:4318› }', 'https://collector.example:4318'],
  ['dhclient: { supersede: { ntp-servers: ‹"10.0.0.1, 10.0.0.2"› } }', '[10.0.0.1, 10.0.0.2]'],
  ['dhclient: { ignore: [‹routers classless-routes›] }', 'routers, classless-routes'],
  ['sysctl:\n  ‹net.ipv4.ip_forward 1›\n  net.a.b: 1', 'net.ipv4.ip_forward: 1'],
  // keys by other tools' names, alone in their section
  ['dns: { ‹servers›: [10.0.0.1] }', 'nameservers'],
  ['report: { ‹url›: https://a.example }', 'endpoint'],
  ['routes: [{ to: 10.0.0.0/8, via: 10.0.0.1, ‹interface›: eth0 }]', 'dev'],
];

for (const [marked, hint] of SLIPS) {
  test(`slip: ${JSON.stringify(marked.replace(/[‹›]/g, ''))}`, () => {
    const [first, ...more] = errors(marked.replace(/[‹›]/g, ''));
    assert.ok(first?.message.endsWith(`${hint}`), first?.message);
    assert.deepEqual(more, []);
    assert.deepEqual(errors(marked.replace(/‹.*›/s, () => hint)), [], 'the hint, pasted');
  });
}

test('slip: a key that lost its indentation is told where it belongs', () => {
  const found = errors('dns:\nnameservers: [10.0.0.1]').map(({ message }) => message);
  assert.match(found[1]!, /^unknown key; it belongs below "dns:", indented by two blanks$/);
});

test('slip: a key that stands too deep is told its own section first', () => {
  const found = errors('dhcp: { interfaces: { eth0: { restart: whenSafe } } }').map(({ message }) => message);
  assert.match(found[0]!, /^unknown key; it belongs below "dhcp:", indented by two blanks$/);
});

test('slip: a blank that is none is named, as key, value and in a line that cannot be read', () => {
  for (const yaml of [
    'dns:\u00a0{ domain: a.example }',
    'dns:\n  domain:\u00a0a.example',
    'dns:\n\u00a0\u00a0domain: a.example',
    'dns: { search: [a.example,\u3000b.example] }',
  ])
    assert.match(
      errors(yaml)
        .map(({ message }) => message)
        .join(),
      /a blank that is none for YAML \(U\+(00A0|3000)/,
      JSON.stringify(yaml),
    );
});

test('slip: in quotes every character is meant', () => {
  assert.deepEqual(errors('report: { labels: { note: "“x”\u00a0y" } }'), []);
});

test('slip: an option that is switched off is to be taken out, not switched on', () => {
  for (const word of ['false', 'no', 'off', '0']) {
    const [error] = errors(`dns: { options: ["rotate:${word}"] }`);
    assert.equal(error!.message, `"rotate:${word}": an option that is listed is on; take it out`);
  }
});

test('slip: an example or the known keys stand where nothing can be guessed, and nothing is taken away by a guess', () => {
  const message = (yaml: string) => errors(yaml)[0]!.message;
  assert.match(message('routes: somewhere'), /^write a list, such as \[\{ to: /);
  assert.match(message('routes: [10.1.0.0/16]'), /^write keys, such as \{ to: /);
  for (const yaml of [
    'dns: nonsense',
    'dns: true',
    'dhclient: routers',
    'dhclient: { request: [routers] }',
    'probes: [canary]',
  ])
    assert.match(message(yaml), /^write keys with their values below it: \w/, yaml);
  assert.match(message('nameserver: [10.0.0.1]'), /write nameservers below "dns:"/);
  assert.match(message('sysctl: { net.ipv4: { ip_forward: 1 } }'), /one word: write net\.ipv4\.ip_forward$/);
  assert.doesNotMatch(message('routes: [{ to: 10.0.0.0/8, xy: 10.0.0.1 }]'), /did you mean/);
  assert.match(
    errors('dns: { domain: a.example b.example }')[0]!.message,
    /write a\.example, and the others under search/,
  );
});

test('slip: every setting takes every kind of wrong value with an error, and without a crash', () => {
  const wrong = [
    '{}',
    '[]',
    '~',
    'true',
    '7',
    'x y',
    '{ a: { b: { c: 1 } } }',
    '[[1], { a: [] }]',
    '{ "?": 0 }',
    '-1',
    '""',
  ];
  const wraps: ((value: string) => string)[] = [
    (value) => value,
    (value) => `[${value}]`,
    (value) => `{ a.b: ${value} }`,
    (value) => `{ eth0: { request: ${value} } }`,
    (value) => `[{ to: ${value}, nearest: ${value}, path: ${value} }]`,
  ];
  for (const [section, keys] of Object.entries(SECTIONS)) {
    for (const value of wrong.flatMap((one) => wraps.map((wrap) => wrap(one)))) {
      for (const yaml of [`${section}: ${value}`, ...keys.map((key) => `${section}: { ${key}: ${value} }`)])
        assert.ok(
          errors(yaml).every(({ message }) => message !== ''),
          yaml,
        );
    }
  }
});
