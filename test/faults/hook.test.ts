/** The enter hook, or a program that it starts, is killed at every system call that writes: resolv.conf stays whole. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { renderEnterHook } from '../../agent/clients/dhclient/hooks/hook-texts.ts';
import type { DesiredDns } from '../../agent/config/desired.ts';
import { composeResolvConf } from '../../agent/resolver/resolv-conf.ts';
import { accepted } from '../parts/accepted.ts';
import { WHOLE } from '../parts/desired.ts';
import { fill, missing, noNamespaces, privately, scratch } from '../parts/scratch.ts';
import { SHELL_NAMES, SHELLS } from '../parts/shells.ts';
import { forEachCall, WRITING } from './scene.ts';

const OLD = '# by hand\nnameserver 9.9.9.9\n';
const NEW = composeResolvConf(OLD, WHOLE.dns!);

/** The shell itself only starts programs and waits for them. Those programs write. */
const VICTIMS: Record<string, ['' | '-f', readonly string[]]> = {
  'the script': ['', ['clone', 'clone3', 'fork', 'vfork', 'wait4']],
  'what it starts': ['-f', WRITING],
};

for (const shell of SHELL_NAMES) {
  for (const [who, [follow, calls]] of Object.entries(VICTIMS)) {
    const skip = noNamespaces(shell) || missing('strace');
    test(`hook, ${shell}: resolv.conf stays whole if ${who} is killed at any system call`, { skip }, async (t) => {
      const hits = await forEachCall(calls, async (call, n) => {
        const folder = scratch(t, {
          hook: renderEnterHook(WHOLE),
          old: OLD,
          event: 'reason=RENEW interface=eth0\n. ./hook\nmake_resolv_conf\n: >done\n',
        });
        const strace = `strace ${follow} -qqq -o trace -e trace=?${call} -e inject=?${call}:signal=KILL:when=${n}`;
        privately(`cd ${folder}; mount -t tmpfs none /etc; cp old /etc/resolv.conf
          ${strace} ${SHELLS[shell]} ./event; cp /etc/resolv.conf after
          ${SHELLS[shell]} ./event; cp /etc/resolv.conf next; ls -A /etc >names`);
        const said = (name: string) => readFileSync(join(folder, name), 'utf8');
        const what = `killed at ${call} ${n}`;
        assert.ok([OLD, NEW].includes(said('after')), `${what}: ${said('after')}`);
        assert.equal(said('next'), NEW, what);
        // The next event of the same dhclient would take the temporary; this one had another parent.
        assert.match(said('names'), /^(\.resolv\.conf\.holdfast\.\d+\n)?resolv\.conf\n$/, what);
        return existsSync(join(folder, 'trace')) && said('trace').includes('killed by SIGKILL') ? 'hit' : 'missed';
      });
      t.diagnostic(`killed at each of ${hits} system calls`);
      assert.ok(hits > 0);
    });
  }

  test(`${shell}: several dhclients at once, each with another answer: resolv.conf is always one of them, whole`, {
    skip: noNamespaces(shell),
  }, (t) => {
    const dns: DesiredDns = {
      ...WHOLE.dns!,
      nameservers: accepted(['10.0.0.1']),
      search: null,
      domain: 'x'.repeat(60),
    };
    const folder = scratch(t, {
      a: renderEnterHook(WHOLE),
      b: renderEnterHook({ ...WHOLE, dns }),
      client: `reason=RENEW interface=eth0; for n in ${'x '.repeat(40)}; do . "./$1"; make_resolv_conf; done\n`,
    });
    fill(folder, { 'wanted-a': composeResolvConf('', WHOLE.dns!), 'wanted-b': composeResolvConf('', dns) });
    const { stdout, stderr } = privately(`cd ${folder}; mount -t tmpfs none /etc; cp wanted-a /etc/resolv.conf
      for hook in a b a b; do sh -c '${SHELLS[shell]} ./client $0; :' $hook & clients="$clients $!"; done
      (seen=0; while [ ! -e done ]; do
        cat /etc/resolv.conf >seen; seen=$((seen + 1))
        cmp -s seen wanted-a || cmp -s seen wanted-b || cp seen bad
      done; echo $seen) & watcher=$!
      wait $clients; : >done; wait $watcher; ls -A /etc; [ ! -e bad ] || { echo bad:; cat bad; }`);
    assert.equal(stderr, '');
    assert.match(stdout, /^[1-9]\d*\nresolv\.conf\n$/);
  });
}
