/** The enter hook does in sh what composeResolvConf does: the same bytes, in every shell that may run it. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { renderEnterHook } from '../../../../../agent/clients/dhclient/hooks/hook-texts.ts';
import type { DesiredDns } from '../../../../../agent/config/desired.ts';
import { composeResolvConf } from '../../../../../agent/resolver/resolv-conf.ts';
import { desired, dns, WHOLE } from '../../../../parts/desired.ts';
import { dnsParts, resolvConf } from '../../../../parts/resolv-conf-cases.ts';
import { fill, noNamespaces, privately, scratch } from '../../../../parts/scratch.ts';
import { SHELL_NAMES, SHELLS, type ShellName } from '../../../../parts/shells.ts';

interface Case {
  readonly before: string;
  readonly parts: DesiredDns;
  /** Shell lines before the hook is sourced: the offer of the server. */
  readonly offer?: string;
}

/** Runs each case's hook in one shell, with an /etc of its own, and gives what resolv.conf then holds. */
function results(t: TestContext, shell: ShellName, cases: readonly Case[]): string[] {
  const folder = scratch(t);
  for (const [n, { before, parts, offer = '' }] of cases.entries()) {
    fill(folder, {
      [`${n}/before`]: before,
      [`${n}/hook`]: renderEnterHook(desired({ dns: parts })),
      [`${n}/offer`]: offer,
    });
  }
  fill(folder, { driver: DRIVER });
  const { status, stderr } = privately(`cd ${folder} && exec ${SHELLS[shell]} ./driver ${cases.length}`);
  assert.deepEqual({ status, stderr }, { status: 0, stderr: '' });
  return cases.map((_, n) => readFileSync(join(folder, `${n}/after`), 'latin1'));
}

const DRIVER = `
mount -t tmpfs none /etc
n=0
while [ $n -lt $1 ]; do
  cat $n/before >/etc/resolv.conf
  (reason=RENEW interface=eth0; . ./$n/offer; . ./$n/hook; make_resolv_conf) || { echo "case $n failed" >&2; exit 1; }
  cat /etc/resolv.conf >$n/after
  [ "$(ls -A /etc)" = resolv.conf ] || { echo "case $n left a temporary" >&2; exit 1; }
  n=$((n + 1))
done
`;

const WITHOUT_PROGRAMS = `
mount -t tmpfs none /etc
cat before >/etc/resolv.conf
(reason=RENEW interface=eth0 PATH=/nowhere; . ./hook; make_resolv_conf) || exit 1
cat /etc/resolv.conf >after
`;

for (const shell of SHELL_NAMES) {
  const skip = noNamespaces(shell);

  test(`hooks, ${shell}: the hook composes resolv.conf as the agent does, byte for byte`, { skip }, (t) => {
    const fresh = fc.record({ before: resolvConf, parts: dnsParts });
    const settled = fresh.map(({ before, parts }) => ({ before: composeResolvConf(before, parts), parts }));
    const unended = settled.map(({ before, parts }) => ({ before: before.replace(/\n$/, ''), parts }));
    const generated = fc.array(fc.oneof(fresh, settled, unended), { minLength: 1, maxLength: 120, size: 'max' });
    fc.assert(
      fc.property(generated, (cases) => {
        const expected = cases.map(({ before, parts }) => composeResolvConf(before, parts));
        assert.deepEqual(results(t, shell, cases), expected);
      }),
      { numRuns: 5 },
    );
  });

  test(`hooks, ${shell}: resolv.conf is right although no program is in PATH`, { skip }, (t) => {
    const parts = dns({ nameservers: ['10.0.0.1'] });
    const before = '# kept\nnameserver 9.9.9.9\noptions rotate\n';
    const folder = scratch(t, { before, hook: renderEnterHook(desired({ dns: parts })), driver: WITHOUT_PROGRAMS });
    const { status, stderr } = privately(`cd ${folder} && exec ${SHELLS[shell]} ./driver`);
    assert.deepEqual({ status, stderr }, { status: 0, stderr: '' });
    assert.equal(readFileSync(join(folder, 'after'), 'latin1'), composeResolvConf(before, parts));
  });

  test(`hooks, ${shell}: settings that are not configured come from the lease, without hostile values`, {
    skip,
  }, (t) => {
    const options = dns({ options: ['rotate'] });
    const search = dns({ search: ['ours.example'] });
    const servers = dns({ nameservers: ['10.0.0.1'] });
    const old = '# kept\nsearch old\nnameserver 9.9.9.9\n';
    const offer = `new_domain_name=lan new_domain_search='a.example. lan.' new_domain_name_servers='10.0.0.2 10.0.0.3'`;
    const six = `reason=BOUND6 new_dhcp6_domain_search='six.example.' new_dhcp6_name_servers='fe80::1 2001:db8::2'`;
    const hostile = `nl='
'
new_domain_name="x\${nl}nameserver 6.6.6.6" new_domain_search='$(touch /etc/x) \`id\`'
new_domain_name_servers="1.1.1.1\${nl}nameserver 10.0.0.4;options 10.0.0.5 * -n"`;
    const cases: [Case, string][] = [
      [
        { before: old, parts: options, offer },
        '# kept\ndomain lan\nsearch a.example. lan.\nnameserver 10.0.0.2\nnameserver 10.0.0.3\noptions rotate\n',
      ],
      [
        { before: old, parts: search, offer },
        '# kept\nsearch ours.example\nnameserver 10.0.0.2\nnameserver 10.0.0.3\n',
      ],
      [{ before: old, parts: servers, offer }, '# kept\ndomain lan\nsearch a.example. lan.\nnameserver 10.0.0.1\n'],
      [
        { before: old, parts: options, offer: `new_domain_name='lan second' new_domain_search=a.example` },
        '# kept\ndomain lan\nsearch lan a.example\noptions rotate\nnameserver 9.9.9.9\n',
      ],
      [
        { before: old, parts: options, offer: 'new_domain_search=a.example' },
        '# kept\nsearch a.example\noptions rotate\nnameserver 9.9.9.9\n',
      ],
      [
        { before: old, parts: options, offer: six },
        '# kept\nsearch six.example.\nnameserver fe80::1%eth0\nnameserver 2001:db8::2\noptions rotate\n',
      ],
      [{ before: old, parts: options, offer: '' }, '# kept\nsearch old\nnameserver 9.9.9.9\noptions rotate\n'],
      [{ before: old, parts: options, offer: hostile }, '# kept\nsearch old\nnameserver 10.0.0.5\noptions rotate\n'],
      [{ before: old, parts: servers, offer: hostile }, '# kept\nsearch old\nnameserver 10.0.0.1\n'],
    ];
    const found = results(
      t,
      shell,
      cases.map(([input]) => input),
    );
    for (const [n, [{ offer: offered }, wanted]] of cases.entries()) assert.equal(found[n], wanted, offered);
  });

  test(`hooks, ${shell}: a symbolic link is replaced, followed, or left to its owner`, { skip }, (t) => {
    const render = (symlink: DesiredDns['symlink']) => renderEnterHook(desired({ dns: { ...WHOLE.dns!, symlink } }));
    const policies = ['refuse', 'replace', 'follow'] as const;
    const folder = scratch(t, Object.fromEntries(policies.map((policy) => [policy, render(policy)])));
    const script = `
      mount -t tmpfs none /etc; mount -t tmpfs none /run
      for policy in refuse replace follow; do
        for target in there missing nofolder; do
          rm -rf /etc/* /run/*; mkdir /run/there /run/missing; echo '# theirs' >/run/there/file
          ln -s ../run/$target/file /etc/resolv.conf
          ( make_resolv_conf() { echo stock >/etc/stock; }
            reason=RENEW interface=eth0; . ${folder}/$policy; make_resolv_conf ) || echo "failed"
          echo $policy $target: $([ -L /etc/resolv.conf ] && echo link) \\
            $(grep -c ^nameserver /etc/resolv.conf 2>/dev/null), $(ls -A /etc), $(cd /run; ls -A there missing)
        done
      done`;
    fill(folder, { driver: script });
    const { stdout, stderr } = privately(`exec ${SHELLS[shell]} ${folder}/driver`);
    assert.equal(stderr, '');
    assert.deepEqual(stdout.trimEnd().split('\n'), [
      'refuse there: link 0, resolv.conf stock, missing: there: file',
      'refuse missing: link , resolv.conf stock, missing: there: file',
      'refuse nofolder: link , resolv.conf stock, missing: there: file',
      'replace there: 3, resolv.conf, missing: there: file',
      'replace missing: 3, resolv.conf, missing: there: file',
      'replace nofolder: 3, resolv.conf, missing: there: file',
      'follow there: link 3, resolv.conf, missing: there: file',
      'follow missing: link 3, resolv.conf, missing: file there: file',
      // The owner of the folder has not made it yet, so the agent makes it.
      'follow nofolder: link , resolv.conf, missing: there: file',
    ]);
  });
}

for (const shell of SHELL_NAMES) {
  test(`hooks, ${shell}: a device or a pipe in resolv.conf's place is left alone`, {
    skip: noNamespaces(...SHELLS[shell].split(' ').slice(0, 1)),
  }, (t) => {
    const folder = scratch(t, { hook: renderEnterHook({ ...WHOLE, dns: { ...WHOLE.dns!, symlink: 'follow' } }) });
    // A device like /dev/null, which no program empties or fills. It has an /etc of its own: there is only one /dev.
    const { stdout, stderr } = privately(`exec ${SHELLS[shell]} -c '
      mount -t tmpfs none /etc
      mknod /etc/null c 1 3
      ln -s null /etc/resolv.conf
      reason=RENEW interface=eth0
      . ${folder}/hook
      make_resolv_conf && stat -c %F /etc/null && ls -A /etc
    '`);
    assert.equal(stdout, 'character special file\nnull\nresolv.conf\n', stderr);
  });
}
