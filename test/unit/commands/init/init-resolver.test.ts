/** What `agent init` says of resolv.conf: lines that libc ignores, links that others own, and why `plan` is not empty. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { resolverFacts } from '../../../../agent/commands/init/resolver-facts.ts';
import { command } from '../../../parts/command.ts';
import { FILES, networkdHost, OTHERS } from '../../../parts/networkd-host.ts';
import { scratch } from '../../../parts/scratch.ts';

async function initial(root: string): Promise<{ yaml: string; plan: Awaited<ReturnType<typeof command>> }> {
  const { status, stderr } = await command('init', '--root', root);
  assert.equal(status, 0, stderr);
  const yaml = readFileSync(join(root, 'etc/holdfast/agent.yaml'), 'utf8');
  return { yaml, plan: await command('plan', '--root', root, '--only', 'resolver') };
}

test('init names each line of resolv.conf that libc ignores, and takes over only what libc reads', async (t) => {
  const root = scratch(t, {
    'etc/resolv.conf': [
      'domain old.example',
      'search a.example # ours',
      'domain b.example',
      'nameserver 10.0.0.1',
      ' nameserver 10.0.0.2',
      'nameservers 10.0.0.3',
      'Nameserver 10.0.0.4',
      'nameserver=10.0.0.5',
      'nameserver 10.0.0.6,10.0.0.7',
      'nameserver 10.0.0.8\r',
      'lookup file bind',
      'sortlist 10.0.0.0/255.0.0.0',
      'sortlist 10.1.2.0/255.255.255.0',
      '',
    ].join('\n'),
  });
  const { yaml, plan } = await initial(root);
  const lines = [...yaml.matchAll(/# not taken over from \/etc\/resolv\.conf:(\d+): /g)].map(([, line]) =>
    Number(line),
  );
  assert.deepEqual(
    lines.toSorted((a, b) => a - b),
    [1, 2, 5, 6, 7, 8, 9, 10, 11],
  );
  assert.match(yaml, /^ {2}domain: b\.example$/m);
  assert.match(yaml, /^ {2}nameservers: \[10\.0\.0\.1\]$/m);
  assert.match(yaml, /^ {2}sortlist: \[10\.0\.0\.0\/255\.0\.0\.0, 10\.1\.2\.0\/255\.255\.255\.0\]$/m);
  assert.equal(plan.status, 2);
  assert.match(yaml, /^# \/etc\/resolv\.conf: "agent apply" writes .* line[s\d, ]+; "agent plan" shows it$/m);
});

test('init says nothing of changes to a resolv.conf that is as Holdfast writes it, and plan has none', async (t) => {
  const root = scratch(t, { 'etc/resolv.conf': '# ours\nsearch a.example\nnameserver 10.0.0.1\noptions rotate\n' });
  const { yaml, plan } = await initial(root);
  assert.doesNotMatch(yaml, /agent apply" writes/);
  assert.equal(plan.status, 0, plan.stdout);
});

const STUB = '/run/systemd/resolve/stub-resolv.conf';
const LINKS: Record<string, Record<string, string>> = {
  [STUB]: {
    [STUB]: 'nameserver 127.0.0.53\noptions edns0 trust-ad\nsearch .\n',
    '/run/systemd/resolve/resolv.conf': 'nameserver 10.0.0.53\nsearch a.example\n',
  },
  '/run/systemd/resolve/resolv.conf': {
    '/run/systemd/resolve/resolv.conf': 'nameserver 10.0.0.53\nsearch a.example\n',
  },
  '/run/resolvconf/resolv.conf': { '/run/resolvconf/resolv.conf': 'nameserver 10.0.0.53\nsearch a.example\n' },
};
for (const [target, files] of Object.entries(LINKS)) {
  test(`init leaves a resolv.conf that is a link to ${target} alone, says why, and plan is empty`, async (t) => {
    const root = scratch(t, Object.fromEntries(Object.entries(files).map(([path, text]) => [path.slice(1), text])));
    mkdirSync(join(root, 'etc'));
    symlinkSync(`..${target}`, join(root, 'etc/resolv.conf'));
    const { yaml, plan } = await initial(root);
    assert.ok(yaml.includes(`# /etc/resolv.conf is a symbolic link to ${target}`), yaml);
    assert.match(yaml, /^# .*nameservers: \[10\.0\.0\.53\]$/m);
    assert.match(yaml, /^# .*search: \[a\.example\]$/m);
    assert.doesNotMatch(yaml, /edns0|"\."/);
    assert.deepEqual([plan.status, plan.stderr], [0, ''], plan.stdout);
  });
}

test('init says that a resolv.conf which is a circle or leads nowhere is not taken over', async (t) => {
  for (const target of ['resolv.conf', '/run/nobody/resolv.conf']) {
    const root = scratch(t, { 'etc/hostname': 'a\n' });
    mkdirSync(dirname(join(root, 'etc/resolv.conf')), { recursive: true });
    symlinkSync(target, join(root, 'etc/resolv.conf'));
    const { yaml, plan } = await initial(root);
    assert.match(yaml, /# \/etc\/resolv\.conf is a symbolic link .*\n.*nothing of DNS is taken over$/m);
    assert.equal(plan.status, 0, plan.stdout);
  }
});

test('init takes what the links have where systemd-resolved answers, and nothing where they differ', async (t) => {
  const link = (index: string, name: string, dns: string) => ({
    [`sys/class/net/${name}/ifindex`]: `${index}\n`,
    [`run/systemd/netif/links/${index}`]: `NETWORK_FILE=/etc/systemd/network/1.network\nDNS=${dns}\nDOMAINS=a.example\nROUTE_DOMAINS=.\n`,
  });
  const taken = resolverFacts(networkdHost(t, { files: link('2', 'eth0', '10.0.0.1 10.0.0.2'), others: OTHERS }));
  assert.deepEqual(
    taken.lines.map(({ keyword, values }) => `${keyword} ${values.join(' ')}`),
    ['nameserver 10.0.0.1 10.0.0.2', 'search a.example'],
  );
  assert.deepEqual(taken.refusals, []);
  const files = { ...FILES, ...link('2', 'eth0', '10.0.0.1'), ...link('3', 'eth1', '10.0.0.2') };
  const { lines, refusals } = resolverFacts(networkdHost(t, { files, others: OTHERS }));
  assert.deepEqual(lines, []);
  assert.match(
    String(refusals),
    /links differ \(eth0: 10\.0\.0\.1 search a\.example; eth1: 10\.0\.0\.2 search a\.example\)/,
  );
});
