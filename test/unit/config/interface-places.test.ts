/** Alternative names of interfaces are refused wherever the configuration names an interface, with the name to write. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatConfigError } from '../../../agent/config/config-error.ts';
import { loadConfig } from '../../../agent/config/load.ts';
import { INTERFACE_KEYS, INTERFACE_VALUES } from '../../../agent/config/meaning/interface-places.ts';
import { INTERFACE_PATTERN, OUTGOING_PATTERN } from '../../../agent/config/notation/names.ts';
import { jsonSchema } from '../../../agent/config/schema/config-schema.ts';
import { MAIN, memoryFiles } from '../../parts/config-memory.ts';

const OWN = new Map([
  ['eni-1', 'eth0'],
  ['eni-0123456789abcdef0', 'eth1'],
]);

async function errorsOf(yaml: string): Promise<string[]> {
  const files = memoryFiles({ [MAIN]: yaml });
  const result = await loadConfig({ files, asRoot: true, ownNames: async () => OWN });
  return result.ok ? [] : result.errors.map((error) => formatConfigError(error).replace(`${MAIN}:`, ''));
}

const WRITE = 'eth0 is the interface with the alternative name eni-1; write eth0';

test('alternative names: each place that names an interface is refused with the name to write', async () => {
  assert.deepEqual(
    await errorsOf(`dns: { nameservers: ["fe80::1%eni-1"], split: [{ domains: [a.example], servers: ["fe80::2%eni-1"] }] }
dhcp: { interfaces: { eni-1: { ignore: [routers] } } }
dhclient: { interfaces: { eni-1: { ignore: [routers] } } }
sysctl: { net.ipv6.conf.eni-1.accept_ra: 2, net/ipv4/neigh/eni-1/mcast_solicit: 3, net.ipv4.conf.all.rp_filter: 1 }
routes: [{ to: 10.1.0.0/16, dev: eni-1 }, { to: 10.2.0.0/16, nexthops: [{ via: 10.0.0.1 }, { dev: eni-1 }] }]
forwarding: { masquerade: [{ out: eni-1, from: 10.0.0.0/8 }, { out: "eni-*", from: 10.0.0.0/8 }] }
expect: { groups: [{ group: 224.1.2.3, dev: eni-1 }] }
`).then((all) => all.toSorted()),
    [
      `1:22: dns.nameservers[0]: ${WRITE}`,
      `1:82: dns.split[0].servers[0]: ${WRITE}`,
      `2:23: dhcp.interfaces.eni-1: ${WRITE}`,
      `3:27: dhclient.interfaces.eni-1: ${WRITE}`,
      `4:11: sysctl.net.ipv6.conf.eni-1.accept_ra: ${WRITE}`,
      `4:45: sysctl.net/ipv4/neigh/eni-1/mcast_solicit: ${WRITE}`,
      `5:34: routes[0].dev: ${WRITE}`,
      `5:99: routes[1].nexthops[1].dev: ${WRITE}`,
      `6:35: forwarding.masquerade[0].out: ${WRITE}`,
      `7:45: expect.groups[0].dev: ${WRITE}`,
    ],
  );
});

test('alternative names: a name that is too long for an interface has the name to write if this host knows it', async () => {
  const [known, unknown] = await Promise.all(
    ['eni-0123456789abcdef0', 'eni-0123456789abcdef1'].map((name) =>
      errorsOf(`routes: [{ to: 10.1.0.0/16, dev: ${name} }, { to: 10.0.0.1/8, dev: eni-1 }]\n`),
    ),
  );
  const others = ['1:65: routes[1].to: "10.0.0.1/8" has host bits set', `1:82: routes[1].dev: ${WRITE}`];
  const cut = (errors: string[]) => errors.map((error) => error.replace(/set; .*/, 'set'));
  assert.deepEqual(cut(known!), [
    '1:34: routes[0].dev: eth1 is the interface with the alternative name eni-0123456789abcdef0; write eth1',
    ...others,
  ]);
  assert.match(
    unknown![0]!,
    /^1:34: .* is longer than 15 characters, so it is no interface's name; for an alternative/,
  );
});

test('alternative names: a configuration without one is loaded as before', async () => {
  assert.deepEqual(await errorsOf('routes: [{ to: 10.1.0.0/16, dev: eth0 }]\n'), []);
  assert.deepEqual(await errorsOf('sysctl: { net.ipv4.ip_forward: 1 }\n'), []);
});

test('alternative names: the places are all that the schema has', () => {
  const found: Record<'value' | 'key', string[]> = { value: [], key: [] };
  const walk = (schema: unknown, path: readonly string[]): void => {
    if (schema === null || typeof schema !== 'object') return;
    const { properties = {}, items, additionalProperties, propertyNames, pattern, anyOf = [] } = schema as Schema;
    if (isInterface(pattern)) found.value.push(path.join('.'));
    if (isInterface(propertyNames?.pattern)) found.key.push([...path, '*'].join('.'));
    for (const [key, one] of Object.entries(properties)) walk(one, [...path, key]);
    walk(items, [...path, '*']);
    walk(additionalProperties, [...path, '*']);
    for (const one of anyOf) walk(one, path);
  };
  walk(jsonSchema(), []);
  const texts = (paths: readonly (readonly (string | number)[])[]) => paths.map((path) => path.join('.')).sort();
  assert.deepEqual(
    { value: found.value.sort(), key: found.key.sort() },
    {
      value: texts(INTERFACE_VALUES),
      key: texts(INTERFACE_KEYS),
    },
  );
});

interface Schema {
  readonly properties?: Record<string, unknown>;
  readonly items?: unknown;
  readonly additionalProperties?: unknown;
  readonly propertyNames?: { readonly pattern?: string };
  readonly pattern?: string;
  readonly anyOf?: readonly unknown[];
}

function isInterface(pattern: string | undefined): boolean {
  return pattern === INTERFACE_PATTERN || pattern === OUTGOING_PATTERN;
}
