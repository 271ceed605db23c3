/** The JSON Schema describes every key, and accepts every configuration that the loader accepts. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { parse } from 'yaml';
import { runSchema } from '../../../agent/commands/schema.ts';
import { load } from '../../parts/config-memory.ts';

const schema = JSON.parse(runSchema());
// zod may write a pattern or limit beside a $ref or an enum. That is no fault.
const accepts = new Ajv2020({ strict: false, allErrors: true }).compile(schema);

const RIGHT = [
  '{}',
  'dns: { search: [.], options: [strict-error, no_tld_query] }',
  'dns: { search: [., example.com] }',
  'dns: { domain: example.com, search: [a.example, _srv.b], nameservers: [10.0.0.1, "::1", "fe80::1%eth0"] }',
  'dns: { sortlist: [10.72.52.100/32, 10.72.0.0/255.255.0.0, 10.0.0.0], options: ["ndots:0", rotate], symlink: follow }',
  'dns: { sortlist: [], options: [] }',
  'dns: { sortlist: [{ nearest: { name: puppet.example.com, port: 8140, tries: 3, interval: 1m } }, 10.0.0.0/8] }',
  'dhclient: { supersede: { ntp-servers: [10.0.0.1], interface-mtu: 1400, ip-forwarding: true, host-name: x } }',
  'dhclient: { request: { without: [routers], also: [] }, interfaces: { eth0.100: { request: {} } } }',
  'sysctl: { net.ipv4.ip_forward: 1, net/ipv4/conf/eth0.100/rp_filter: "1", net.ipv4.tcp_rmem: 4096 131072 6291456 }',
  'sysctl: { net.a.b: { atLeast: 0 }, net.a.c: { value: 1, optional: true }, net.a.d: 18446744073692774399 }',
  'report: { endpoint: "https://c.example:4318", interval: 500s, format: json, spool: 1GiB, enforce: false, labels: { a.b: x } }',
  'report: { endpoint: "https://[::1]:4318/otlp/", ca: /a, certificate: /b, key: /c, token-file: /d }',
  'probes: { memory-errors: { logs: [{ path: /var/log/bird.log }] }, canary: { interval: 0s }, off: [routes, canary] }',
  'expect: { default: { nexthops: 2 } }',
  'dhclient: { ignore: [routers], interfaces: { eth1: { ignore: [classless-routes] } } }',
  'routes: []',
  'routes: [{ to: 10.0.0.0/16, via: 10.0.1.1, dev: eth0, onlink: true, table: 100, metric: 5, src: 10.0.1.5, mtu: 1400 }]',
  'routes: [{ to: "::/0", nexthops: [{ via: "fe80::1", dev: eth0, weight: 2 }, { via: "2001:db8::2" }], takeOver: true }]',
  'routes: [{ to: default, via: "2001:db8::1", table: main }, { to: 10.0.0.0/8, type: blackhole, table: default }]',
  'routes: [{ to: 10.0.0.0/8, nhid: 4294967295, src: 10.0.0.1 }]',
  'routes: [{ to: "metadata:vpc-ipv4-cidr-block", via: subnet-gateway }, { to: 10.9.9.9, dev: eth0 }]',
];

for (const yaml of RIGHT) {
  test(`loader and JSON Schema accept ${yaml.slice(0, 70)}`, async () => {
    const result = await load(yaml);
    assert.ok(result.ok, JSON.stringify(result));
    assert.ok(accepts(parse(yaml)), JSON.stringify(accepts.errors));
  });
}

const WRONG = [
  'dhclient: { ignore: [router] }',
  'routes: {}',
  'routes: [{ via: 10.0.0.1 }]',
  'routes: [{ to: "x y", dev: eth0 }]',
  'routes: [{ to: 10.0.0.0/8, dev: "a/b" }]',
  'routes: [{ to: 10.0.0.0/8, via: example.com }]',
  'routes: [{ to: 10.0.0.0/8, nexthops: [] }]',
  'routes: [{ to: 10.0.0.0/8, nexthops: [{ dev: eth0, weight: 257 }] }]',
  'routes: [{ to: 10.0.0.0/8, nhid: 4294967296 }]',
  'routes: [{ to: 10.0.0.0/8, dev: eth0, metric: -1 }]',
  'routes: [{ to: 10.0.0.0/8, dev: eth0, mtu: 1.5 }]',
  'routes: [{ to: 10.0.0.0/8, dev: eth0, takeover: true }]',
  'dsn: {}',
  'dns: { domian: x }',
  'dns: { domain: "a b" }',
  'dns: { domain: "a;b" }',
  'dns: { domain: "a\\nb" }',
  'dns: { domain: 5 }',
  'dns: null',
  'dns: { search: a.example }',
  'dns: { domain: . }',
  'dns: { search: [..] }',
  'dns: { search: [] }',
  'dns: { search: [a.b, a.b] }',
  'dns: { nameservers: [] }',
  'dns: { nameservers: [host.example] }',
  'dns: { nameservers: [10.0.0.1, 10.0.0.2, 10.0.0.3, 10.0.0.4] }',
  `dns: { sortlist: [${Array.from({ length: 11 }, (_, i) => `10.${i}.0.0/16`).join(', ')}] }`,
  'dns: { sortlist: [{ nearest: { name: puppet.example.com } }] }',
  'dns: { sortlist: [{ nearest: { name: puppet.example.com, port: 0 } }] }',
  'dns: { sortlist: [{ nearset: { name: puppet.example.com, port: 1 } }] }',
  'dns: { options: [rotat] }',
  'dns: { options: [ndots] }',
  'dns: { symlink: folow }',
  'dhclient: { supersede: { ntp-server: 10.0.0.1 } }',
  'dhclient: { supersede: { ntp-servers: { a: 1 } } }',
  'dhclient: { request: { without: [router] } }',
  'dhclient: { interfaces: { "a b": {} } }',
  'dhclient: { interfaces: { eth0: { interfaces: {} } } }',
  'sysctl: { net: 1 }',
  'sysctl: { net.*.a: 1 }',
  'sysctl: { net.a.b: true }',
  'sysctl: { net.a.b: {} }',
  'sysctl: { net.a.b: { value: 1, atLeast: 1 } }',
  'sysctl: { net.a.b: { atLeast: -1 } }',
  'sysctl: { net.a.b: { value: 1, optional: 1 } }',
  'report: { endpoint: "ftp://c.example" }',
  'report: { endpoint: "https://u:p@c.example" }',
  'report: { interval: 30 }',
  'report: { interval: 30 s }',
  'report: { spool: 64MB }',
  'report: { enforce: "no" }',
  'report: { ca: a.pem }',
  'report: { labels: { "a b": x } }',
  'report: { labels: { a: 1 } }',
  'probes: { off: [route] }',
  'probes: { memory-errors: { logs: [/var/log/bird.log] } }',
  'expect: { default: { nexthops: 0 } }',
];

for (const yaml of WRONG) {
  test(`loader and JSON Schema reject ${yaml.slice(0, 70)}`, async () => {
    assert.ok(!(await load(yaml)).ok);
    assert.ok(!accepts(parse(yaml)));
  });
}

test('every key of the schema is described', () => {
  const undescribed: string[] = [];
  const walk = (node: { properties?: object; additionalProperties?: object; anyOf?: object[] }, path: string) => {
    for (const [key, child] of Object.entries(node.properties ?? {})) {
      if (!child.description) undescribed.push(`${path}.${key}`);
      walk(child, `${path}.${key}`);
    }
    if (typeof node.additionalProperties === 'object') walk(node.additionalProperties, `${path}.*`);
    for (const child of node.anyOf ?? []) walk(child, path);
  };
  walk(schema, '');
  assert.deepEqual(undescribed, []);
  assert.ok(schema.properties.sysctl.description, 'the walk has something to find');
});

test('the JSON Schema accepts whatever the loader accepts', async () => {
  const word = fc.constantFrom(
    'a.example',
    '_x',
    '10.0.0.1',
    '::1',
    'fe80::1%e',
    '10.0.0.0/8',
    '10.0.0.0',
    'ndots:3',
    'rotate',
    'routers',
    '1',
    '',
  );
  const list = fc.array(word, { maxLength: 3 });
  const name = fc.stringMatching(/^[a-z0-9_.@+-]{1,16}$/);
  const option = fc.constantFrom(
    'ntp-servers',
    'host-name',
    'interface-mtu',
    'ip-forwarding',
    'time-offset',
    'domain-name',
  );
  const value = fc.oneof(word, fc.integer(), fc.boolean(), fc.array(fc.oneof(word, fc.integer()), { maxLength: 2 }));
  const scope = {
    supersede: fc.dictionary(option, value, { maxKeys: 1, noNullPrototype: true }),
    request: fc.record({ without: list, also: list }, { requiredKeys: [] }),
  };
  const rule = fc.oneof(
    fc.integer(),
    word,
    fc.record(
      { value: fc.oneof(fc.integer(), word), atLeast: fc.integer(), optional: fc.boolean() },
      { requiredKeys: [] },
    ),
  );
  const key = fc.tuple(name, fc.constantFrom('.', '/'), name).map((parts) => parts.join(''));
  // One setting at a time, so that enough configurations are valid.
  const config = fc.oneof(
    fc.record({
      dns: fc.oneof(
        ...['domain'].map((k) => word.map((v) => ({ [k]: v }))),
        ...['search', 'nameservers', 'sortlist', 'options'].map((k) => list.map((v) => ({ [k]: v }))),
      ),
    }),
    fc.record({ dhclient: fc.record(scope, { requiredKeys: [] }) }),
    fc.record({
      dhclient: fc.record({
        interfaces: fc.dictionary(name, fc.record(scope, { requiredKeys: [] }), { maxKeys: 1, noNullPrototype: true }),
      }),
    }),
    fc.record({ sysctl: fc.dictionary(key, rule, { maxKeys: 1, noNullPrototype: true }) }),
  );
  let accepted = 0;
  await fc.assert(
    fc.asyncProperty(config, async (candidate) => {
      const text = JSON.stringify(candidate);
      if (!(await load(text)).ok) return;
      accepted += 1;
      assert.ok(accepts(JSON.parse(text)), `${text} ${JSON.stringify(accepts.errors)}`);
    }),
    { numRuns: 1000 },
  );
  assert.ok(accepted > 100, `${accepted} of 1000 were accepted`);
});
