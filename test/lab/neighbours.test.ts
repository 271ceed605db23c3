/**
 * (4, first half) Hooks are sourced into one shell: what a neighbour's hook breaks, breaks ours. Each fault meets a host
 * without Holdfast (the control) and one with it, and with it nothing may be worse: no lease more is declined, and where
 * dhclient-script survives the fault at all, the settings hold.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { unavailable } from '../parts/lab/host.ts';
import { apply, holds, staleHost } from '../parts/lab/scene.ts';

const FAULTS: Record<string, string> = {
  'set -e': 'set -e',
  'set -u': 'set -u',
  'set -f': 'set -f',
  'set -C': 'set -C',
  'IFS of its own': "IFS=':0,'",
  'empty IFS': 'IFS=',
  'another working directory': 'cd /',
  'a working directory that is gone': 'mkdir /run/lab/gone; cd /run/lab/gone; rmdir /run/lab/gone',
  'umask 777': 'umask 777',
  'return 1': 'return 1',
  'no PATH': 'unset PATH',
  'a wrong PATH': 'PATH=/nonexistent',
  'positional parameters': "set -- a 'b c' '*'",
  traps: "trap 'echo trapped' EXIT",
  'closed descriptors': 'exec 0<&- 3<&-',
  'standard output and error closed': 'exec 1>&- 2>&-',
  'functions with common names': 'local_dns() { exit 9; }; quote() { exit 9; }; log() { exit 9; }; run() { exit 9; }',
  'functions in place of programs': 'mv() { return 9; }; cp() { return 9; }; rm() { return 9; }; sync() { return 9; }',
  'aliases, as root often has them': "alias cp='cp -i' mv='mv -i' rm='rm -i' cat='cat -n' ip='ip -color'",
  'our variables': "holdfast_offered='$(exit 9)'; holdfast_record=/run/lab/stolen; newline=x; file=/run/lab/stolen",
  'read-only variables': 'readonly interface new_ip_address',
  'superseded variables made read-only': 'readonly new_domain_name_servers',
  'exit 0': 'exit 0',
  'exit 1': 'exit 1',
  'a syntax error': 'if then (',
};

/** The last hook has the last word. `agent doctor` names a hook that comes after ours. */
const ONLY_BEFORE: Record<string, string> = {
  'make_resolv_conf of its own': 'make_resolv_conf() { echo "nameserver 6.6.6.6" >/etc/resolv.conf; }',
};

interface Result {
  readonly declined: boolean;
  readonly held: boolean;
}

/** One renewal with the neighbour in place. */
async function meet(fault: string, name: string, holdfast: boolean): Promise<Result> {
  await using scene = await staleHost();
  const { host, client } = scene;
  if (holdfast) await apply(host);
  const hook = `/etc/dhcp/dhclient-enter-hooks.d/${name}`;
  await host.write(hook, `${fault}\n`);
  const asked = await client.log.indexOf(/^DHCPREQUEST/, client.log.lines.length);
  await client.log.indexOf(/^(DHCPDECLINE|bound)/, asked);
  const declined = client.declined > 0;
  const held =
    holdfast &&
    (await holds(host).then(
      () => true,
      () => false,
    ));
  return { declined, held };
}

for (const [where, name] of [
  ['before', 'aa-neighbour'],
  ['after', 'zzz-neighbour'],
] as const) {
  test(`neighbours: a broken hook ${where} ours makes nothing worse`, {
    skip: unavailable(),
    concurrency: 4,
  }, async (t) => {
    await Promise.all(
      Object.entries({ ...FAULTS, ...(where === 'before' ? ONLY_BEFORE : {}) }).map(([title, fault]) =>
        t.test(title, async (t) => {
          const [without, withit] = await Promise.all([meet(fault, name, false), meet(fault, name, true)]);
          if (without.declined)
            t.diagnostic(
              `${title}: declines the lease without Holdfast too${withit.declined ? '' : ', but not with it'}`,
            );
          else assert.ok(!withit.declined, 'declined with Holdfast only');
          assert.ok(withit.held, 'the settings do not hold');
        }),
      ),
    );
  });
}
