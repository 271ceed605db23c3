/** Secret values of the kernel: hidden wherever a text with them is shown. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compile } from '../../../agent/config/compile.ts';
import { NO_SPLIT } from '../../../agent/config/init/host-facts.ts';
import { renderInitial } from '../../../agent/config/init/initial.ts';
import { isSecretSysctl, withoutSecrets } from '../../../agent/config/sysctl/secret-sysctls.ts';

test('sysctl secrets: every spelling of an assignment is hidden, and nothing else', () => {
  for (const text of [
    'net.ipv6.conf.eth0.stable_secret = fe80::5ec',
    'net/ipv6/conf/eth0.5/stable_secret=fe80::5ec',
    '-net.ipv6.conf.*.stable_secret = "fe80::5ec"',
    'sysctl -w net.ipv6.conf.all.stable_secret=fe80::5ec net.ipv4.ip_forward=1',
    '{ net.ipv4.tcp_fastopen_key: 5ec-0-0-0,5ec-0-0-1, net.ipv4.ip_forward: 1 }',
    '{ "net.ipv4.tcp_fastopen_key": { value: "5ec-0-0-0", optional: true } }',
  ]) {
    assert.doesNotMatch(withoutSecrets(text), /5ec/, text);
    assert.equal(withoutSecrets(text).includes('ip_forward'), text.includes('ip_forward'), text);
  }
  for (const text of ['net.ipv4.ip_forward = 1', 'net.ipv6.conf.all.stable_secret:', 'stable_secrets = 5'])
    assert.equal(withoutSecrets(text), text);
  assert.ok(isSecretSysctl('net/ipv6/conf/eth0/stable_secret') && isSecretSysctl('net/ipv4/tcp_fastopen_key'));
  assert.ok(!isSecretSysctl('net/ipv4/tcp_fastopen'));
});

test('sysctl secrets: no error of the configuration shows one, whatever is wrong', () => {
  const key = 'net.ipv6.conf.all.stable_secret';
  for (const yaml of [
    `sysctl: { ${key}: " fe80::5ec" }`,
    `sysctl: { ${key}: 5ec }`,
    `sysctl: { ${key}: “fe80::5ec” }`,
    `sysctl: { ${key}: { value: fe80::5ec, atleast: 1 } }`,
    `sysctl: [ { ${key}: "fe80::5ec" } ]`,
    `sysctl: ${key} = fe80::5ec`,
    `sysctl:\n  ${key} = fe80::5ec\n  net.a.b: 1`,
    `sysctl:\n  ${key}:fe80::5ec\n  net.a.b: 1`,
    `sysctl: { ${key}: fe80::5ec, net/ipv6/conf/all/stable_secret: fe80::5ec }`,
    'sysctl: { net.ipv4.tcp_fastopen_key: 5ec-0-0 }',
  ]) {
    const result = compile([{ path: 'agent.yaml', bytes: Buffer.from(yaml) }]);
    assert.ok(!result.ok, yaml);
    assert.doesNotMatch(JSON.stringify(result.errors), /5ec/, yaml);
  }
});

test('sysctl secrets: one that `init` does not take over is not shown', () => {
  const fact = { path: 'net/ipv6/conf/all/stable_secret', value: '5ec', file: '/etc/sysctl.d/a.conf', line: 1 };
  const resolver = { lines: [], unused: [], refusals: [] };
  const text = renderInitial({ resolver, split: NO_SPLIT, supersedes: [], sysctls: [fact], ipv6RouteMaxSize: null });
  assert.match(text, /a\.conf:1: net\.ipv6\.conf\.all\.stable_secret = \(secret\): the value is not an IPv6 address/);
  assert.doesNotMatch(text, /5ec/);
});
