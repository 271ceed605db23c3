/** Files that configurations include: followed as the program does, within bounds, and unseen if they cannot be. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { bootFilesSource } from '../../../../agent/depends/conf/conf-source.ts';
import { CONFIGURED_PROGRAMS } from '../../../../agent/depends/conf/list.ts';
import { matchesName } from '../../../../agent/depends/file-glob.ts';
import { around, ask, places } from '../../../parts/depends-scene.ts';

const program = (name: string) => CONFIGURED_PROGRAMS.find((one) => one.name === name)!;

interface Case {
  readonly files: Readonly<Record<string, string>>;
  /** `address file:line` of each name server, or of each time server for those who keep the time. */
  readonly found: readonly string[];
}

const CASES: Readonly<Record<string, Case>> = {
  'dhclient.conf': {
    files: {
      'etc/dhcp/dhclient.conf': '# include "/srv/no";\ntimeout 60;\ninclude\n  "/srv/site.conf";\n',
      'srv/site.conf': 'supersede domain-name-servers 10.0.0.1;\n',
      'srv/no': 'supersede domain-name-servers 10.0.0.9;\n',
    },
    found: ['10.0.0.1 /srv/site.conf:1'],
  },
  NetworkManager: {
    files: {
      'etc/NetworkManager/NetworkManager.conf': '[main]\npath=/srv/no\n[keyfile]\n# the site’s own\npath=/srv/nm\n',
      'srv/nm/lan.nmconnection': '[ipv4]\ndns=10.0.0.1;\n',
      'srv/no/lan.nmconnection': '[ipv4]\ndns=10.0.0.9;\n',
    },
    found: ['10.0.0.1 /srv/nm/lan.nmconnection:2'],
  },
  'systemd-networkd': {
    files: {
      'usr/lib/systemd/networkd.conf': '[DHCPv4]\n',
      'etc/systemd/network/10-lan.network.d/dns.conf': '[Network]\nDNS=10.0.0.1\n',
      'run/systemd/network/10-lan.network.d/dns.conf': '[Network]\nDNS=10.0.0.2\n',
    },
    found: [
      '10.0.0.1 /etc/systemd/network/10-lan.network.d/dns.conf:2',
      '10.0.0.2 /run/systemd/network/10-lan.network.d/dns.conf:2',
    ],
  },
  'resolved.conf': {
    files: {
      'usr/lib/systemd/resolved.conf': '[Resolve]\nDNS=10.0.0.1\n',
      'run/systemd/resolved.conf': '[Resolve]\nDNS=10.0.0.2\n',
    },
    found: ['10.0.0.2 /run/systemd/resolved.conf:2', '10.0.0.1 /usr/lib/systemd/resolved.conf:2'],
  },
  ifupdown: {
    files: {
      'etc/network/interfaces': 'source /srv/net/*.cfg more/[a-c]?\nsource-directory plain\n',
      'srv/net/one.cfg': 'dns-nameservers 10.0.0.1\n',
      'srv/net/one.old': 'dns-nameservers 10.0.0.9\n',
      'etc/network/more/b1': 'dns-nameservers 10.0.0.2\n',
      'etc/network/more/d1': 'dns-nameservers 10.0.0.9\n',
      'etc/network/plain/eth0': 'dns-nameservers 10.0.0.3\n',
      'etc/network/plain/eth0.bak': 'dns-nameservers 10.0.0.9\n',
    },
    found: ['10.0.0.1 /srv/net/one.cfg:1', '10.0.0.2 /etc/network/more/b1:1', '10.0.0.3 /etc/network/plain/eth0:1'],
  },
  kubelet: {
    files: {
      'var/lib/kubelet/config.yaml': 'kind: KubeletConfiguration\nresolvConf: "/srv/pods.conf"\n',
      'srv/pods.conf': 'search x\nnameserver 10.0.0.1\n# nameserver 10.0.0.9\n',
    },
    found: ['10.0.0.1 /srv/pods.conf:2'],
  },
  chrony: {
    files: {
      'etc/chrony.conf': 'include /srv/inc/*.conf\nConfDir /srv/a /srv/b\nsourcedir /srv/s\n! include /srv/no\n',
      'srv/inc/x.conf': 'server 10.0.0.1\n',
      'srv/a/x.conf': 'pool 10.0.0.2 iburst\n',
      'srv/b/x.conf': 'peer 10.0.0.3\n',
      'srv/b/x.old': 'server 10.0.0.9\n',
      'srv/s/x.sources': 'server 10.0.0.4\n',
      'srv/no': 'server 10.0.0.9\n',
    },
    found: [
      '10.0.0.1 /srv/inc/x.conf:1',
      '10.0.0.2 /srv/a/x.conf:1',
      '10.0.0.3 /srv/b/x.conf:1',
      '10.0.0.4 /srv/s/x.sources:1',
    ],
  },
  ntpd: {
    files: {
      'etc/ntp.conf': 'includefile /srv/one\nincludefile /srv/folder\n',
      'srv/one': 'server 10.0.0.1\n',
      'srv/folder/a.conf': 'server 10.0.0.2\n',
      'srv/folder/a.old': 'server 10.0.0.9\n',
    },
    found: ['10.0.0.1 /srv/one:1', '10.0.0.2 /srv/folder/a.conf:1'],
  },
  timesyncd: {
    files: { 'usr/local/lib/systemd/timesyncd.conf': '[Time]\nNTP=10.0.0.1\n' },
    found: ['10.0.0.1 /usr/local/lib/systemd/timesyncd.conf:2'],
  },
  dnsmasq: {
    files: {
      'etc/dnsmasq.conf':
        'conf-file=/srv/one\nservers-file=/srv/servers\nconf-dir=/srv/only,*.conf\nconf-dir=/srv/not,.bak,.old\nresolv-file=/srv/resolv\n#conf-file=/srv/no\n',
      'srv/one': 'server=10.0.0.1\n',
      'srv/servers': 'server=/x/10.0.0.2\n',
      'srv/only/a.conf': 'server=10.0.0.3\n',
      'srv/only/a': 'server=10.0.0.9\n',
      'srv/not/a': 'server=10.0.0.4\n',
      'srv/not/a.bak': 'server=10.0.0.9\n',
      'srv/not/a~': 'server=10.0.0.9\n',
      'srv/resolv': 'nameserver 10.0.0.5\n',
      'srv/no': 'server=10.0.0.9\n',
    },
    found: [
      '10.0.0.1 /srv/one:1',
      '10.0.0.2 /srv/servers:1',
      '10.0.0.3 /srv/only/a.conf:1',
      '10.0.0.4 /srv/not/a:1',
      '10.0.0.5 /srv/resolv:1',
    ],
  },
  unbound: {
    files: {
      'etc/unbound/unbound.conf':
        'include-toplevel: "/srv/un/*.conf"\nserver:\n  include: /srv/server\n# include: /srv/no\n',
      'srv/un/a.conf': 'forward-zone:\n  forward-addr: 10.0.0.1\n',
      'srv/server': '  stub-addr: 10.0.0.2\n',
      'srv/no': 'forward-addr: 10.0.0.9\n',
    },
    found: ['10.0.0.1 /srv/un/a.conf:2', '10.0.0.2 /srv/server:1'],
  },
  named: {
    files: {
      'etc/named.conf': 'include "/srv/options";\n// include "/srv/no";\nzone "x" { include "/srv/in-zone"; };\n',
      'srv/options': 'options { forwarders { 10.0.0.1; }; };\n',
      'srv/in-zone': 'masters { 10.0.0.2; };\n',
      'srv/no': 'options { forwarders { 10.0.0.9; }; };\n',
    },
    found: ['10.0.0.1 /srv/options:1', '10.0.0.2 /srv/in-zone:1'],
  },
  CoreDNS: {
    files: {
      'etc/coredns/Corefile':
        '(snippet) {\n log\n}\nimport snippet\nimport zones/*\n. {\n forward . /srv/resolv /etc/resolv.conf\n}\n',
      'etc/coredns/zones/a': 'a { forward . 10.0.0.1\n}\n',
      'srv/resolv': 'nameserver 10.0.0.2\n',
      'etc/resolv.conf': 'nameserver 10.0.0.9\n',
    },
    found: ['10.0.0.1 /etc/coredns/zones/a:1', '10.0.0.2 /srv/resolv:1'],
  },
  nginx: {
    files: {
      'etc/nginx/nginx.conf': 'http { include mime.types; include /srv/web/*.conf; }\n',
      'etc/nginx/mime.types': 'types { text/html html; }\n',
      'srv/web/a.conf': 'include parts/resolver; # include /srv/no;\n',
      'etc/nginx/parts/resolver': 'resolver 10.0.0.1;\n',
      'srv/web/parts/resolver': 'resolver 10.0.0.9;\n',
      'srv/no': 'resolver 10.0.0.9;\n',
    },
    found: ['10.0.0.1 /etc/nginx/parts/resolver:1'],
  },
  Squid: {
    files: {
      'etc/squid/squid.conf': 'include /srv/a /srv/b/*.conf\n',
      'srv/a': 'dns_nameservers 10.0.0.1\n',
      'srv/b/x.conf': 'dns_nameservers 10.0.0.2\n',
    },
    found: ['10.0.0.1 /srv/a:1', '10.0.0.2 /srv/b/x.conf:1'],
  },
  'ISC dhcpd': {
    files: {
      'etc/dhcp/dhcpd.conf': 'include "/srv/subnets";\n',
      'srv/subnets': 'option domain-name-servers 10.0.0.1;\n',
    },
    found: ['10.0.0.1 /srv/subnets:1'],
  },
  Kea: {
    files: {
      'etc/kea/kea-dhcp4.conf': '{ "Dhcp4": { "option-data": <?include "/srv/options.json"?> } }\n',
      'srv/options.json': '[ { "name": "domain-name-servers", "data": "10.0.0.1" } ]\n',
    },
    found: ['10.0.0.1 /srv/options.json:1'],
  },
};

for (const [name, { files, found }] of Object.entries(CASES))
  test(`includes: ${name} follows what its files include, and nothing else`, async (t) => {
    const source = bootFilesSource(around(t, { files }), program(name));
    const answer = await ask(source, ...Array.from({ length: 9 }, (_, n) => `10.0.0.${n + 1}`));
    assert.deepEqual(answer, { found: answer.found, unseen: [] });
    assert.deepEqual(places(answer.found), found);
  });

test('includes: every program with such statements has a case here', () => {
  const following = CONFIGURED_PROGRAMS.filter(({ includes }) => includes !== undefined).map(({ name }) => name);
  assert.deepEqual(
    following.filter((name) => !(name in CASES)),
    [],
  );
});

/** A file that cannot be followed, and the sentence about it. */
const UNSEEN: Readonly<Record<string, readonly [statement: string, reason: RegExp]>> = {
  'a pipe': ['include "/srv/pipe";', /\/srv\/pipe: it is a named pipe.* \(\/etc\/named\.conf:1 includes it\)$/],
  'a huge file': [
    '\n\ninclude "/srv/huge";',
    /\/srv\/huge was not read.*1024 KiB \(\/etc\/named\.conf:3 includes it\)$/,
  ],
  'a relative path': ['include "rel.conf";', /^rel\.conf was not read, because its path depends on how/],
  'a path that a shell would expand': [
    'include "/srv/$HOST";',
    /^\/srv\/\$HOST was not read, because its path depends/,
  ],
};

for (const [what, [statement, reason]] of Object.entries(UNSEEN))
  test(`includes: ${what} makes the source unseen, and the rest is read`, async (t) => {
    const scene = around(t, {
      files: { 'etc/named.conf': `${statement}\nforwarders { 10.0.0.1; };\n`, 'srv/x': '', 'rel.conf': '' },
    });
    execFileSync('mkfifo', [join(scene.host.root, 'srv/pipe')]);
    writeFileSync(join(scene.host.root, 'srv/huge'), '');
    truncateSync(join(scene.host.root, 'srv/huge'), 2 * 1024 * 1024);
    const { found, unseen } = await ask(bootFilesSource(scene, program('named')), '10.0.0.1');
    assert.equal(found.length, 1);
    assert.deepEqual(
      unseen.map(({ tense, source }) => [tense, source]),
      [['boot', 'named']],
    );
    assert.match(unseen[0]!.reason, reason);
  });

test('includes: a circle is followed once, and a missing file names nothing', async (t) => {
  const scene = around(t, {
    files: {
      'etc/named.conf': 'include "/srv/a";\ninclude "/etc/named.conf";\ninclude "/srv/nowhere";\n',
      'srv/a': 'include "/srv/link";\ninclude "/etc/named.conf";\nforwarders { 10.0.0.1; };\n',
    },
  });
  symlinkSync('a', join(scene.host.root, 'srv/link'));
  const { found, unseen } = await ask(bootFilesSource(scene, program('named')), '10.0.0.1');
  assert.deepEqual([places(found), unseen], [['10.0.0.1 /srv/a:3'], []]);
});

test('includes: depth, number and size are bounded, and what is beyond is unseen', async (t) => {
  const chain = Object.fromEntries(
    Array.from({ length: 20 }, (_, n) => [`srv/${n}`, `include "/srv/${n + 1}";\nforwarders { 10.0.0.${n}; };\n`]),
  );
  const deep = around(t, { files: { 'etc/named.conf': 'include "/srv/0";\n', ...chain } });
  const { found, unseen } = await ask(bootFilesSource(deep, program('named')));
  assert.equal(found.length, 16);
  assert.match(unseen[0]!.reason, /^\/srv\/16 was not read, because more than 16 files include one another/);

  const many = Object.fromEntries(Array.from({ length: 1100 }, (_, n) => [`srv/${n}`, '']));
  const names = Object.keys(many).map((name) => `include "/${name}";\n`);
  const broad = around(t, { files: { 'etc/named.conf': names.join(''), ...many } });
  const counted = await ask(bootFilesSource(broad, program('named')));
  assert.match(counted.unseen[0]!.reason, /^\/srv\/1000 was not read, because too many files are included/);

  const nowhere = around(t, { files: { 'etc/named.conf': 'include "/srv/no";\n'.repeat(50_000) } });
  const missed = await ask(bootFilesSource(nowhere, program('named')));
  assert.match(
    missed.unseen[0]!.reason,
    /^\/srv\/no was not read, because too many files are included.*:1001 includes/,
  );

  const large = Object.fromEntries(Array.from({ length: 20 }, (_, n) => [`srv/${n}`, ' '.repeat(1024 * 1024)]));
  const heavy = around(t, { files: { 'etc/named.conf': names.slice(0, 20).join(''), ...large } });
  const weighed = await ask(bootFilesSource(heavy, program('named')));
  assert.match(weighed.unseen[0]!.reason, /^\/srv\/16 was not read, because too many files are included/);
});

test('globs: names as glob(7) matches them', () => {
  const cases: readonly (readonly [glob: string, matches: readonly string[], others: readonly string[]])[] = [
    ['*.conf', ['a.conf', 'b.c.conf'], ['a.conf.old', '.a.conf', 'conf']],
    ['.*', ['.a'], ['a']],
    ['a*b*c', ['abc', 'axbxc', 'abbcc'], ['ab', 'acb']],
    ['??', ['ab'], ['a', 'abc']],
    ['[a-c]x', ['ax', 'cx'], ['dx', '-x']],
    ['[!a-c]x', ['dx'], ['ax']],
    ['[]-]', [']', '-'], ['a']],
    ['[', ['['], ['a']],
    ['[*]', ['*'], ['a']],
    ['a.b', ['a.b'], ['axb']],
  ];
  for (const [glob, matches, others] of cases) {
    for (const name of matches) assert.ok(matchesName(glob, name), `${glob} ${name}`);
    for (const name of others) assert.ok(!matchesName(glob, name), `${glob} ${name}`);
  }
});

test('globs and includes: a hostile pattern or text costs no quadratic time', () => {
  assert.equal(matchesName(`${'*a'.repeat(100)}b`, 'a'.repeat(250)), false);
  const size = 256 * 1024;
  const hostile = [
    'include ',
    'include "',
    '[keyfile]',
    '[keyfile]\n',
    ' \n',
    'conf-dir=',
    'source ',
    '\n\n',
    'include:',
    '<?include ',
    '7\n',
    'import ',
  ];
  for (const part of hostile) {
    const text = part.repeat(size / part.length);
    for (const { includes = [], name } of CONFIGURED_PROGRAMS) {
      const began = performance.now();
      for (const { pattern } of includes) [...text.matchAll(pattern)].length;
      assert.ok(performance.now() - began < 2000, `${name}: ${JSON.stringify(part)}`);
    }
  }
});
