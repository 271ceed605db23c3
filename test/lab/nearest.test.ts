/** The sortlist of a name's addresses, measured: by `agent apply`, with real look-ups and real connections. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startNameServer } from '../parts/lab/dhcp.ts';
import { FarServers, firstAddresses, noFarServers, REFUSED } from '../parts/lab/far.ts';
import { LabHost } from '../parts/lab/host.ts';
import { NEW } from '../parts/lab/scene.ts';

const skip = noFarServers();

const NAME = 'puppet.example.com';
const [A, B, C] = ['10.88.0.1', '10.88.0.2', '10.88.0.3'] as const;
const AT = { [A]: 120, [B]: 5, [C]: 60 };
const ENTER_HOOK = '/etc/dhcp/dhclient-enter-hooks.d/zz-holdfast';
const RECORD = '/var/lib/holdfast/nearest.json';

function yaml(more = ''): string {
  return `dns:
  nameservers: [${NEW[0]}]
  sortlist: [{ nearest: { name: ${NAME}, port: 8140${more} } }, 10.72.0.0/16]
`;
}

function line(...addresses: string[]): string {
  return `sortlist ${[...addresses.map((one) => `${one}/255.255.255.255`), '10.72.0.0/255.255.0.0'].join(' ')}`;
}

async function sortlist(host: LabHost): Promise<string | undefined> {
  return /^sortlist .*$/m.exec(await host.read('/etc/resolv.conf'))?.[0];
}

async function apply(host: LabHost, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await host.agent('apply', ...args);
  assert.equal(code, 0, `${stdout}${stderr}`);
  return stdout;
}

test('nearest: apply measures, writes the nearest first, and changes nothing the second time', { skip }, async () => {
  await using host = await LabHost.create();
  const far = await FarServers.start(host, AT);
  await startNameServer(host, NEW[0], { [NAME]: [A, B, C] });
  await host.write('/etc/holdfast/agent.yaml', yaml());

  // The control: the server turns the addresses round, and callers go to each of them.
  await host.write('/etc/resolv.conf', `nameserver ${NEW[0]}\n`);
  assert.ok(new Set(await firstAddresses(host, NAME)).size > 1);
  await host.write('/etc/resolv.conf', '');

  // Looking measures nothing.
  assert.equal((await host.agent('plan')).code, 2);
  assert.match((await host.agent('status')).stdout, /puppet\.example\.com:8140: never measured/);
  assert.equal(far.tried, 0);
  // Nor does what holds no sortlist.
  const others = await apply(host, '--only', 'dhclient', 'sysctl', 'routes', 'masquerade', 'dnsmasq', 'egress');
  assert.doesNotMatch(others, /puppet/);

  // resolv.conf names no server before this apply: the name is looked up as it is to be looked up.
  await apply(host);
  assert.equal(await sortlist(host), line(B, C, A));
  assert.ok((await host.read(ENTER_HOOK)).includes(line(B, C, A)));
  assert.deepEqual(new Set(await firstAddresses(host, NAME)), new Set([B]));

  // A second one opens no connection and writes nothing; looking does not either.
  const tried = far.tried;
  const before = await host.sh(`stat -c '%i %z' ${RECORD} /etc/resolv.conf ${ENTER_HOOK}`);
  await apply(host);
  assert.equal((await host.agent('plan')).code, 0);
  const { stdout } = await host.agent('status');
  assert.match(
    stdout,
    /puppet\.example\.com:8140: 10\.88\.0\.2 \([\d.]+ ms\), 10\.88\.0\.3 \([\d.]+ ms\), 10\.88\.0\.1 \([\d.]+ ms\); measured \d+ s ago/,
  );
  assert.equal(far.tried, tried);
  const other = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', 'agent', 'status'];
  assert.match((await host.run(other)).stdout, /puppet\.example\.com:8140: 10\.88\.0\.2 /);
  assert.equal(await host.sh(`stat -c '%i %z' ${RECORD} /etc/resolv.conf ${ENTER_HOOK}`), before);
});

test('nearest: it measures all that answer, among 200 addresses, unused addresses and missing names', {
  skip,
}, async () => {
  await using host = await LabHost.create();
  const many = Array.from({ length: 200 }, (_, i) => `10.88.7.${i + 1}`);
  const far = await FarServers.start(host, { ...AT, [A]: REFUSED, '10.88.7.1': 60, '10.88.7.10': 10 });
  await startNameServer(host, NEW[0], {
    'many.example.com': many,
    'liar.example.com': ['0.0.0.0', '224.0.0.1', '255.255.255.255', C, A],
    'nobody.example.com': ['0.0.0.0'],
  });
  const names = ['many', 'liar', 'nobody', 'nowhere'].map(
    (name) => `{ nearest: { name: ${name}.example.com, port: 443, tries: 1 } }`,
  );
  await host.write(
    '/etc/holdfast/agent.yaml',
    `dns: { nameservers: [${NEW[0]}], sortlist: [${names.join(', ')}, 10.72.0.0/16] }\n`,
  );
  const said = await apply(host);
  assert.match(said, /nobody\.example\.com:443 +skipped: it cannot be measured: the look-up .* no usable host address/);
  assert.match(said, /nowhere\.example\.com:443 +skipped: .* refuses to answer this host; it was never measured/);
  const measured = [...new Set(many)].sort().slice(0, 16);
  assert.deepEqual(new Set(measured.map((address) => far.triedAt(address) > 0)), new Set([true]));
  assert.equal(many.filter((address) => far.triedAt(address) > 0).length, measured.length);

  const pairs = (await sortlist(host))?.split(' ').slice(1) ?? [];
  assert.equal(pairs.length, 10);
  assert.deepEqual(pairs.slice(0, 2), ['10.88.7.10/255.255.255.255', '10.88.7.1/255.255.255.255']);
  assert.deepEqual(pairs.slice(-2), [`${C}/255.255.255.255`, '10.72.0.0/255.255.0.0']);
  const { stdout } = await host.agent('status');
  assert.match(stdout, /the farthest 8 are not written \(libc reads 10 pairs\)\n {2}the name has 200 addresses/);
});
