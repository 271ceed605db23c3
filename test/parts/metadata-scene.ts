/** A host in a folder that has eth0 and eth1, and a fake of EC2's metadata service that knows them. */
import type { TestContext } from 'node:test';
import type { MetadataWish } from '../../agent/config/desired-metadata.ts';
import { Host } from '../../agent/host/host.ts';
import { type Fetch, Metadata } from '../../agent/metadata/metadata.ts';
import { wishKey } from '../../agent/metadata/wishes.ts';
import { NO_METADATA } from './desired.ts';
import { MetadataService } from './lab/metadata-service.ts';
import { fill, scratch } from './scratch.ts';

export const ETH0 = '0e:49:61:0f:c3:11';
export const ETH1 = '0e:49:61:0f:c3:22';

export const INTERFACES = {
  [ETH0]: {
    'vpc-ipv4-cidr-block': '10.0.0.0/16',
    'vpc-ipv4-cidr-blocks': '10.0.0.0/16\n10.1.0.0/16',
    'subnet-ipv4-cidr-block': '10.0.16.0/20',
    'vpc-ipv6-cidr-blocks': '2001:db8:12::/56',
  },
  [ETH1]: { 'vpc-ipv4-cidr-blocks': '10.0.0.0/16', 'subnet-ipv4-cidr-block': '10.0.32.0/24' },
};

export const VPC: MetadataWish = { name: 'vpc-ipv4-cidr-blocks', interface: null };

export function sysfs(devices: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(devices).map(([name, mac]) => [`sys/class/net/${name}/address`, `${mac}\n`]),
  );
}

export interface Scene {
  readonly service: MetadataService;
  readonly folder: string;
  /** Anew, as another command would make it. */
  metadata(...wishes: MetadataWish[]): Metadata;
  /** Fetches and keeps. */
  refresh(metadata: Metadata, signal?: AbortSignal): Promise<Fetch>;
}

export async function scene(t: TestContext): Promise<Scene> {
  const service = await MetadataService.start();
  t.after(() => service.close());
  service.behaviour = { ...service.behaviour, interfaces: INTERFACES };
  const folder = scratch(t, sysfs({ lo: '00:00:00:00:00:00', eth0: ETH0, eth1: ETH1 }));
  const desired = { ...NO_METADATA, provider: 'ec2', endpoint: { host: '127.0.0.1', port: service.port } } as const;
  return {
    service,
    folder,
    metadata: (...wishes) => new Metadata(new Host({ root: folder, live: true }), desired, wishes),
    async refresh(metadata, signal = new AbortController().signal) {
      const fetch = await metadata.fetch(signal);
      metadata.note(fetch);
      return fetch;
    },
  };
}

export function problemOf(fetch: Fetch, wish: MetadataWish): string | null {
  const answer = fetch.answers.get(wishKey(wish));
  return answer !== undefined && 'problem' in answer ? answer.problem : null;
}

export { fill };
