/**
 * dhclient-scripts that do not let our hooks have the last word, run by the real dhclient: each one puts old name servers
 * back at a renewal (the control), and status and doctor say so. Debian's own script does not, and the lease is ✓.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connect, Dhclient, startDhcpServer } from '../parts/lab/dhcp.ts';
import { LabHost, unavailable } from '../parts/lab/host.ts';
import { AGENT_YAML, apply, holds, nameservers, OLD, OLD_DHCLIENT_CONF } from '../parts/lab/scene.ts';

const SCRIPT = '/sbin/dhclient-script';
const OWN = '/usr/local/sbin/own-script';
const ENTERS = 'run_hook /etc/dhcp/dhclient-enter-hooks\n';

/** Lines that make resolv.conf of what the (stale) dhclient handed over. Our hook has replaced the variable since. */
const WRITE = `if [ -n "$new_domain_name_servers" ]; then
    for server in \${offered:-$new_domain_name_servers}; do echo "nameserver $server"; done >/etc/resolv.conf
fi
`;
const KEEP = 'offered=$new_domain_name_servers\n';

interface Member {
  /** Debian's script, changed. */
  readonly script: (debian: string) => string;
  /** A regular expression for the reason of `status`. */
  readonly reason: RegExp;
  readonly code: string;
  /** A script that SCRIPT or dhclient runs. */
  readonly own?: (debian: string) => string;
  /** The option that makes dhclient run OWN. */
  readonly by?: '-sf' | 'script';
}

const before = (lines: string) => (debian: string) => debian.replace(ENTERS, () => `${lines}${ENTERS}`);
/** The script with the offer kept, and lines in the place of a text, or after it. */
const writing = (place: string, lines: (place: string) => string) => (debian: string) =>
  before(KEEP)(debian).replace(place, () => lines(place));
const LAST = '    exit $exit_status\n';
const same = (debian: string) => debian;

const MEMBERS: Record<string, Member> = {
  'an end before the hooks': {
    script: before('case "$reason" in RENEW) make_resolv_conf; exit 0 ;; esac\n'),
    reason:
      /dhclient-script, which ends without sourcing Holdfast's hook \(\/sbin\/dhclient-script:\d+: exit 0\) at RENEW/,
    code: 'HF-DHCLIENT-SCRIPT',
  },
  'another script instead': {
    script: before(`if [ "$reason" = RENEW ]; then exec ${OWN} "$@"; fi\n`),
    own: () => `#!/bin/sh\n${WRITE}exit 0\n`,
    reason: /ends without sourcing Holdfast's hook \(\/sbin\/dhclient-script:\d+: exec \/usr\/local\/sbin\/own-script/,
    code: 'HF-DHCLIENT-SCRIPT',
  },
  'a write after the hooks, in the action': {
    script: writing(`${' '.repeat(8)}make_resolv_conf\n`, (place) => place + WRITE),
    reason: /writes \/etc\/resolv\.conf itself \(\/sbin\/dhclient-script:\d+: .*>\/etc\/resolv\.conf\)/,
    code: 'HF-SCRIPT-WRITES',
  },
  'a write after the exit hooks': {
    script: writing(LAST, (place) => WRITE + place),
    reason: /writes \/etc\/resolv\.conf itself \(\/sbin\/dhclient-script:\d+: /,
    code: 'HF-SCRIPT-WRITES',
  },
  'make_resolv_conf defined after the hooks': {
    script: writing('# Execute the operation\n', () => `make_resolv_conf() {\n${WRITE}}\n`),
    reason: /replaces make_resolv_conf after .* \(\/sbin\/dhclient-script:\d+: make_resolv_conf\(\)\)/,
    code: 'HF-SCRIPT-WRITES',
  },
  'run_hookdir commented out': {
    script: (debian) => debian.replace(/^run_hookdir\(\) \{.*?^\}\n/ms, (body) => body.replace(/^(?=.)/gm, '#')),
    reason: /does not source Holdfast's hook \(\/sbin\/dhclient-script:\d+: run_hookdir .*is not defined\)/,
    code: 'HF-DHCLIENT-SCRIPT',
  },
  'run_hook without its source': {
    script: (debian) => debian.replace('        . $script\n', '        : $script\n'),
    reason: /does not source Holdfast's hook \(\/sbin\/dhclient-script:\d+: run_hook /,
    code: 'HF-DHCLIENT-SCRIPT',
  },
  'hooks in a subshell': {
    script: (debian) => debian.replace(/^(run_hook(?:dir)? .*enter.*)$/gm, '($1)'),
    reason: /sources Holdfast's hook in a subshell/,
    code: 'HF-DHCLIENT-SCRIPT',
  },
  'an unknown program after the hooks': {
    script: (debian) =>
      debian.replace('    exit $exit_status\n', () => `    python3 ${OWN}.py\n    exit $exit_status\n`),
    reason:
      /may change \/etc\/resolv\.conf \(\/sbin\/dhclient-script:\d+: it runs python3\).*`agent rehearse lease` plays it/,
    code: 'HF-SCRIPT-UNKNOWN',
  },
  'another script by -sf': {
    script: same,
    by: '-sf',
    own: writing(LAST, (place) => WRITE + place),
    reason: /runs \/usr\/local\/sbin\/own-script \(-sf\), which writes \/etc\/resolv\.conf itself/,
    code: 'HF-SCRIPT-WRITES',
  },
  'another script by dhclient.conf': {
    script: same,
    by: 'script',
    own: before('case "$reason" in RENEW) make_resolv_conf; exit 0 ;; esac\n'),
    reason: /own-script \(\/etc\/dhcp\/dhclient\.conf:1\), which ends without sourcing Holdfast's hook/,
    code: 'HF-DHCLIENT-SCRIPT',
  },
};

/** A host with a stale dhclient that runs this script. */
async function hostWith({ script, own, by }: Member): Promise<{ host: LabHost; client: Dhclient; changed: string }> {
  const host = await LabHost.create();
  const debian = await host.read(SCRIPT);
  const [path, changed] = by === undefined ? [SCRIPT, script(debian)] : [OWN, own!(debian)];
  assert.notEqual(changed, debian);
  const statement = by === 'script' ? `script "${OWN}"; ` : '';
  await host.write('/etc/dhcp/dhclient.conf', statement + OLD_DHCLIENT_CONF);
  await host.write('/etc/holdfast/agent.yaml', AGENT_YAML);
  await host.write(
    `${OWN}.py`,
    `open('/etc/resolv.conf', 'w').write('${OLD.map((one) => `nameserver ${one}\\n`).join('')}')\n`,
  );
  await host.write(path, changed, 0o755);
  if (own !== undefined && by === undefined) await host.write(OWN, own(debian), 0o755);
  await connect(host);
  await startDhcpServer(host, { renewEvery: 1 });
  const args = ['-4', '-v', ...(by === '-sf' ? ['-sf', OWN] : []), 'eth0'];
  const client = Dhclient.start(host, by === '-sf' ? { args } : {});
  await client.leased();
  return { host, client, changed };
}

/** The lease moment of dns.nameservers, and the codes of doctor that tell of scripts. */
async function told(host: LabHost): Promise<{ state: string; reason: string; codes: string[] }> {
  const { settings } = JSON.parse((await host.agent('status', '--json')).stdout);
  const { lease } = settings.find((one: { setting: string }) => one.setting === 'dns.nameservers').moments;
  const { stdout } = await host.agent('doctor');
  return {
    state: lease.state,
    reason: lease.reason ?? '',
    codes: stdout.match(/HF-(?:DHCLIENT-SCRIPT|SCRIPT-\w+)/g) ?? [],
  };
}

const skip = unavailable();

test("Debian's own script: the hook has the last word, and the lease is held", { skip }, async () => {
  const { host, client } = await hostWith({
    script: (debian) => `${debian}\n`,
    reason: /^$/,
    code: '',
  });
  await using _ = { [Symbol.asyncDispose]: () => host.close() };
  await apply(host);
  await client.leased(3);
  await holds(host);
  assert.deepEqual(await told(host), { state: 'ok', reason: '', codes: [] });
});

test('dhclient-scripts that have the last word themselves', { skip, concurrency: 3 }, async (t) => {
  await Promise.all(
    Object.entries(MEMBERS).map(([name, member]) =>
      t.test(name, async () => {
        const { host, client } = await hostWith(member);
        await using _ = { [Symbol.asyncDispose]: () => host.close() };
        const { code, stdout, stderr } = await host.agent('apply');
        assert.equal(code, 0, `${stdout}${stderr}`);
        await client.leased(2);
        assert.deepEqual(nameservers(await host.read('/etc/resolv.conf')), [...OLD], 'the control: the script wins');
        const { state, reason, codes } = await told(host);
        assert.equal(state, 'unknown');
        assert.match(reason, member.reason);
        assert.ok(codes.includes(member.code), codes.join(' '));
      }),
    ),
  );
});

test('script: rehearse plays a script that the agent cannot read', { skip }, async () => {
  const { host } = await hostWith(MEMBERS['an unknown program after the hooks']!);
  await using _ = { [Symbol.asyncDispose]: () => host.close() };
  await host.agent('apply');
  const { stdout } = await host.agent('rehearse', 'lease');
  assert.match(stdout, new RegExp(`nameserver ${OLD[0]}`));
});
