/** The enter hook's part in `egress`, in every shell: behind BGP's, not at all while that one is there, never lost. */
import assert from 'node:assert/strict';
import { chmodSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { renderEnterHook } from '../../../../../agent/clients/dhclient/hooks/hook-texts.ts';
import type { DesiredEgress, IgnoredOffer } from '../../../../../agent/config/desired.ts';
import { desired, scope } from '../../../../parts/desired.ts';
import { noNamespaces, privately, scratch } from '../../../../parts/scratch.ts';
import { SHELL_NAMES, SHELLS, type ShellName } from '../../../../parts/shells.ts';

const BIRD =
  'default proto bird metric 32\n\tnexthop via 10.88.0.1 dev eth0 weight 1\n\tnexthop via 10.88.1.1 dev eth1 weight 1';

interface Case {
  readonly egress?: DesiredEgress;
  readonly reason: string;
  readonly oldAddress?: string;
  /** The text of /run/holdfast/egress. */
  readonly word?: string;
  /** The kernel's route to 198.18.0.0. */
  readonly route?: string;
  readonly neighbour?: string;
  /** Shell text before the hook: what else the server sent. */
  readonly sent?: string;
  readonly ignore?: readonly IgnoredOffer[];
}

/** IF_METRIC and new_routers as dhclient-script then finds them, and what else the hook left; `asked`: whether `ip` was started. */
function run(t: TestContext, shell: ShellName, options: Case) {
  const {
    egress = { default: 'bgp', dhcp: 'drop' },
    reason,
    oldAddress = '',
    word,
    route = '',
    neighbour = ':',
    sent = ':',
    ignore = [],
  } = options;
  const folder = scratch(t, {
    enter: renderEnterHook(desired({ egress, dhclient: { global: { ...scope(), ignore }, interfaces: new Map() } })),
    ip: `#!/bin/sh\necho "$*" >>${'$'}{0%/*}/asked\ncase "$3" in get) cat "${'$'}{0%/*}/route" ;; *) [ "$6" != 10.77.2.66 ] ;; esac\n`,
    route,
    asked: '',
    word: word ?? '',
    driver: `export PATH="$FOLDER:$PATH" new_routers=10.77.2.1 new_ip_address=10.77.2.100 old_ip_address=${oldAddress}
reason=${reason} interface=eth0 word=theirs
${sent}
${neighbour}
. "$FOLDER/enter"
printf '%s\\n' "\${IF_METRIC-unset}" "$new_routers" "\${holdfast_word-unset}\${holdfast_default-}" "$word" >|"$FOLDER/said"
cat /run/holdfast/egress >|"$FOLDER/word" 2>/dev/null || :
`,
  });
  chmodSync(join(folder, 'ip'), 0o755);
  const mark = word === undefined ? ':' : 'mkdir /run/holdfast; cp "$FOLDER/word" /run/holdfast/egress';
  const setUp = `export FOLDER=${folder}; mount -t tmpfs none /run; ${mark}`;
  const { status, stderr } = privately(`${setUp}; exec ${SHELLS[shell]} ${folder}/driver`);
  assert.deepEqual([status, stderr], [0, ''], JSON.stringify(options));
  const [metric, routers, left, theirs] = readFileSync(join(folder, 'said'), 'utf8').split('\n');
  assert.deepEqual([left, theirs], ['unset', 'theirs']);
  const lines = readFileSync(join(folder, 'asked'), 'utf8').split('\n');
  const asked = lines.some((line) => line.includes('route get fibmatch'));
  const added = lines.filter((line) => line.includes(' add '));
  return { metric, routers, asked, added, word: readFileSync(join(folder, 'word'), 'utf8') };
}

/** What dhclient-script finds in this case. */
function see(t: TestContext, shell: ShellName, options: Case) {
  const { metric, routers, asked } = run(t, shell, options);
  return { metric, routers, asked };
}

const BEHIND = { metric: '4261412864', routers: '10.77.2.1' };
const NOT_AT_ALL = { metric: '4261412864', routers: '', asked: true };

for (const shell of SHELL_NAMES) {
  test(`hooks, ${shell}: the server's default route goes behind BGP's, or is left out`, {
    skip: noNamespaces(shell),
  }, (t) => {
    const neighbours = [':', 'set -eufCa; IFS=e/.; umask 0777', 'IF_METRIC=5', "readonly old=1; IFS=''"];
    for (const neighbour of neighbours) {
      const seen = (options: Case) => see(t, shell, { ...options, neighbour });
      for (const reason of ['BOUND', 'REBOOT', 'TIMEOUT']) {
        assert.deepEqual(seen({ reason }), { ...BEHIND, asked: false });
        assert.deepEqual(seen({ reason, word: 'behind\n', route: BIRD }), { ...BEHIND, asked: false });
        assert.deepEqual(seen({ reason, word: 'dropped\n', route: BIRD }), NOT_AT_ALL);
      }
      // Dropped, and the other gone since, or never there: the host must not be without.
      for (const route of ['', 'default via 10.77.3.1 dev eth3 proto dhcp', '198.18.0.0/15 dev lo proto bird']) {
        assert.deepEqual(seen({ reason: 'BOUND', word: 'dropped\n', route }), { ...BEHIND, asked: true });
      }
    }
    for (const route of ['default nhid 15 proto bgp metric 20 ', 'default via 1.2.3.4 dev e proto 186 metric 20']) {
      assert.deepEqual(see(t, shell, { reason: 'BOUND', word: 'dropped\n', route }), NOT_AT_ALL);
    }
    const renew = { reason: 'RENEW', word: 'dropped\n', route: BIRD };
    assert.deepEqual(see(t, shell, { ...renew, oldAddress: '10.77.2.99' }), NOT_AT_ALL);
    const kept = { ...renew, reason: 'BOUND', egress: { default: 'bgp', dhcp: 'behind' } } as const;
    assert.deepEqual(see(t, shell, kept), { ...BEHIND, asked: false });
    for (const word of ['', '$(touch /run/x)\n', '*\n', 'dropped later\n', '\\\n']) {
      assert.deepEqual(see(t, shell, { reason: 'BOUND', word, route: BIRD }), { ...BEHIND, asked: false });
    }
  });

  test(`hooks, ${shell}: a renewal that makes no route restores the default route that a dead agent removed`, {
    skip: noNamespaces(shell),
  }, (t) => {
    const same = { reason: 'RENEW', oldAddress: '10.77.2.100', word: 'dropped\n' };
    const back = (via: string, metric = 4261412864) =>
      `-4 route add default via ${via} dev eth0 metric ${metric} proto dhcp`;
    for (const neighbour of [':', 'set -eufCa; IFS=e/.; umask 0777', 'IFS=:; metric=1; readonly router=1 n=2']) {
      const kept = run(t, shell, { ...same, route: BIRD, neighbour });
      assert.deepEqual(kept, { metric: 'unset', routers: '10.77.2.1', asked: true, added: [], word: 'dropped\n' });
      for (const reason of ['RENEW', 'REBIND']) {
        const given = run(t, shell, { ...same, reason, route: '', neighbour });
        assert.deepEqual(given, { ...kept, added: [back('10.77.2.1')], word: 'behind\n' });
      }
    }
    const added = (sent: string, more: Partial<Case> = {}) => run(t, shell, { ...same, sent, ...more }).added;
    assert.deepEqual(added('new_routers="10.77.2.1 10.77.2.2"'), [back('10.77.2.1'), back('10.77.2.2', 4261412865)]);
    // The first is refused by the kernel; the second has to do.
    assert.deepEqual(added('new_routers="10.77.2.66 10.77.2.2"'), [back('10.77.2.66'), back('10.77.2.2')]);
    const classless = (words: string) => `export new_rfc3442_classless_static_routes='${words}'`;
    assert.deepEqual(added(classless('24 10 1 2 10 0 0 2 0 10 77 2 9')), [back('10.77.2.9')]);
    assert.deepEqual(added(classless('0 10 77 2 9 8 10 10 0 0 1 32 1 2 3 4 5 6 7 8 0 10 77 2 8')), [
      back('10.77.2.9'),
      back('10.77.2.8', 4261412865),
    ]);
    for (const odd of ['24 10 1 2 10 0 0 2', '0 10', '33 1 2 3 4 5', '0 $(x) * 2 3', 'x', '*']) {
      assert.deepEqual(added(classless(odd)), [], odd);
    }
    assert.deepEqual(added("new_routers='; touch /run/x'"), []);
    assert.deepEqual(added(':', { ignore: ['routers'] }), []);
    // Nothing was taken away, or it is not to be.
    assert.equal(run(t, shell, { ...same, word: 'behind\n' }).asked, false);
    assert.equal(run(t, shell, { ...same, egress: { default: 'bgp', dhcp: 'behind' } }).asked, false);
  });
}
