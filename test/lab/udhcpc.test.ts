/** busybox's udhcpc: held through the file that its script sources, and refused where the script has none. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LabHost } from '../parts/lab/host.ts';
import { AGENT_YAML, apply, holds, NEW, nameservers, OLD } from '../parts/lab/scene.ts';
import { ALPINE_SCRIPT, DEBIAN_SCRIPT, noUdhcpc, Udhcpc, udhcpcHost } from '../parts/lab/udhcpc.ts';
import { watchDeletions, watchFile, watchPings } from '../parts/lab/watch.ts';

const skip = noUdhcpc;

const OFFERS = `option domain-name-servers ${OLD.join(', ')}; option domain-search "old.example"; option ntp-servers 10.77.0.5;`;
const CONF = '# ours\nIF_METRIC=50\n';

const last = async (host: LabHost) => (await host.read('/run/lab/events')).trim().split('\n').at(-1);
const address = async (host: LabHost) => /inet (\S+?)\//.exec(await host.sh('ip -4 -o addr show dev eth0'))![1]!;
const states = async (host: LabHost) => {
  const { settings } = JSON.parse((await host.agent('status', '--json')).stdout);
  type Moments = Record<string, { state: string; reason?: string }>;
  return Object.fromEntries(
    (settings as { setting: string; moments: Moments }[]).map((one) => [one.setting, one.moments]),
  );
};

for (const [title, script] of [
  ["Alpine's script", ALPINE_SCRIPT],
  ["Debian's script", DEBIAN_SCRIPT],
] as const) {
  test(`udhcpc control, ${title}: a resolv.conf written by hand is gone at the next renewal`, { skip }, async () => {
    await using made = await udhcpcHost(script, { offers: OFFERS });
    const { host, client } = made;
    await host.sh(`printf 'nameserver %s\\n' ${NEW.join(' ')} >/etc/resolv.conf`);
    await client.renew();
    assert.deepEqual(nameservers(await host.read('/etc/resolv.conf')), OLD);
  });
}

test('udhcpc: 25 renewals, a new start and revert: nothing wrong, nothing empty, no ping lost', { skip }, async (t) => {
  await using made = await udhcpcHost(ALPINE_SCRIPT, { offers: OFFERS });
  const { host, client } = made;
  await host.write('/etc/udhcpc/udhcpc.conf', CONF);
  // A setting of an interface that is not there is held by nothing.
  await host.sh('ip link add eth1 type veth peer name other');
  await client.renew();
  const before = await host.read('/etc/resolv.conf');
  const yaml = `${AGENT_YAML}dhcp: { supersede: { ntp-servers: [10.34.56.80], host-name: held }, interfaces: { eth1: { ignore: [routers] } } }\n`;
  await host.write('/etc/holdfast/agent.yaml', yaml);
  const deletions = await watchDeletions(host);
  const pings = await Promise.all([
    watchPings(host, '10.77.0.1', 'host'),
    watchPings(host, await address(host), 'server'),
  ]);
  await apply(host);
  const watch = await watchFile(host, '/etc/resolv.conf');
  for (let n = 0; n < 25; n++) {
    await client.renew();
    assert.equal(
      await last(host),
      'renew router=10.77.0.1 ntp=10.34.56.80 host=held search=dev.example.com example.com',
    );
  }
  const { wrongMs, emptyMs, absentMs, changes } = await watch.stop();
  assert.deepEqual({ wrongMs, emptyMs, absentMs, changes }, { wrongMs: 0, emptyMs: 0, absentMs: 0, changes: 0 });
  await holds(host);
  for (const [setting, moments] of Object.entries(await states(host))) {
    assert.deepEqual([setting, ...new Set(Object.values(moments).map(({ state }) => state))], [setting, 'ok']);
  }
  assert.equal((await host.agent('apply', '--detailed-exitcodes')).code, 0);

  assert.equal((await host.agent('revert')).code, 0);
  assert.equal(await host.read('/etc/udhcpc/udhcpc.conf'), CONF);
  assert.equal(await host.read('/etc/resolv.conf'), before);
  await client.renew();
  assert.deepEqual(nameservers(await host.read('/etc/resolv.conf')), OLD);
  const all = await Promise.all(pings.map((one) => one.stop()));
  t.diagnostic(`${all.map(({ answered }) => answered).join(' + ')} pings answered`);
  assert.deepEqual(
    all.map(({ lost }) => lost),
    [0, 0],
  );
  assert.deepEqual(await deletions.stop(), []);

  // A new start, as after a boot: no file of resolv.conf, no address.
  await apply(host);
  await client.kill();
  await host.sh('rm -f /etc/resolv.conf; ip addr flush dev eth0');
  await Udhcpc.start(host, made.path);
  await holds(host);
});

test('udhcpc: an ignored router is not taken at the next start, and the present one stays', { skip }, async () => {
  await using made = await udhcpcHost(ALPINE_SCRIPT, { offers: OFFERS });
  const { host, client } = made;
  const deletions = await watchDeletions(host);
  await host.write('/etc/holdfast/agent.yaml', 'dhcp: { ignore: [routers], request: { without: [ntp-servers] } }\n');
  await host.agent('apply');
  await client.renew();
  assert.match(await host.sh('ip -4 route show default'), /via 10\.77\.0\.1/);
  assert.deepEqual(await deletions.stop(), []);
  assert.match((await states(host))['dhcp.request.without']!.lease!.reason!, /options of its command line only/);
  assert.equal((await states(host))['dhcp.ignore']!.lease!.state, 'ok');
  await client.kill();
  await host.sh('ip addr flush dev eth0');
  await Udhcpc.start(host, made.path);
  assert.equal(await host.sh('ip -4 route show default'), '');
});

test('udhcpc: status forecasts the next renewal, without Holdfast and with it, and both come true', {
  skip,
}, async () => {
  // The server otherwise gives a young lease only the rest of its time, so a slow apply would make it shorter.
  const offers = `${OFFERS} dhcp-cache-threshold 0;`;
  await using made = await udhcpcHost(ALPINE_SCRIPT, { lease: 600, offers });
  const { host, client } = made;
  const forecasts = async () => JSON.parse((await host.agent('status', '--json')).stdout).forecasts;
  await apply(host);
  assert.deepEqual(await forecasts(), [], 'nothing is recorded before the first renewal');
  await client.renew();
  const [one, ...more] = await forecasts();
  assert.deepEqual(more, []);
  const search = ['old.example'];
  assert.deepEqual(one.without, { nameservers: OLD, search, routers: ['10.77.0.1'], ntp: ['10.77.0.5'] });
  assert.deepEqual(one.with, { ...one.without, nameservers: NEW, search: ['dev.example.com', 'example.com'] });
  assert.deepEqual([one.program, one.address, one.stale], ['udhcpc', await address(host), null]);
  const taken = Number(await host.sh('stat -c %Y /run/holdfast/udhcpc.eth0')) * 1000;
  assert.equal(Math.floor((Date.parse(one.renews) - 300_000) / 1000) * 1000, taken);

  await client.renew();
  assert.deepEqual(nameservers(await host.read('/etc/resolv.conf')), one.with.nameservers);
  assert.equal((await host.agent('revert')).code, 0);
  assert.deepEqual(await forecasts(), [], 'nothing records any more');
  await client.renew();
  const text = await host.read('/etc/resolv.conf');
  assert.deepEqual([nameservers(text), /^search (.*)$/m.exec(text)?.[1]], [one.without.nameservers, search[0]]);
});

test('udhcpc: a setting that dns leaves open comes from the server, if it is harmless', { skip }, async () => {
  await using made = await udhcpcHost(ALPINE_SCRIPT, { offers: OFFERS });
  const { host, client } = made;
  await host.write('/etc/holdfast/agent.yaml', 'dns: { search: [here.example.com] }\n');
  assert.equal((await host.agent('apply')).code, 0);
  await client.renew();
  const lines = (await host.read('/etc/resolv.conf')).split('\n').filter((line) => /^\w/.test(line));
  assert.deepEqual(lines.sort(), [...OLD.map((one) => `nameserver ${one}`), 'search here.example.com'].sort());
});

test("udhcpc: Debian's script has no place for a hook, so nothing is written and status says why", {
  skip,
}, async () => {
  await using made = await udhcpcHost(DEBIAN_SCRIPT, { offers: OFFERS });
  const { host, client } = made;
  await apply(host);
  assert.ok(!host.exists('/etc/udhcpc/udhcpc.conf'));
  const { lease } = (await states(host))['dns.nameservers']!;
  assert.equal(lease!.state, 'unknown');
  assert.match(lease!.reason!, /^\/etc\/udhcpc\/default\.script, which udhcpc runs at each event, sources no /);
  await client.renew();
  assert.deepEqual(nameservers(await host.read('/etc/resolv.conf')), OLD);
  assert.equal((await states(host))['dns.nameservers']!.now!.state, 'drifted');
});
