/** Scripts of the host that set kernel settings at boot: which commands are understood, and which of them run. */
import assert from 'node:assert/strict';
import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { Host } from '../../../../../agent/host/host.ts';
import { sysctlDeeds } from '../../../../../agent/resources/sysctl/boot/commands.ts';
import { laterSysctls } from '../../../../../agent/resources/sysctl/boot/later.ts';
import { hasScripts } from '../../../../../agent/resources/sysctl/boot/script-places.ts';
import { scratch } from '../../../../parts/scratch.ts';

const FORWARD = 'net/ipv4/ip_forward';

/** `path=value`, with a question mark if it is not sure. */
function deeds(t: TestContext, text: string, known = {}, files: Record<string, string> = {}): string[] {
  const host = new Host({ root: scratch(t, files) });
  return sysctlDeeds(host, text, known).map(({ path, value, unsure }) => `${path}=${value}${unsure ? '?' : ''}`);
}

test('sysctl commands: sysctl by its options, echo, tee and loops', (t) => {
  for (const [text, ...wanted] of [
    ['sysctl -w net.ipv4.ip_forward=0', `${FORWARD}=0`],
    ['/sbin/sysctl -q -e -w net/ipv4/ip_forward=0 || true', `${FORWARD}=0`],
    ['sysctl "net.ipv4.tcp_rmem=1 2 3" net.a.b=\'4\'', 'net/ipv4/tcp_rmem=1 2 3', 'net/a/b=4'],
    ['echo 0 > /proc/sys/net/ipv4/ip_forward', `${FORWARD}=0`],
    ["printf '0\\n' >/proc/sys/net/ipv4/ip_forward", `${FORWARD}=0`],
    ['echo 0 | tee /proc/sys/net/ipv4/ip_forward >/dev/null', `${FORWARD}=0?`],
    ['[ -e /x ] && sysctl -w net.ipv4.ip_forward=0', `${FORWARD}=0?`],
    ['if true; then\n  sysctl -w net.ipv4.ip_forward=0\nfi', `${FORWARD}=0?`],
    ['sysctl -w net.ipv4.conf.$IFACE.rp_filter=0', 'net/ipv4/conf/eth0/rp_filter=0'],
    ['sysctl -w net.ipv4.ip_forward=$FORWARD', `${FORWARD}=$FORWARD?`],
    ['sysctl -w net.ipv4.conf.${DEV}.rp_filter=0', 'net/ipv4/conf/*/rp_filter=0?'],
    ['for f in /proc/sys/net/ipv4/conf/*/rp_filter; do\n  echo 0 >$f\ndone', 'net/ipv4/conf/*/rp_filter=0?'],
    ['sysctl -p /etc/router.conf', `${FORWARD}=0`],
    ['sysctl --load=/etc/router.conf', `${FORWARD}=0`],
    ['sysctl -n net.ipv4.ip_forward; sysctl --system'],
    ['cat /proc/sys/net/ipv4/ip_forward'],
    ['# sysctl -w net.ipv4.ip_forward=0'],
  ] as const)
    assert.deepEqual(
      deeds(t, text, { IFACE: 'eth0' }, { 'etc/router.conf': 'net.ipv4.ip_forward = 0\n' }),
      wanted,
      text,
    );
});

/** `program: key=value at file:line`, with `may` where it depends on something. */
function later(t: TestContext, files: Record<string, string>, ...paths: string[]): string[] {
  const root = scratch(t, files);
  for (const name of Object.keys(files)) if (/rc\.local|up\.d\/|bin\//.test(name)) chmodSync(join(root, name), 0o755);
  return laterSysctls(new Host({ root }), paths.length === 0 ? [FORWARD] : paths).map(
    ({ path, value, file, line, program, maybe }) =>
      `${program}${maybe ? ' may' : ''}: ${path}=${value} at ${file}:${line}`,
  );
}

test('sysctl scripts: interfaces(5), for interfaces that come up at boot', (t) => {
  const files = {
    'etc/network/interfaces': [
      'auto lo eth0',
      'source interfaces.d/*',
      'iface eth0 inet dhcp',
      '    post-up sysctl -w net.ipv4.ip_forward=0',
      '    up echo 2 > \\',
      '      /proc/sys/net/ipv4/conf/$IFACE/rp_filter',
      '    pre-down sysctl -w net.ipv4.ip_forward=1',
      'iface eth1 inet dhcp',
      '    up sysctl -w net.ipv4.ip_forward=1',
      '    up /usr/local/bin/router',
    ].join('\n'),
    'etc/network/interfaces.d/vlan':
      'allow-hotplug eth2\niface eth2 inet manual\n  pre-up sysctl -p /etc/router.conf\n',
    'etc/router.conf': '# router\nnet.core.somaxconn = 5\n',
  };
  assert.deepEqual(later(t, files), [
    'ifupdown: net/core/somaxconn=5 at /etc/network/interfaces.d/vlan:3',
    `ifupdown: ${FORWARD}=0 at /etc/network/interfaces:4`,
    'ifupdown: net/ipv4/conf/eth0/rp_filter=2 at /etc/network/interfaces:5',
  ]);
});

test('sysctl scripts: a script that is called, and those of if-up.d, may set what they set', (t) => {
  const script = '#!/bin/sh\n[ "$IFACE" = eth0 ] || exit 0\nsysctl -w net.ipv4.conf.$IFACE.rp_filter=0\n';
  const files = {
    'etc/network/interfaces': 'auto eth0\niface eth0 inet dhcp\n up /usr/local/bin/router now\n',
    'usr/local/bin/router': '#!/bin/bash\nsysctl -w net.ipv4.ip_forward=0\n',
    'etc/network/if-up.d/filter': script,
    'etc/network/if-up.d/filter.dpkg-old': script,
  };
  assert.deepEqual(later(t, files), [
    `ifupdown may: ${FORWARD}=0 at /usr/local/bin/router:2`,
    'ifupdown may: net/ipv4/conf/eth0/rp_filter=0 at /etc/network/if-up.d/filter:3',
  ]);
});

test('sysctl scripts: rc.local where it is executable, and services of the host that are enabled', (t) => {
  const rc = '#!/bin/sh -e\nsysctl -w net.ipv4.ip_forward=0\nexit 0\n';
  assert.deepEqual(later(t, { 'etc/rc.local': rc }), [`/etc/rc.local: ${FORWARD}=0 at /etc/rc.local:2`]);
  const unit = `[Service]\nExecStartPre=-/sbin/sysctl -w net.ipv4.ip_forward=0\nExecStart=/bin/sh -c 'echo 0 > /proc/sys/net/core/somaxconn'\nExecStop=/sbin/sysctl -w net.a.b=1\n`;
  const files = { 'etc/systemd/system/router.service': unit };
  assert.deepEqual(later(t, files), [], 'nothing starts it');
  const enabled = { ...files, 'etc/systemd/system/multi-user.target.wants/router.service': '' };
  assert.deepEqual(later(t, enabled), [
    `router.service: ${FORWARD}=0 at /etc/systemd/system/router.service:2`,
    'router.service: net/core/somaxconn=0 at /etc/systemd/system/router.service:3',
  ]);
  const dropIn = {
    'etc/systemd/system/nginx.service.d/x.conf': '[Service]\nExecStartPre=sysctl net.ipv4.ip_forward=0\n',
    'lib/systemd/system/multi-user.target.wants/nginx.service': '',
  };
  assert.deepEqual(later(t, dropIn), [`nginx.service: ${FORWARD}=0 at /etc/systemd/system/nginx.service.d/x.conf:2`]);
  assert.ok(!hasScripts(new Host({ root: scratch(t, { 'etc/systemd/system/x.target': '' }) })));
});

test('sysctl scripts: a pattern stands for the configured keys that it fits', (t) => {
  const files = { 'etc/rc.local': '#!/bin/sh\nfor f in /proc/sys/net/ipv4/conf/*/rp_filter; do\n echo 2 >$f\ndone\n' };
  assert.deepEqual(later(t, files, 'net/ipv4/conf/eth0/rp_filter', FORWARD), [
    '/etc/rc.local may: net/ipv4/conf/eth0/rp_filter=2 at /etc/rc.local:3',
  ]);
});
