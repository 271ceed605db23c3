/** Files of sysctl.d are read in the order and the notation of systemd-sysctl. */
import assert from 'node:assert/strict';
import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { sysctlKey, sysctlPath } from '../../../../../agent/config/notation/sysctl-keys.ts';
import { Host } from '../../../../../agent/host/host.ts';
import { parseSysctls, persistedSysctls } from '../../../../../agent/resources/sysctl/boot/sysctl-files.ts';
import { scratch } from '../../../../parts/scratch.ts';

test('sysctl.d: assignments are read as systemd-sysctl reads them', () => {
  const text = [
    '# net.ipv4.a = 1',
    '; net.ipv4.b = 1',
    '  ; net.ipv4.b = 1',
    '',
    'net.ipv4.c = 1',
    '  net/ipv4/d=2  ',
    '-net.ipv4.e = 3',
    '- net.ipv4.f = 3',
    'net.ipv4.tcp_rmem = 4096\t131072 6291456',
    'kernel.core_pattern = |/bin/x -a=%p # kept',
    'no assignment',
    '= 1',
    'net.ipv4.g =',
    'net.ipv4.conf.eth0/100.rp_filter = 1',
    'net/ipv4/conf/eth0.100/rp_filter = 0\r',
    '/net/ipv4/h=1',
    '.net..ipv4.i.=1',
  ].join('\n');
  assert.deepEqual(
    parseSysctls('/f', text).map(({ line, path, value }) => [line, path, value]),
    [
      [5, 'net/ipv4/c', '1'],
      [6, 'net/ipv4/d', '2'],
      [7, 'net/ipv4/e', '3'],
      [8, 'net/ipv4/f', '3'],
      [9, 'net/ipv4/tcp_rmem', '4096\t131072 6291456'],
      [10, 'kernel/core_pattern', '|/bin/x -a=%p # kept'],
      [13, 'net/ipv4/g', ''],
      [14, 'net/ipv4/conf/eth0.100/rp_filter', '1'],
      [15, 'net/ipv4/conf/eth0.100/rp_filter', '0'],
      [16, 'net/ipv4/h', '1'],
      [17, 'net/ipv4/i', '1'],
    ],
  );
});

test('sysctl.d: the first separator of a key decides its notation', () => {
  for (const [key, path, shown] of [
    ['net.ipv4.ip_forward', 'net/ipv4/ip_forward', 'net.ipv4.ip_forward'],
    ['net/ipv4/ip_forward', 'net/ipv4/ip_forward', 'net.ipv4.ip_forward'],
    ['net.ipv4.conf.eth0/100.rp_filter', 'net/ipv4/conf/eth0.100/rp_filter', 'net/ipv4/conf/eth0.100/rp_filter'],
    ['net/ipv4/conf/eth0.100/rp_filter', 'net/ipv4/conf/eth0.100/rp_filter', 'net/ipv4/conf/eth0.100/rp_filter'],
  ] as const) {
    assert.equal(sysctlPath(key), path);
    assert.equal(sysctlKey(path), shown);
    assert.equal(sysctlPath(shown), path, 'what is shown is read back');
  }
});

test('sysctl.d: all folders together in the order of names; of one name the first folder counts', (t) => {
  const root = scratch(t, {
    'etc/sysctl.d/60-b.conf': 'net.x = etc\n',
    'run/sysctl.d/60-b.conf': 'net.x = masked\n',
    'usr/lib/sysctl.d/60-b.conf': 'net.x = masked\n',
    'usr/lib/sysctl.d/99-z.conf': 'net.x = last\n',
    'run/sysctl.d/10-a.conf': 'net.x = first\n',
    'usr/local/lib/sysctl.d/70-c.conf': 'net.x = middle\n',
    'usr/lib/sysctl.d/50-off.conf': 'net.x = masked by nothing at all\n',
    'etc/sysctl.d/README': 'net.x = no\n',
    'etc/sysctl.d/.60-holdfast.conf.holdfast': 'net.x = no\n',
    'etc/sysctl.conf': 'net.x = linked\n',
  });
  symlinkSync('/dev/null', join(root, 'etc/sysctl.d/50-off.conf'));
  symlinkSync('../sysctl.conf', join(root, 'etc/sysctl.d/99-sysctl.conf'));
  assert.deepEqual(
    persistedSysctls(new Host({ root })).map(({ file, value }) => `${file} ${value}`),
    [
      '/run/sysctl.d/10-a.conf first',
      '/etc/sysctl.d/60-b.conf etc',
      '/usr/local/lib/sysctl.d/70-c.conf middle',
      '/etc/sysctl.d/99-sysctl.conf linked',
      '/usr/lib/sysctl.d/99-z.conf last',
    ],
  );
});
