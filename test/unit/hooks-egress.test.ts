/** The enter hook's part in `egress`, in every shell: behind BGP's, not at all while that one is there, never lost. */
import assert from 'node:assert/strict';
import { chmodSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { DesiredEgress } from '../../agent/config/desired.ts';
import { renderEnterHook } from '../../agent/dhclient/hooks.ts';
import { desired } from './desired.ts';
import { noNamespaces, privately, scratch } from './scratch.ts';
import { SHELL_NAMES, SHELLS, type ShellName } from './shells.ts';

const BIRD =
  'default proto bird metric 32\n\tnexthop via 10.88.0.1 dev eth0 weight 1\n\tnexthop via 10.88.1.1 dev eth1 weight 1';

interface Case {
  readonly egress?: DesiredEgress;
  readonly reason: string;
  readonly oldAddress?: string;
  /** What /run/holdfast/egress says. */
  readonly word?: string;
  /** What the kernel says of 198.18.0.0. */
  readonly route?: string;
  readonly neighbour?: string;
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
  } = options;
  const folder = scratch(t, {
    enter: renderEnterHook(desired({ egress })),
    ip: `#!/bin/sh\necho "$*" >>${'$'}{0%/*}/asked\n[ "$3" = get ] && cat "${'$'}{0%/*}/route"\n`,
    route,
    asked: '',
    word: word ?? '',
    driver: `export PATH="$FOLDER:$PATH" new_routers=10.77.2.1 new_ip_address=10.77.2.100 old_ip_address=${oldAddress}
reason=${reason} interface=eth0 word=theirs
${neighbour}
. "$FOLDER/enter"
printf '%s\\n' "\${IF_METRIC-unset}" "$new_routers" "\${holdfast_word-unset}" "$word" >|"$FOLDER/said"
`,
  });
  chmodSync(join(folder, 'ip'), 0o755);
  const mark = word === undefined ? ':' : 'mkdir /run/holdfast; cp "$FOLDER/word" /run/holdfast/egress';
  const setUp = `export FOLDER=${folder}; mount -t tmpfs none /run; ${mark}`;
  const { status, stderr } = privately(`${setUp}; exec ${SHELLS[shell]} ${folder}/driver`);
  assert.deepEqual([status, stderr], [0, ''], JSON.stringify(options));
  const [metric, routers, left, theirs] = readFileSync(join(folder, 'said'), 'utf8').split('\n');
  assert.deepEqual([left, theirs], ['unset', 'theirs']);
  const asked = readFileSync(join(folder, 'asked'), 'utf8').includes('route get fibmatch');
  return { metric, routers, asked };
}

const BEHIND = { metric: '4261412864', routers: '10.77.2.1' };
const NOT_AT_ALL = { metric: '4261412864', routers: '', asked: true };

for (const shell of SHELL_NAMES) {
  test(`${shell}: the server's default route comes behind BGP's, or not at all`, { skip: noNamespaces(shell) }, (t) => {
    const neighbours = [':', 'set -eufCa; IFS=e/.; umask 0777', 'IF_METRIC=5', "readonly old=1; IFS=''"];
    for (const neighbour of neighbours) {
      const see = (options: Case) => run(t, shell, { ...options, neighbour });
      for (const reason of ['BOUND', 'REBOOT', 'TIMEOUT']) {
        assert.deepEqual(see({ reason }), { ...BEHIND, asked: false });
        assert.deepEqual(see({ reason, word: 'behind\n', route: BIRD }), { ...BEHIND, asked: false });
        assert.deepEqual(see({ reason, word: 'dropped\n', route: BIRD }), NOT_AT_ALL);
      }
      // Dropped, and the other gone since, or never there: the host must not be without.
      for (const route of ['', 'default via 10.77.3.1 dev eth3 proto dhcp', '198.18.0.0/15 dev lo proto bird']) {
        assert.deepEqual(see({ reason: 'BOUND', word: 'dropped\n', route }), { ...BEHIND, asked: true });
      }
    }
    for (const route of ['default nhid 15 proto bgp metric 20 ', 'default via 1.2.3.4 dev e proto 186 metric 20']) {
      assert.deepEqual(run(t, shell, { reason: 'BOUND', word: 'dropped\n', route }), NOT_AT_ALL);
    }
    // Only where dhclient-script adds routes is anything asked.
    const renew = { reason: 'RENEW', word: 'dropped\n', route: BIRD };
    assert.equal(run(t, shell, { ...renew, oldAddress: '10.77.2.100' }).asked, false);
    assert.deepEqual(run(t, shell, { ...renew, oldAddress: '10.77.2.99' }), NOT_AT_ALL);
    const kept = { ...renew, reason: 'BOUND', egress: { default: 'bgp', dhcp: 'behind' } } as const;
    assert.deepEqual(run(t, shell, kept), { ...BEHIND, asked: false });
    for (const word of ['', '$(touch /run/x)\n', '*\n', 'dropped later\n', '\\\n']) {
      assert.deepEqual(run(t, shell, { reason: 'BOUND', word, route: BIRD }), { ...BEHIND, asked: false });
    }
  });
}
