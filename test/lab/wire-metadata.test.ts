/** The metadata of EC2 as AWS' own mock gives it (amazon-ec2-metadata-mock): the protocol is not only as our fake has it. */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { MetadataName, MetadataWish } from '../../agent/config/desired-metadata.ts';
import { Host } from '../../agent/host/host.ts';
import { Metadata } from '../../agent/metadata/metadata.ts';
import { missing } from '../../packaging/receivers/build.ts';
import { freePorts, Program, temporaryFolder } from '../parts/lab/wire-program.ts';

/** What the mock says where nothing else is configured (its docs/defaults.md). */
const MAC = '0e:49:61:0f:c3:11';
const DEFAULTS = {
  'vpc-ipv4-cidr-block': ['192.0.2.0/24'],
  'vpc-ipv4-cidr-blocks': ['192.0.2.0/24'],
  'vpc-ipv6-cidr-blocks': ['2001:db8::/32'],
  'subnet-ipv4-cidr-block': ['192.0.2.0/24'],
  'subnet-ipv6-cidr-blocks': ['2001:db8::/32'],
  'subnet-gateway': ['192.0.2.1'],
} satisfies Record<MetadataName, string[]>;

test('metadata: AWS’ own mock, which takes the second version alone, is understood', {
  skip: missing('ec2-metadata-mock'),
}, async (t) => {
  const [port] = await freePorts(1);
  const mock = new Program('ec2-metadata-mock', ['--hostname', '127.0.0.1', '--port', String(port), '--imdsv2']);
  t.after(() => mock.stop());
  // Any status will do: without a token it is 401.
  await mock.start(`http://127.0.0.1:${port}/latest/meta-data/mac`, 401);
  const root = temporaryFolder();
  mkdirSync(join(root, 'sys/class/net/ens5'), { recursive: true });
  writeFileSync(join(root, 'sys/class/net/ens5/address'), `${MAC}\n`);
  const wishes = Object.keys(DEFAULTS).flatMap((name): MetadataWish[] => [
    { name: name as MetadataName, interface: null },
    { name: name as MetadataName, interface: 'ens5' },
  ]);
  const desired = { provider: 'ec2', endpoint: { host: '127.0.0.1', port: port! }, interval: 1000 } as const;
  const metadata = new Metadata(new Host({ root, live: true }), desired, wishes);
  metadata.note(await metadata.fetch(AbortSignal.timeout(30_000)));
  for (const wish of wishes) {
    const { values, problem } = metadata.resolve(wish);
    assert.deepEqual({ values, problem }, { values: DEFAULTS[wish.name], problem: null }, wish.name);
  }
});
