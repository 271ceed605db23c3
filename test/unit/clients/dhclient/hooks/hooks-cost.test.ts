/** What the hooks do to the host beside setting variables: the processes they start, the files they write, the address. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { renderEnterHook, renderExitHook } from '../../../../../agent/clients/dhclient/hooks/hook-texts.ts';
import { WHOLE, WHOLE_LINES } from '../../../../parts/desired.ts';
import { missing, noNamespaces, privately, scratch } from '../../../../parts/scratch.ts';
import { SHELL_NAMES, SHELLS } from '../../../../parts/shells.ts';

/** What a shell starts while it sources both hooks and calls make_resolv_conf: programs, and copies of itself. */
function started(t: TestContext, shell: string, prepare: string): string[] {
  const folder = scratch(t, {
    enter: renderEnterHook(WHOLE),
    exit: renderExitHook(WHOLE),
    wanted: WHOLE_LINES,
    driver: 'reason=RENEW interface=eth0\n. ./enter\nmake_resolv_conf\n. ./exit\n',
  });
  const trace = `strace -f -qq -e trace=execve,clone,clone3,fork,vfork -e signal=none -o ${folder}/trace`;
  const setUp = 'mount -t tmpfs none /etc; mount -t tmpfs none /run; mkdir /run/holdfast';
  const { status, stderr } = privately(`cd ${folder}; ${setUp}; ${prepare}; exec ${trace} ${shell} ./driver`);
  assert.deepEqual([status, stderr], [0, '']);
  const trail = execFileSync('cat', [join(folder, 'trace')], { encoding: 'utf8' });
  const calls = trail.split('\n').filter((line) => line !== '' && !/resumed>|= -1 /.test(line));
  return calls.slice(1).map((line) => /execve\("(?:[^"]*\/)?([^"/]+)"/.exec(line)?.[1] ?? 'fork');
}

for (const shell of SHELL_NAMES) {
  const skip = noNamespaces(shell, 'strace');

  test(`hooks, ${shell}: without a change they start no process`, { skip }, (t) => {
    assert.deepEqual(started(t, SHELLS[shell], 'cp wanted /etc/resolv.conf'), []);
  });

  test(`hooks, ${shell}: a change starts a copy of the shell and four small programs`, { skip }, (t) => {
    const all = started(t, SHELLS[shell], "echo '# old' >/etc/resolv.conf");
    assert.deepEqual(
      all.filter((program) => program !== 'fork'),
      ['cp', 'sync', 'mv', 'rm'],
    );
    assert.equal(all.filter((program) => program === 'fork').length, 5);
  });

  test(`hooks, ${shell}: a failed write keeps the old file, and leaves no temporary file`, { skip }, (t) => {
    const folder = scratch(t, {
      enter: renderEnterHook(WHOLE),
      exit: renderExitHook(WHOLE),
      old: '# old\n',
      wanted: `# old\n${WHOLE_LINES}`,
    });
    const run = `echo "\${PWD##*/}"; reason=RENEW interface=eth0; . ./enter; make_resolv_conf; . ./exit
      ls -A /etc; cmp -s ./$1 /etc/resolv.conf && echo $1 || echo "not $1"`;
    const sh = `${SHELLS[shell]} -euc '${run}' sh`;
    const places = {
      'a full disk': 'mount -t tmpfs -o size=8k none /etc; cp old /etc/resolv.conf; cp /bin/true /etc/fill 2>/dev/null',
      'no room for a file': 'mount -t tmpfs -o nr_inodes=2 none /etc; cp old /etc/resolv.conf',
      'read-only': 'mount -t tmpfs none /etc; cp old /etc/resolv.conf; mount -o remount,ro /etc',
      'a read-only mount point':
        'mount -t tmpfs none /etc; cp old /run/f; : >/etc/resolv.conf; mount --bind /run/f /etc/resolv.conf; mount -o remount,bind,ro /etc/resolv.conf',
      'no /run':
        'mount -t tmpfs none /etc; cp old /etc/resolv.conf; mount -o remount,ro /run; chattr +i /etc/resolv.conf 2>/dev/null',
    };
    for (const [place, prepare] of Object.entries(places)) {
      const found = privately(`cd ${folder}; mount -t tmpfs none /run; ${prepare}; exec ${sh} old`);
      const files = found.stdout.trimEnd().split('\n').slice(1);
      const expected = place === 'a full disk' ? ['fill', 'resolv.conf', 'old'] : ['resolv.conf', 'old'];
      if (place === 'no /run' && files.at(-1) === 'not old') continue; // this file system has no immutable files
      assert.deepEqual([found.status, found.stderr, files], [0, '', expected], place);
    }
    // The hook writes the file in place if it cannot rename over it.
    const bound = 'mount -t tmpfs none /etc; cp old /run/f; : >/etc/resolv.conf; mount --bind /run/f /etc/resolv.conf';
    const found = privately(`cd ${folder}; mount -t tmpfs none /run; ${bound}; exec ${sh} wanted`);
    assert.deepEqual([found.status, found.stdout.trimEnd().split('\n').slice(1)], [0, ['resolv.conf', 'wanted']]);
  });

  test(`hooks, ${shell}: the old file stays if the new one vanishes before the rename`, { skip }, (t) => {
    const folder = scratch(t, { hook: renderEnterHook(WHOLE), 'bin/mv': '#!/bin/sh\nrm -f -- "$3"\nexit 1\n' });
    const { stdout } = privately(`
      cd ${folder}; chmod 755 bin/mv; mount -t tmpfs none /etc; echo old >/etc/resolv.conf
      PATH=${folder}/bin:$PATH ${SHELLS[shell]} -c 'reason=BOUND; . ./hook; make_resolv_conf'; cat /etc/resolv.conf; ls -A /etc`);
    assert.equal(stdout, 'old\nresolv.conf\n');
  });

  test(`hooks, ${shell}: the new file has the old one's mode, owner and attributes`, {
    skip: skip || missing('setfattr'),
  }, (t) => {
    const folder = scratch(t, { enter: renderEnterHook(WHOLE) });
    const { stdout, stderr } = privately(`
      mount -t tmpfs none /etc; mount -t tmpfs none /run; umask 077; cd ${folder}
      ${SHELLS[shell]} -c 'reason=BOUND; . ./enter; make_resolv_conf'; stat -c '%a %u %g' /etc/resolv.conf
      echo old >/etc/resolv.conf; chown 12:34 /etc/resolv.conf; chmod 640 /etc/resolv.conf
      setfattr -n trusted.holdfast -v label /etc/resolv.conf
      ${SHELLS[shell]} -c 'reason=BOUND; . ./enter; make_resolv_conf'; stat -c '%a %u %g' /etc/resolv.conf
      getfattr --absolute-names --only-values -n trusted.holdfast /etc/resolv.conf`);
    assert.deepEqual([stdout, stderr], ['644 0 0\n640 12 34\nlabel', '']);
  });

  test(`hooks, ${shell}: on REBOOT a present address lives as long as the new lease`, {
    skip: skip || missing('ip'),
  }, (t) => {
    const folder = scratch(t, { enter: renderEnterHook(WHOLE) });
    const lease = (values: string, neighbour = ':') =>
      `${SHELLS[shell]} -euc 'reason=REBOOT interface=eth0 ${values}; ${neighbour}; . ./enter'; ip -o -4 addr show dev eth0`;
    const address = 'new_ip_address=10.9.0.5 new_subnet_mask=255.255.255.0';
    const good = `${address} new_broadcast_address=10.9.0.255`;
    const refreshed = [
      `${good} new_dhcp_lease_time=7200`,
      `${good} new_dhcp_lease_time="x y"`,
      `${good} new_dhcp_lease_time=`,
      `new_ip_address="-family" new_subnet_mask=1 new_dhcp_lease_time=5`,
    ].map((values) => lease(values));
    // Each word is one word, whatever a neighbour's IFS is.
    const odd = [':', '', 'broadcast', '0123456789./', 'e'].map((ifs, n) =>
      lease(`${good} new_dhcp_lease_time=${7300 + n}`, `IFS="${ifs}"`),
    );
    const { stdout, stderr } = privately(`
      cd ${folder}; mount -t tmpfs none /etc; ip link add eth0 type veth peer name srv0; ip link set eth0 up
      ip addr add 10.9.0.5/24 broadcast 10.9.0.255 dev eth0 label eth0 valid_lft 60 preferred_lft 60
      ${[...refreshed, ...odd, lease(`${address} new_dhcp_lease_time=7400`, 'IFS=:')].join('\n')}`);
    assert.equal(stderr, '');
    const lifetimes = stdout
      .trimEnd()
      .split('\n')
      .map((line) => Number(/inet 10\.9\.0\.5\/24 brd 10\.9\.0\.255 .*valid_lft (\d+)sec/.exec(line)?.[1]));
    const expected = [7200, 7200, 7200, 7200, 7300, 7301, 7302, 7303, 7304, 7400];
    assert.equal(lifetimes.length, expected.length, stdout);
    for (const [n, seconds] of expected.entries()) {
      assert.ok(Math.abs(lifetimes[n]! - seconds) <= 5, `${n}: ${lifetimes[n]} s, expected ${seconds}`);
    }
  });

  test(`hooks, ${shell}: on REBOOT a missing address is left to the script`, {
    skip: skip || missing('ip'),
  }, (t) => {
    const folder = scratch(t, { enter: renderEnterHook(WHOLE) });
    const { stdout, stderr } = privately(`
      cd ${folder}; mount -t tmpfs none /etc; ip link add eth0 type veth peer name srv0; ip link set eth0 up
      lease() {
        ${SHELLS[shell]} -euc 'reason=REBOOT interface=eth0 new_ip_address=10.9.0.5 new_subnet_mask=255.255.255.0
          new_broadcast_address=10.9.0.255 new_dhcp_lease_time=7200; . ./enter'
        ip -o -4 addr show dev eth0 | sed 's/.* inet \\([^ ]*\\).*/\\1/'
      }
      lease; echo; ip addr add 10.9.0.55/24 dev eth0; ip addr add 110.9.0.5/24 dev eth0; lease
      # With another mask it keeps that one.
      ip addr flush dev eth0; ip addr add 10.9.0.5/16 dev eth0 valid_lft 60 preferred_lft 60; lease`);
    assert.deepEqual([stdout, stderr], ['\n10.9.0.55/24\n110.9.0.5/24\n10.9.0.5/16\n', '']);
  });

  test(`hooks, ${shell}: the cost of a long resolv.conf is in proportion to its lines`, { skip }, (t) => {
    const comments = (count: number) => '# a line of a file that something appends to\n'.repeat(count);
    // The trace shows each step with its values: copying a growing text at each line would make it grow with the square.
    const traced = (count: number) => {
      const folder = scratch(t, { enter: renderEnterHook(WHOLE), old: comments(count) });
      const { status, stdout } = privately(`cd ${folder}; mount -t tmpfs none /etc; cp old /etc/resolv.conf
        ${SHELLS[shell]} -xc 'reason=RENEW interface=eth0; . ./enter; make_resolv_conf' 2>trace; cat /etc/resolv.conf`);
      assert.deepEqual([status, stdout], [0, comments(count) + WHOLE_LINES]);
      return statSync(join(folder, 'trace')).size;
    };
    const [short, long] = [traced(1_000), traced(4_000)];
    assert.ok(long < 6 * short, `${short} bytes of trace for 1,000 lines, ${long} for 4,000`);
  });

  test(`hooks, ${shell}: they do not wait for a resolv.conf that is a file of /proc`, { skip }, (t) => {
    for (const symlink of ['replace', 'follow'] as const) {
      const folder = scratch(t, { enter: renderEnterHook({ ...WHOLE, dns: { ...WHOLE.dns!, symlink } }) });
      const { status, stdout } = privately(`cd ${folder}; mount -t tmpfs none /etc; ln -s /proc/kmsg /etc/resolv.conf
        timeout -s KILL 10 ${SHELLS[shell]} -c 'reason=RENEW interface=eth0; . ./enter; make_resolv_conf'; echo $?
        [ -L /etc/resolv.conf ] && echo link || cat /etc/resolv.conf`);
      assert.deepEqual([status, stdout], [0, symlink === 'follow' ? '0\nlink\n' : `0\n${WHOLE_LINES}`]);
    }
  });
}

const CHECKERS = {
  'dash -n': ['dash', '-n'],
  'bash -n': ['bash', '-n'],
  'bash --posix -n': ['bash', '--posix', '-n'],
  'busybox sh -n': ['busybox', 'sh', '-n'],
  // Why not: sourced, so `reason`, `interface`, new_* come from and go to others (2034, 2154); `local` is in every sh that
  // is meant (3043); /run is there always, so -p makes one folder at most (2174).
  shellcheck: ['shellcheck', '--shell=sh', '--severity=style', '--exclude=2034,2154,2174,3043', '-'],
};

for (const [name, [program, ...flags]] of Object.entries(CHECKERS)) {
  test(`hooks: they pass ${name}`, { skip: missing(program!) }, () => {
    const dns = WHOLE.dns!;
    const partial = { ...dns, search: null, domain: null, nameservers: null };
    const states = (['refuse', 'replace', 'follow'] as const).flatMap((symlink) =>
      [dns, partial].map((all) => ({ ...all, symlink })),
    );
    const hooks = [
      ...states.map((state) => renderEnterHook({ ...WHOLE, dns: state })),
      renderEnterHook({ ...WHOLE, dns: null }),
      renderExitHook(WHOLE),
    ];
    for (const hook of hooks) {
      const { status, stdout, stderr } = spawnSync(program!, flags, { input: hook, encoding: 'utf8' });
      assert.deepEqual([status, stdout, stderr], [0, '', ''], hook);
    }
  });
}
