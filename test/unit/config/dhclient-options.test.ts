/** The table of DHCP options: names, formats, and no value that could break out of its quotes. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  checkOptionValues,
  confValue,
  envName,
  envValue,
  findOption,
  optionNames,
} from '../../../agent/config/notation/dhcp-options.ts';
import { EXAMPLES } from '../../parts/dhclient-wanted.ts';

const check = (name: string, ...values: string[]) => checkOptionValues(findOption(name)!, values);

test('DHCP options: names are dhclient.conf(5) names, and each is there once', () => {
  assert.equal(findOption('domain-search')!.code, 119);
  assert.equal(findOption('dhcp6.name-servers')!.code, 23);
  assert.equal(findOption('Domain-Search'), undefined);
  assert.equal(new Set(optionNames()).size, optionNames().length);
  assert.equal(
    findOption('ms-classless-static-routes')!.definition,
    'option ms-classless-static-routes code 249 = array of unsigned integer 8;',
  );
});

test('DHCP options: every format has right values, and says what would be right of a wrong one', () => {
  for (const name of optionNames()) {
    const definition = findOption(name)!;
    const example = EXAMPLES[definition.format];
    if (example) assert.equal(checkOptionValues(definition, example), undefined, name);
    assert.match(checkOptionValues(definition, ['\n'])!, /^write |cannot be superseded/, name);
  }
  assert.equal(check('ntp-servers', '10.0.0.300'), 'write an IPv4 address, such as 10.0.0.1');
  assert.equal(check('interface-mtu', '70000'), 'write an integer from 0 to 65535');
  assert.equal(check('interface-mtu', '1', '2'), 'write only one value: an integer from 0 to 65535');
  assert.equal(check('ntp-servers'), 'write at least one value: an IPv4 address, such as 10.0.0.1');
  assert.match(check('fqdn', 'a')!, /cannot be superseded/);
});

test('DHCP options: nothing gets through that could end its quotes, or that dhclient or a shell would take otherwise', () => {
  const bad = [
    'a"b',
    'a\\b',
    'a\nb',
    'a\rb',
    'a\0b',
    '$(id)',
    '`id`',
    "a'b",
    'a&b',
    'a|b',
    'é',
    '',
    'a\x7f',
    ' a',
    'x'.repeat(256),
  ];
  for (const name of [
    'bootfile-name',
    'host-name',
    'domain-name',
    'domain-search',
    'vendor-class-identifier',
    'root-path',
    'v4-lost',
  ])
    for (const value of bad) assert.ok(check(name, value), `${name} ${JSON.stringify(value)}`);
  for (const value of ['a;b', 'a b*', '-a', 'a..b', 'a/b', `${'x'.repeat(64)}.b`])
    assert.ok(check('domain-search', value), value);
  assert.equal(check('domain-name', 'a.example b.example'), undefined);
});

test('DHCP options: notation in the file and in the environment', () => {
  const both = (name: string, ...values: string[]) => {
    const definition = findOption(name)!;
    return [confValue(definition, values), envName(definition), envValue(definition, values)];
  };
  assert.deepEqual(both('domain-name-servers', '10.0.0.1', '10.0.0.2'), [
    '10.0.0.1, 10.0.0.2',
    'new_domain_name_servers',
    '10.0.0.1 10.0.0.2',
  ]);
  assert.deepEqual(both('domain-search', 'a.example', 'b.'), [
    '"a.example", "b."',
    'new_domain_search',
    'a.example. b.',
  ]);
  assert.deepEqual(both('dhcp6.name-servers', '2001:DB8:0::1'), [
    '2001:DB8:0::1',
    'new_dhcp6_name_servers',
    '2001:db8::1',
  ]);
  assert.deepEqual(both('static-routes', '10.1.0.0 10.0.0.1', '10.2.0.0 10.0.0.2'), [
    '10.1.0.0 10.0.0.1, 10.2.0.0 10.0.0.2',
    'new_static_routes',
    '10.1.0.0 10.0.0.1 10.2.0.0 10.0.0.2',
  ]);
  assert.deepEqual(both('dhcp-client-identifier', '00:0A:ff'), ['00:0A:ff', 'new_dhcp_client_identifier', '0:a:ff']);
  assert.deepEqual(both('dhcp-client-identifier', '61:62'), ['61:62', 'new_dhcp_client_identifier', 'ab']);
});
