/** A configuration of several files becomes one desired state. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ConfiguredState } from '../../../agent/config/desired.ts';
import { loadConfig } from '../../../agent/config/load.ts';
import type { Plain } from '../../parts/accepted.ts';
import { errorsOf, load, MAIN, memoryFiles } from '../../parts/config-memory.ts';
import { NO_METADATA } from '../../parts/desired.ts';

const EXAMPLE = `dns:                                   # one source for dhclient.conf, the hooks and resolv.conf
  domain: example.com
  search: [dev.example.com, example.com]
  nameservers: [10.34.56.78, 10.34.56.79]
  sortlist: [10.72.52.100/32, 10.72.0.0/255.255.0.0]
  options: [timeout:1, rotate]
dhclient:
  supersede: { ntp-servers: [10.34.56.80] }      # any further dhclient option
  request: { without: [routers], also: [interface-mtu] }
  interfaces: { eth1: { supersede: { interface-mtu: 1400 }, request: { without: [host-name] } } }
sysctl:
  net.ipv4.ip_forward: 1
  net.ipv6.route.max_size: { atLeast: 4194304 }
  net/ipv4/conf/eth0.100/rp_filter: 1            # slash form, for interface names with dots
  net.netfilter.nf_conntrack_max: { value: 262144, optional: true }   # its module may not be loaded
`;

const WANTED: Plain<ConfiguredState> = {
  dns: {
    domain: 'example.com',
    search: ['dev.example.com', 'example.com'],
    nameservers: ['10.34.56.78', '10.34.56.79'],
    sortlist: ['10.72.52.100/255.255.255.255', '10.72.0.0/255.255.0.0'],
    options: ['timeout:1', 'rotate'],
    symlink: 'refuse',
    split: null,
    verify: null,
  },
  dhcp: { global: { supersede: new Map(), request: null, ignore: [] }, interfaces: new Map() },
  dhclient: {
    global: {
      supersede: new Map([
        ['domain-name', ['example.com']],
        ['domain-search', ['dev.example.com', 'example.com']],
        ['domain-name-servers', ['10.34.56.78', '10.34.56.79']],
        ['dhcp6.domain-search', ['dev.example.com', 'example.com']],
        ['ntp-servers', ['10.34.56.80']],
      ]),
      request: { without: ['routers'], also: ['interface-mtu'] },
      ignore: [],
    },
    interfaces: new Map([
      [
        'eth1',
        {
          supersede: new Map([['interface-mtu', ['1400']]]),
          request: { without: ['host-name'], also: [] },
          ignore: [],
        },
      ],
    ]),
  },
  restart: 'never',
  networkdRestart: 'never',
  sysctl: [
    { path: 'net/ipv4/ip_forward', key: 'net.ipv4.ip_forward', want: { value: '1' }, optional: false },
    { path: 'net/ipv6/route/max_size', key: 'net.ipv6.route.max_size', want: { atLeast: 4194304 }, optional: false },
    {
      path: 'net/ipv4/conf/eth0.100/rp_filter',
      key: 'net/ipv4/conf/eth0.100/rp_filter',
      want: { value: '1' },
      optional: false,
    },
    {
      path: 'net/netfilter/nf_conntrack_max',
      key: 'net.netfilter.nf_conntrack_max',
      want: { value: '262144' },
      optional: true,
    },
  ],
  masquerade: [],
  dnsmasq: null,
  routes: [],
  rules: [],
  metadata: NO_METADATA,
  egress: null,
  ledger: { mode: 'retiring', retire: [] },
};

async function desired(content: Parameters<typeof load>[0]): Promise<ConfiguredState> {
  const result = await load(content);
  assert.ok(result.ok, JSON.stringify(result));
  return result.desired;
}

test('config: the whole example becomes the desired state', async () => {
  assert.deepEqual(await desired(EXAMPLE), WANTED);
});

test('an empty file configures nothing', async () => {
  const unset = { global: { supersede: new Map(), request: null, ignore: [] }, interfaces: new Map() };
  const nothing = {
    dns: null,
    dhcp: unset,
    dhclient: unset,
    restart: 'never',
    networkdRestart: 'never',
    sysctl: [],
    masquerade: [],
    dnsmasq: null,
    routes: [],
    rules: [],
    metadata: NO_METADATA,
    egress: null,
    ledger: { mode: 'retiring', retire: [] },
  };
  for (const text of ['', '# only a comment\n', '---\n']) assert.deepEqual(await desired(text), nothing);
});

test('config: IPv6 name servers go to DHCPv6, without their zone, and stay whole for resolv.conf', async () => {
  const { dns, dhclient } = await desired('dns: { nameservers: [10.0.0.1, "2001:DB8:0::1", "FE80::1%eth0"] }');
  assert.deepEqual(dns?.nameservers, ['10.0.0.1', '2001:db8::1', 'fe80::1%eth0']);
  assert.deepEqual(
    [...dhclient.global.supersede],
    [
      ['domain-name-servers', ['10.0.0.1']],
      ['dhcp6.name-servers', ['2001:db8::1', 'fe80::1']],
    ],
  );
});

test('config: an address of retire is one address, however often and in whatever spelling it is written', async () => {
  const text = 'retire: ["::ffff:10.0.0.1", 10.0.0.1, "::FFFF:a00:1", "2001:DB8:0::1", "2001:db8::1"]';
  assert.deepEqual((await desired(text)).ledger.retire, ['10.0.0.1', '2001:db8::1']);
});

test('drop-ins are merged in name order: maps deeply, lists and scalars replaced', async () => {
  const state = await desired({
    [MAIN]: 'dns: { domain: a.example, nameservers: [10.0.0.1, 10.0.0.2] }\nsysctl: { net.ipv4.ip_forward: 0 }\n',
    '/etc/holdfast/agent.d/20-b.yaml': 'sysctl: { net.ipv4.ip_forward: 1, net.a.b: 2 }\n',
    '/etc/holdfast/agent.d/10-a.yaml': 'dns: { nameservers: [10.0.0.3] }\nsysctl: { net.ipv4.ip_forward: 7 }\n',
    '/etc/holdfast/agent.d/README': 'not: [read',
    '/etc/holdfast/agent.d/.hidden.yaml': 'not: [read',
  });
  assert.equal(state.dns?.domain, 'a.example');
  assert.deepEqual(state.dns?.nameservers, ['10.0.0.3']);
  assert.deepEqual(
    state.sysctl.map(({ key, want }) => [key, want]),
    [
      ['net.ipv4.ip_forward', { value: '1' }],
      ['net.a.b', { value: '2' }],
    ],
  );
});

test('config: an error in a merged value points to where it came from', async () => {
  const errors = await errorsOf({
    [MAIN]: 'dns:\n  domain: fine.example\n  symlink: folow\nsysctl:\n  net.ipv4.ip_forward: 1\n',
    '/etc/holdfast/agent.d/10.yaml': '# first line\ndns: { nameservers: [10.0.0.1, 10.0.0.300] }\n',
    '/etc/holdfast/agent.d/20.yaml': 'sysctl:\n  net/ipv4/ip_forward: 0\n',
  });
  assert.deepEqual(errors, [
    'agent.yaml:3:12: dns.symlink: "folow" is not known; did you mean "follow"?',
    'agent.d/10.yaml:2:32: dns.nameservers[1]: "10.0.0.300" is not an IP address; write one such as 10.0.0.53',
    'agent.d/20.yaml:2:3: sysctl.net/ipv4/ip_forward: is another spelling of net.ipv4.ip_forward of agent.yaml:5; keep one of them',
  ]);
});

test('config: a syntax error in one file does not hide the errors of another', async () => {
  const errors = await errorsOf({
    [MAIN]: 'dns: { domain: a.example\n',
    '/etc/holdfast/agent.d/10.yaml': 'dns: { domian: b.example }\n',
  });
  assert.equal(errors.length, 2);
  assert.match(errors[0]!, /^agent\.yaml:2:1: not valid YAML: /);
  assert.equal(errors[1], 'agent.d/10.yaml:1:8: dns.domian: unknown key; did you mean "domain"?');
});

test('config: a missing file, an unreadable one and a misnamed drop-in are errors', async () => {
  assert.deepEqual(await errorsOf({ '/etc/holdfast/agent.d/10.yaml': '' }), [
    'agent.yaml: does not exist; `agent init` writes one',
  ]);
  assert.deepEqual(await errorsOf({ [MAIN]: '', '/etc/holdfast/agent.d/10.yml': '' }), [
    'agent.d/10.yml: is not read; name it 10.yaml',
  ]);
  const files = memoryFiles({ [MAIN]: '' });
  const result = await loadConfig({
    files: {
      ...files,
      read: () => {
        throw new Error('EIO: cannot read');
      },
    },
    asRoot: true,
  });
  assert.ok(!result.ok);
  assert.deepEqual(result.errors[0], { file: MAIN, line: 0, column: 0, path: '', message: 'EIO: cannot read' });
});

test('config: drop-ins lie beside the file that --config names', async () => {
  const files = memoryFiles({ '/srv/x.yaml': '', '/srv/agent.d/1.yaml': 'dns: { domain: a.example }' });
  const result = await loadConfig({ files, file: '/srv/x.yaml', asRoot: true });
  assert.ok(result.ok);
  assert.deepEqual(result.files, ['/srv/x.yaml', '/srv/agent.d/1.yaml']);
  assert.equal(result.desired.dns?.domain, 'a.example');
});

test('config: no command is advised for a file that is not named as a configuration', async () => {
  for (const [file, stat] of [
    ['/run/utmp', { mode: 0o100664 }],
    ['/home/bob/notes', { uid: 1000 }],
  ] as const) {
    const result = await loadConfig({ files: memoryFiles({ [file]: { bytes: '', stat } }), file, asRoot: true });
    assert.ok(!result.ok);
    const [error] = result.errors;
    assert.match(error!.message, /keep the configuration where only root may write/);
    assert.doesNotMatch(error!.message, /run:/);
  }
  const folder = memoryFiles({}, { '/tmp': { mode: 0o041777 } });
  const result = await loadConfig({ files: folder, file: '/tmp', asRoot: true });
  assert.doesNotMatch(result.ok ? 'accepted' : result.errors[0]!.message, /accepted|chmod/);
});

const TRUST: [name: string, files: Parameters<typeof memoryFiles>, error: RegExp | null][] = [
  ['root’s alone', [{ [MAIN]: '' }], null],
  [
    'the file of another',
    [{ [MAIN]: { bytes: '', stat: { uid: 1000 } } }],
    /^agent\.yaml: belongs to user 1000, .*chown root/,
  ],
  ['written by a group', [{ [MAIN]: { bytes: '', stat: { mode: 0o100664 } } }], /\(mode 0664\); run: chmod go-w/],
  ['written by all', [{ [MAIN]: { bytes: '', stat: { mode: 0o100646 } } }], /\(mode 0646\)/],
  [
    'its folder written by all',
    [{ [MAIN]: '' }, { '/etc/holdfast': { mode: 0o040777 } }],
    /\/etc\/holdfast, above it, may be written/,
  ],
  ['a folder above of another', [{ [MAIN]: '' }, { '/etc': { uid: 7 } }], /\/etc, above it, belongs to user 7/],
  ['a sticky folder above', [{ [MAIN]: '' }, { '/etc': { mode: 0o041777 } }], null],
  [
    'a link into the folder of another',
    [{ [MAIN]: { bytes: '', target: '/home/bob/agent.yaml' } }, { '/home/bob': { uid: 1000 } }],
    /\/home\/bob, above it, belongs to user 1000/,
  ],
  [
    'a device that everybody may write',
    [{ [MAIN]: { bytes: '', stat: { mode: 0o020666 } } }],
    /: is no regular file; keep the configuration where only root may write, such as \/etc\/holdfast$/,
  ],
  [
    'a link to the file of another',
    [{ [MAIN]: { bytes: '', target: '/srv/agent.yaml' }, '/srv/agent.yaml': { bytes: '', stat: { uid: 33 } } }],
    /\/srv\/agent\.yaml, where it leads, belongs to user 33.*; keep the configuration where only root/,
  ],
  [
    'a drop-in written by all',
    [{ [MAIN]: '', '/etc/holdfast/agent.d/1.yaml': { bytes: '', stat: { mode: 0o100666 } } }],
    /^agent\.d\/1\.yaml: may be written/,
  ],
];

for (const [name, [content, folders], error] of TRUST) {
  test(`trust: ${name}`, async () => {
    const files = memoryFiles(content, folders);
    const result = await loadConfig({ files, asRoot: true });
    assert.equal(result.ok, error === null);
    if (error && !result.ok) {
      const [first] = result.errors;
      assert.match(`${first!.file.replace('/etc/holdfast/', '')}: ${first!.message}`, error);
      // The advised commands touch only the configuration's own files.
      for (const [, path] of first!.message.matchAll(/run: \S+ \S+ (\S+)/g)) assert.equal(path, first!.file);
    }
    assert.ok((await loadConfig({ files, asRoot: false })).ok, 'whoever is not root reads what he likes');
  });
}

test('a compiled configuration stands for the same bytes, the same files and the same build alone', async () => {
  const files = memoryFiles({ [MAIN]: EXAMPLE });
  const first = await loadConfig({ files, asRoot: true, compiled: { build: '1', text: null } });
  assert.ok(first.ok && first.compiled !== null);

  const second = await loadConfig({ files, asRoot: true, compiled: { build: '1', text: first.compiled } });
  assert.deepEqual(second, { ...first, compiled: null });

  const changed = [
    [files, '2', first.compiled],
    [memoryFiles({ [MAIN]: `${EXAMPLE} ` }), '1', first.compiled],
    [memoryFiles({ [MAIN]: EXAMPLE, '/etc/holdfast/agent.d/1.yaml': '' }), '1', first.compiled],
    [files, '1', 'null'],
    [files, '1', '{"build":"1"}'],
    [files, '1', first.compiled.slice(0, -5)],
  ] as const;
  for (const [others, build, text] of changed) {
    const again = await loadConfig({ files: others, asRoot: true, compiled: { build, text } });
    assert.ok(again.ok && again.compiled !== null);
    assert.deepEqual(again.desired, WANTED);
  }
});

test('a compiled configuration is ASCII whatever the files hold', async () => {
  const files = memoryFiles({ '/srv/é€.yaml': '# é€\n' });
  const options = { files, file: '/srv/é€.yaml', asRoot: true };
  const first = await loadConfig({ ...options, compiled: { build: '1', text: null } });
  assert.ok(first.ok);
  assert.match(first.compiled!, /^[\x20-\x7e]+$/);
  const second = await loadConfig({ ...options, compiled: { build: '1', text: first.compiled } });
  assert.ok(second.ok && second.compiled === null);
});

test('a compiled configuration does not stand for files that others may write', async () => {
  const first = await loadConfig({
    files: memoryFiles({ [MAIN]: EXAMPLE }),
    asRoot: true,
    compiled: { build: '1', text: null },
  });
  assert.ok(first.ok);
  const files = memoryFiles({ [MAIN]: { bytes: EXAMPLE, stat: { mode: 0o100666 } } });
  assert.ok(!(await loadConfig({ files, asRoot: true, compiled: { build: '1', text: first.compiled } })).ok);
});
