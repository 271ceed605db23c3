/** Google's and Azure's services, each a fake that gives the documented sample; and which cloud the firmware names. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import type { MetadataName } from '../../../../agent/config/desired-metadata.ts';
import { AZURE } from '../../../../agent/metadata/clouds/azure.ts';
import { GCP } from '../../../../agent/metadata/clouds/gcp.ts';
import { MetadataClient } from '../../../../agent/metadata/clouds/http.ts';
import type { MetadataAnswer, Provider } from '../../../../agent/metadata/clouds/provider.ts';
import { detectProvider } from '../../../../agent/metadata/clouds/providers.ts';

const GCP_INTERFACES = [
  {
    accessConfigs: [{ externalIp: '203.0.113.5', type: 'ONE_TO_ONE_NAT' }],
    dnsServers: ['169.254.169.254'],
    forwardedIps: [],
    gateway: '10.128.0.1',
    ip: '10.128.5.29',
    ipAliases: [],
    mac: '42:01:0a:80:00:1d',
    mtu: 1460,
    network: 'projects/382910/networks/default',
    subnetmask: '255.255.240.0',
    targetInstanceIps: [],
  },
  { gateway: '10.9.0.1', ip: '10.9.0.2', mac: '42:01:0a:09:00:02', subnetmask: '255.255.255.0' },
];

const AZURE_NETWORK = {
  interface: [
    {
      ipv4: {
        ipAddress: [{ privateIpAddress: '10.144.133.132', publicIpAddress: '' }],
        subnet: [{ address: '10.144.133.128', prefix: '26' }],
      },
      ipv6: { ipAddress: [] },
      macAddress: '0011AAFFBB22',
    },
  ],
};

/** Answers only who asks as the documentation has it. */
async function serve(t: TestContext, header: string, value: string, path: string, body: () => string, mark = {}) {
  const server = createServer(({ headers, url }, response) => {
    if (headers[header] !== value || url !== path) response.writeHead(400).end();
    else response.writeHead(200, { 'content-type': 'application/json', ...mark }).end(body());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const client = new MetadataClient({ host: '127.0.0.1', port }, new AbortController().signal);
  t.after(() => {
    client.close();
    server.close();
  });
  return client;
}

async function ask(provider: Provider, client: MetadataClient, name: MetadataName, mac: string | null = null) {
  return (await provider.fetch(client, [{ name, mac }]))[0] as MetadataAnswer;
}

test('Google: subnet and gateway of an interface; ranges of the VPC it does not know', async (t) => {
  let body = JSON.stringify(GCP_INTERFACES);
  const path = '/computeMetadata/v1/instance/network-interfaces/?recursive=true';
  const client = await serve(t, 'metadata-flavor', 'Google', path, () => body, { 'Metadata-Flavor': 'Google' });
  const mac = '42:01:0a:80:00:1d';
  assert.deepEqual(await ask(GCP, client, 'subnet-ipv4-cidr-block'), { mac, values: ['10.128.0.0/20'] });
  assert.deepEqual(await ask(GCP, client, 'subnet-gateway', mac), { mac, values: ['10.128.0.1'] });
  const second = '42:01:0a:09:00:02';
  assert.deepEqual(await ask(GCP, client, 'subnet-ipv4-cidr-block', second), { mac: second, values: ['10.9.0.0/24'] });
  assert.match(
    problem(await ask(GCP, client, 'vpc-ipv4-cidr-blocks')),
    /has no vpc-ipv4-cidr-blocks; write the network/,
  );
  assert.match(problem(await ask(GCP, client, 'subnet-gateway', '42:00:00:00:00:00')), /knows no interface/);

  for (const [wrong, reason] of [
    [{ subnetmask: '255.0.255.0' }, /subnetmask is none/],
    [{ subnetmask: '0.0.0.0' }, /wider than any network/],
    [{ ip: '224.0.0.1' }, /no host has such an address/],
    [{ ip: { toString: 'x' } }, /no address/],
  ] as const) {
    body = JSON.stringify([{ ...GCP_INTERFACES[0], ...wrong }]);
    assert.match(problem(await ask(GCP, client, 'subnet-ipv4-cidr-block')), reason);
  }
  for (const [text, reason] of [
    ['', /its answer is empty/],
    [JSON.stringify(GCP_INTERFACES).slice(0, -5), /no JSON, or was cut off/],
    ['[]', /list of interfaces is empty/],
    ['{"a":1}', /list of interfaces is none/],
    ['[null]', /list of interfaces is none/],
    ['[[[[', /no JSON/],
  ] as const) {
    body = text;
    await assert.rejects(ask(GCP, client, 'subnet-gateway'), reason, text);
  }
});

test('Google: an answer without its mark is somebody else’s', async (t) => {
  const path = '/computeMetadata/v1/instance/network-interfaces/?recursive=true';
  const client = await serve(t, 'metadata-flavor', 'Google', path, () => JSON.stringify(GCP_INTERFACES));
  await assert.rejects(ask(GCP, client, 'subnet-gateway'), /not marked as Google’s/);
});

test('Azure: the same of its own', async (t) => {
  let body = JSON.stringify(AZURE_NETWORK);
  const path = '/metadata/instance/network?api-version=2021-02-01&format=json';
  const client = await serve(t, 'metadata', 'true', path, () => body);
  const mac = '00:11:aa:ff:bb:22';
  assert.deepEqual(await ask(AZURE, client, 'subnet-ipv4-cidr-block'), { mac, values: ['10.144.133.128/26'] });
  assert.deepEqual(await ask(AZURE, client, 'subnet-gateway', mac), { mac, values: ['10.144.133.129'] });
  assert.match(
    problem(await ask(AZURE, client, 'vpc-ipv4-cidr-block')),
    /has no vpc-ipv4-cidr-block; write the network/,
  );
  for (const [wrong, reason] of [
    [{ subnet: [{ address: '0.0.0.0', prefix: '0' }] }, /wider than any network/],
    [{ subnet: [] }, /is empty/],
    [{ subnet: [{ address: '10.0.0.0', prefix: 24 }] }, /is no text/],
    [null, /is none/],
  ] as const) {
    body = JSON.stringify({ interface: [{ ...AZURE_NETWORK.interface[0], ipv4: wrong }] });
    assert.match(problem(await ask(AZURE, client, 'subnet-ipv4-cidr-block')), reason);
  }
});

test('metadata providers: the firmware names the cloud, or none', () => {
  const host = (files: Record<string, string>) => ({
    readText: (path: string) => files[path.replace('/sys/class/dmi/id/', '')] ?? null,
  });
  assert.equal(detectProvider(host({ sys_vendor: 'Amazon EC2\n' })), 'ec2');
  assert.equal(detectProvider(host({ sys_vendor: 'Xen\n', bios_version: '4.11.amazon\n' })), 'ec2');
  assert.equal(detectProvider(host({ product_name: 'Google Compute Engine\n' })), 'gcp');
  const azure = '7783-7084-3265-9085-8269-3286-77';
  assert.equal(
    detectProvider(host({ sys_vendor: 'Microsoft Corporation\n', chassis_asset_tag: `${azure}\n` })),
    'azure',
  );
  assert.equal(detectProvider(host({ sys_vendor: 'Microsoft Corporation\n' })), null);
  assert.equal(detectProvider(host({ sys_vendor: 'QEMU\n', product_name: 'Standard PC\n' })), null);
  assert.equal(detectProvider(host({})), null);
});

function problem(answer: MetadataAnswer): string {
  return 'problem' in answer ? answer.problem : `no problem: ${answer.values}`;
}
