/** The `metadata` section, and the values that routes take from it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { wishesOf } from '../../../agent/metadata/wishes.ts';
import { errorsOf, load } from '../../parts/config-memory.ts';

test('what is wrong in `metadata` is said with its place', async () => {
  assert.deepEqual(
    await errorsOf('metadata: { provider: aws, address: metadata.google.internal, interval: 5, adress: 1.2.3.4 }\n'),
    [
      'agent.yaml:1:23: metadata.provider: "aws" is not known; write one of auto, ec2, gcp, azure',
      'agent.yaml:1:37: metadata.address: "metadata.google.internal" is no address; write one such as 169.254.169.254, 127.0.0.1:1338 or [fd00:ec2::254]',
      'agent.yaml:1:73: metadata.interval: 5 has no unit; write 5s',
      'agent.yaml:1:76: metadata.adress: unknown key; did you mean "address"?',
    ],
  );
  for (const address of ['169.254.169.254:0', '169.254.169.254:70000', '169.254.169', 'fd00:ec2::254', '[1.2.3.4]']) {
    const [error] = await errorsOf(`metadata: { address: "${address}" }\n`);
    assert.match(error ?? '', /is no address/, address);
  }
});

test('metadata: where it is, and how often it is asked', async () => {
  const endpoints = {
    '': { host: '169.254.169.254', port: 80 },
    'address: "[fd00:ec2::254]", ': { host: 'fd00:ec2::254', port: 80 },
    'address: "127.0.0.1:1338", ': { host: '127.0.0.1', port: 1338 },
  };
  for (const [written, endpoint] of Object.entries(endpoints)) {
    const result = await load(`metadata: { ${written}interval: 10m }\n`);
    assert.ok(result.ok);
    assert.deepEqual(result.desired.metadata, { provider: 'auto', endpoint, interval: 600_000 });
  }
});

test('metadata: what routes leave to it is wanted once, of the interface that they name', async () => {
  const result = await load(`routes:
  - { to: 'metadata:vpc-ipv4-cidr-blocks', via: subnet-gateway }
  - { to: 'metadata:vpc-ipv4-cidr-blocks', via: subnet-gateway, table: 100 }
  - { to: 10.9.0.0/16, nexthops: [{ via: subnet-gateway, dev: eth0 }, { via: subnet-gateway, dev: eth1 }] }
  - { to: 'metadata:subnet-ipv4-cidr-block', dev: eth1, table: 101 }
`);
  assert.ok(result.ok, JSON.stringify(result));
  assert.deepEqual(wishesOf(result.desired), [
    { name: 'vpc-ipv4-cidr-blocks', interface: null },
    { name: 'subnet-gateway', interface: null },
    { name: 'subnet-gateway', interface: 'eth0' },
    { name: 'subnet-gateway', interface: 'eth1' },
    { name: 'subnet-ipv4-cidr-block', interface: 'eth1' },
  ]);
});
