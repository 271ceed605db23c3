/** `agent doctor` and `agent init` on a live host: real hooks, processes, mounts and kernel. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Diagnosis } from '../../agent/doctor/examine.ts';
import { type LabHost, unavailable } from '../parts/lab/host.ts';
import { apply, staleHost } from '../parts/lab/scene.ts';

const skip = unavailable();

async function doctor(host: LabHost, ...args: string[]): Promise<{ code: number | null; findings: Diagnosis[] }> {
  const { code, stdout, stderr } = await host.agent('doctor', '--json', ...args);
  assert.equal(stderr, '');
  return { code, findings: JSON.parse(stdout).findings };
}

function seen(findings: readonly Diagnosis[], code: string): string[] {
  return findings.filter((finding) => finding.code === code).map((finding) => finding.seen);
}

test('doctor: a host as apply leaves it, with Debian’s own hooks and profiles, has no problem', { skip }, async () => {
  await using scene = await staleHost();
  const { host } = scene;
  await apply(host);
  const all = await doctor(host);
  // This machine may have programs of its own that use c-ares.
  const [code, findings] = [all.code, all.findings.filter((finding) => finding.code !== 'HF-LIBC-CARES')];
  assert.deepEqual(
    findings.map((finding) => `${finding.severity} ${finding.code}`),
    [
      'note HF-LIBC-SORTLIST',
      'note HF-DHCLIENT-STALE',
      `note ${findings.at(-3)?.code}`,
      'note HF-WHO',
      'note HF-ROUTE-FAILURES',
    ],
  );
  assert.match(findings.at(-3)?.code ?? '', /^HF-MAX-SIZE-(ENFORCED|IGNORED)$/);
  assert.equal(code, 0);

  // It costs the same with any routing table, because it reads none. (It only looks whose network the file is.)
  await host.sh('strace -f -e trace=%file,socket -o /run/lab/trace agent doctor');
  const trace = await host.read('/run/lab/trace');
  assert.match(trace, /net\/ipv6\/route\/max_size/);
  assert.doesNotMatch(trace, /open(at)?\(.*"\/proc\/(self\/|\d+\/)?net\/|AF_NETLINK/);

  const unprivileged = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', 'agent', 'doctor', '--json'];
  const asNobody = await host.run(unprivileged);
  assert.equal(asNobody.code, 0, asNobody.stdout + asNobody.stderr);
});

test('doctor: it names neighbours, mounts, daemons and files that act on the settings', { skip }, async () => {
  await using scene = await staleHost();
  const { host } = scene;
  await apply(host);
  await host.write(
    '/etc/dhcp/dhclient-enter-hooks.d/zzz-old',
    'make_resolv_conf() {\n  :\n}\n[ -x /nowhere ] || exit 0\n',
  );
  await host.write('/etc/dhcp/dhclient-exit-hooks.d/broken', 'if then (\n');
  await host.write('/etc/dhcp/dhclient-exit-hooks.d/never.sh', 'exit 1\n');
  await host.sh('dhclient -4 -nw -sf /bin/true -lf /run/lab/second -pf /run/lab/second.pid eth0');
  // In a mount namespace of its own, like a daemon that systemd starts.
  await host.sh(
    'cp /bin/sleep /run/lab/NetworkManager; unshare --mount /run/lab/NetworkManager 1000 >/dev/null 2>&1 &',
  );
  // In a PID namespace of its own, like a program in a container.
  await host.sh('cp /bin/sleep /run/lab/dhcpcd; unshare --pid --fork /run/lab/dhcpcd 1000 >/dev/null 2>&1 &');
  await host.sh('until pgrep -x NetworkManager && pgrep -x dhcpcd; do sleep 0.05; done');
  // apply prepared this file in case NetworkManager is started one day.
  await host.sh('rm -f /etc/NetworkManager/conf.d/90-holdfast.conf');
  await host.sh('cp /etc/resolv.conf /run/lab/resolv.conf; mount --bind /run/lab/resolv.conf /etc/resolv.conf');
  // tmpfs has it since Linux 6.6.
  const immutable = (await host.run(['chattr', '+i', '/etc/resolv.conf'])).code === 0;

  const { code, findings } = await doctor(host);
  assert.equal(code, 2);
  assert.deepEqual(seen(findings, 'HF-HOOK-REDEFINES'), [
    '/etc/dhcp/dhclient-enter-hooks.d/zzz-old:1: make_resolv_conf() {',
  ]);
  assert.deepEqual(seen(findings, 'HF-HOOK-EXIT'), ['/etc/dhcp/dhclient-enter-hooks.d/zzz-old:4: exit 0']);
  assert.match(seen(findings, 'HF-HOOK-SYNTAX')[0] ?? '', /exit-hooks\.d\/broken: sh -n says/);
  assert.deepEqual(seen(findings, 'HF-HOOK-IGNORED'), ['/etc/dhcp/dhclient-exit-hooks.d/never.sh']);
  assert.match(seen(findings, 'HF-DHCLIENT-TWICE')[0] ?? '', /serve IPv4 on eth0$/);
  assert.match(
    seen(findings, 'HF-DHCLIENT-SCRIPT')[0] ?? '',
    /on eth0 runs \/bin\/true, as -sf says, which sources no hooks$/,
  );
  assert.match(seen(findings, 'HF-RESOLV-DAEMON').join('\n'), /^NetworkManager\[\d+\] runs[^\n]*$/);
  assert.deepEqual(seen(findings, 'HF-DHCP-OTHER'), []);
  assert.deepEqual(seen(findings, 'HF-RESOLV-MOUNT'), ['/etc/resolv.conf is a mount point']);
  assert.equal(seen(findings, 'HF-RESOLV-IMMUTABLE').length, immutable ? 1 : 0);
});

test('doctor: its findings about conf.default and conf.all agree with the kernel', { skip }, async () => {
  await using scene = await staleHost();
  const { host } = scene;
  await host.write(
    '/etc/holdfast/agent.yaml',
    `sysctl:
  net.ipv4.conf.default.send_redirects: 0
  net.ipv4.conf.default.tag: 7
  net.ipv6.conf.all.accept_redirects: 0
  net.ipv4.conf.all.forwarding: 1
`,
  );
  await host.write('/etc/sysctl.d/99-late.conf', '# once\nnet.ipv4.conf.default.tag = 9\n');
  assert.equal(
    (await host.agent('apply', '--only', 'sysctl')).code,
    4,
    'the later file is a failure of the boot moment',
  );
  const { code, findings } = await doctor(host, '--only', 'sysctl');
  assert.equal(code, 2);
  assert.deepEqual(seen(findings, 'HF-SYSCTL-OVERRIDDEN'), [
    '/etc/sysctl.d/99-late.conf:2 sets net.ipv4.conf.default.tag to 9 after ours',
  ]);

  // eth0 has an address, so the kernel has not copied the new default to it.
  const values = await host.sh(
    'cd /proc/sys/net/ipv4/conf; cat default/tag eth0/tag all/send_redirects eth0/send_redirects',
  );
  assert.equal(values, '7\n0\n1\n1\n');
  assert.deepEqual(seen(findings, 'HF-SYSCTL-DEFAULT').sort(), [
    'net.ipv4.conf.default.send_redirects is to be 0, but it is not on eth0 (1)',
    'net.ipv4.conf.default.tag is to be 7, but it is not on eth0 (0)',
  ]);
  assert.equal(await host.sh('cat /proc/sys/net/ipv6/conf/eth0/accept_redirects'), '1\n');
  const combined = seen(findings, 'HF-SYSCTL-ALL');
  assert.equal(combined.length, 2, combined.join('\n'));
  assert.match(
    combined[0] ?? '',
    /default\.send_redirects is to be 0, .* on new interfaces \(conf\.all\.send_redirects is 1\)/,
  );
  assert.match(combined[1] ?? '', /net\.ipv6\.conf\.all\.accept_redirects is to be 0, but eth0 keep/);
});

test('init: applying the configuration that it writes changes no value', { skip }, async () => {
  await using scene = await staleHost();
  const { host, client } = scene;
  await host.sh('rm -rf /etc/holdfast');
  await host.sh('sysctl -qw net.ipv4.conf.all.rp_filter=2 net.ipv4.ip_local_port_range="20000 60000"');
  await host.write(
    '/etc/sysctl.d/10-site.conf',
    'net.ipv4.conf.all.rp_filter = 2\nnet.ipv4.ip_local_port_range = 20000 60000\nnet.ipv4.ip_forward = 1\nnet.no.such_key = 1\n',
  );
  const facts =
    'sysctl -a 2>/dev/null | grep -E "^net\\.ipv[46]\\.(conf|ip|route)" | grep -v stable_secret; sed "s/\\.$//" /etc/resolv.conf';
  const before = await host.sh(facts);

  const made = await host.agent('init');
  assert.equal(made.code, 0, made.stderr);
  const yaml = await host.read('/etc/holdfast/agent.yaml');
  assert.match(yaml, /^ {2}net\.ipv4\.conf\.all\.rp_filter: 2 # \/etc\/sysctl\.d\/10-site\.conf:1$/m);
  assert.match(yaml, /^# \/etc\/sysctl\.d\/10-site\.conf:3: net\.ipv4\.ip_forward = "1": it is "0" now$/m);
  assert.match(
    yaml,
    /^# \/etc\/sysctl\.d\/10-site\.conf:4: net\.no\.such_key = "1": this kernel has no such key now$/m,
  );
  assert.equal((await host.agent('init')).code, 1);

  const { code, stdout, stderr } = await host.agent('apply');
  assert.equal(code, 0, stdout + stderr);
  assert.equal(await host.sh(facts), before);
  await client.leased();
  assert.equal(await host.sh(facts), before);
});
