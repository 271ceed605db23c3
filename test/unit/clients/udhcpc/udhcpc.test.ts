/** udhcpc: its interface and script by the command line, which scripts can be held, and the lines that hold them. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { renderUdhcpcConf } from '../../../../agent/clients/udhcpc/conf.ts';
import { neighbourDoubts, scriptDoubt } from '../../../../agent/clients/udhcpc/event-script.ts';
import { Udhcpc } from '../../../../agent/clients/udhcpc/kept.ts';
import { eventScripts, udhcpcHolders } from '../../../../agent/clients/udhcpc/running.ts';
import { variableOf } from '../../../../agent/clients/udhcpc/wanted.ts';
import { findOption } from '../../../../agent/config/notation/dhcp-options.ts';
import { Host } from '../../../../agent/host/host.ts';
import { clientSurroundings } from '../../../parts/client-surroundings.ts';
import { desired, dhclient, dns } from '../../../parts/desired.ts';
import { FolderHost } from '../../../parts/doctor-patient.ts';
import { ALPINE_SCRIPT, DEBIAN_SCRIPT } from '../../../parts/lab/udhcpc.ts';
import { missing, scratch } from '../../../parts/scratch.ts';
import { SHELLS } from '../../../parts/shells.ts';

const SCRIPT = 'usr/share/udhcpc/default.script';
const CONF = 'etc/udhcpc/udhcpc.conf';

test('udhcpc: interface and script are those of its command line, in every form that busybox takes', (t) => {
  const seen = (others: Record<string, Record<number, string>>) => {
    const host = new FolderHost(scratch(t, { [SCRIPT]: ALPINE_SCRIPT }), { others });
    return [udhcpcHolders(host).map(({ interfaces }) => interfaces), eventScripts(host)];
  };
  for (const form of [
    '-i eth1 -s /x',
    '-ieth1 -s/x',
    '-qni eth1 -fs /x',
    '--interface=eth1 --script=/x',
    '--interface eth1 --script /x',
  ]) {
    assert.deepEqual(seen({ udhcpc: { 7: `udhcpc ${form}` } }), [[['eth1']], ['/x']], form);
    assert.deepEqual(seen({ busybox: { 7: `busybox udhcpc ${form}` } }), [[['eth1']], ['/x']], form);
  }
  assert.deepEqual(seen({ udhcpc: { 7: 'udhcpc -b -R' } }), [[['eth0']], [`/${SCRIPT}`]]);
  assert.deepEqual(seen({ busybox: { 7: 'busybox httpd' } }), [[], [`/${SCRIPT}`]]);
});

test('udhcpc: a script is held only if it sources udhcpc.conf, and dns only if it knows RESOLV_CONF=no', (t) => {
  const doubt = (script: string) => {
    const found = scriptDoubt(new Host({ root: scratch(t, { [SCRIPT]: script }) }), `/${SCRIPT}`);
    return found === null ? null : found.isOfDns ? 'dns' : 'all';
  };
  assert.equal(doubt(ALPINE_SCRIPT), null);
  assert.equal(doubt(DEBIAN_SCRIPT), 'all');
  const knows = '[ "$RESOLV_CONF" = no ] && exit\n';
  for (const line of [
    '. /etc/udhcpc/udhcpc.conf',
    '[ -f /x ] && . "/etc/udhcpc/udhcpc.conf"',
    'if true; then . /etc/udhcpc/udhcpc.conf; fi',
  ]) {
    assert.equal(doubt(`${line}\n${knows}`), null, line);
    assert.equal(doubt(`${line}\necho >/etc/resolv.conf\n`), 'dns', line);
    assert.equal(doubt(`# ${line}\n${knows}`), 'all', line);
  }
  assert.equal(doubt(`cat /etc/udhcpc/udhcpc.conf\n${knows}`), 'all');
});

test('udhcpc: lines of other programs that may undo ours are named', (t) => {
  const post = 'etc/udhcpc/post-renew/10-site';
  const host = new Host({ root: scratch(t, { [post]: '#!/bin/sh\necho nameserver 1.1.1.1 >/etc/resolv.conf\n' }) });
  const block = '# BEGIN holdfast\n:\n# END holdfast\n';
  const reasons = neighbourDoubts(host, `exit 0\n${block}`).map(({ why }) => why);
  assert.match(reasons[0]!, /may end udhcpc's script before .*udhcpc\.conf:1: exit 0/);
  assert.match(reasons[1]!, /has the last word \(\/etc\/udhcpc\/post-renew\/10-site:2/);
  assert.deepEqual(neighbourDoubts(new Host({ root: scratch(t, {}) }), `IF_METRIC=5\n${block}`), []);
});

test('udhcpc: each option has the variable of busybox, or a reason why there is none', () => {
  const seen = (name: string, ...values: string[]) => variableOf(findOption(name)!, values);
  assert.deepEqual(seen('ntp-servers', '10.0.0.1', '10.0.0.2'), { name: 'ntpsrv', value: '10.0.0.1 10.0.0.2' });
  assert.deepEqual(seen('rfc3442-classless-static-routes', '8', '10', '10', '0', '0', '1'), {
    name: 'staticroutes',
    value: '10.0.0.0/8 10.0.0.1',
  });
  assert.deepEqual(seen('subnet-mask', '255.0.0.0'), { why: 'udhcpc gives its script no variable for subnet-mask' });
  assert.deepEqual(seen('dhcp6.sntp-servers', '2001:db8::1'), { why: 'udhcpc is a client of DHCPv4 only' });
});

const HELD = desired({
  dns: dns({ nameservers: ['10.0.0.1'], search: ['a.example'] }),
  dhcp: dhclient({ 'ntp-servers': ['10.0.0.3'] }, {}, { eth1: ['routers'] }),
});

test('udhcpc: our lines stand last in the file, the other bytes stay, and a second look finds nothing', {
  skip: missing('flock'),
}, async (t) => {
  const root = scratch(t, { 'sbin/udhcpc': '', [SCRIPT]: ALPINE_SCRIPT, [CONF]: '# mine\nIF_METRIC=5\n' });
  const host = new Host({ root });
  const text = () => readFileSync(`${root}/${CONF}`, 'utf8');
  const run = async (wanted = HELD) => {
    const resource = new Udhcpc(host, wanted, clientSurroundings(host));
    const found = await resource.inspect();
    for (const finding of found) if (finding.state === 'drifted') await resource.apply(finding);
    return found.map(({ state }) => state);
  };
  assert.deepEqual(await run(), ['drifted']);
  assert.match(text(), /^# mine\nIF_METRIC=5\n# BEGIN holdfast\n[\s\S]*# END holdfast\n$/);
  assert.deepEqual(await run(), ['ok']);
  writeFileSync(`${root}/${CONF}`, `${text()}dns=6.6.6.6\n`);
  assert.deepEqual(await run(), ['drifted']);
  assert.match(text(), /IF_METRIC=5\ndns=6.6.6.6\n# BEGIN holdfast\n/);
  assert.deepEqual(await run(desired()), ['drifted']);
  assert.equal(text(), '# mine\nIF_METRIC=5\ndns=6.6.6.6\n');
  assert.deepEqual(await run(desired()), []);
});

/** The variables after an event, and resolv.conf. */
function event(t: TestContext, shell: string, state: typeof HELD, given: string, before = ''): string {
  const folder = scratch(t, {
    conf: renderUdhcpcConf(state.dns, state.dhcp) ?? '',
    run: `${before}\n${given}\n. ./conf\necho "$dns|$search|$ntpsrv|\${router-}|$RESOLV_CONF" >./seen\n`,
  });
  const script = `mount -t tmpfs none /etc; : >/etc/resolv.conf; cd ${folder}; ${shell} ./run bound; cat seen; cat /etc/resolv.conf`;
  const flags = ['--mount', '--net', '--pid', '--fork', '--kill-child', '--mount-proc'];
  const { stdout, stderr } = spawnSync('unshare', [...flags, 'sh', '-c', script], { encoding: 'utf8' });
  assert.equal(stderr, '');
  return stdout;
}

const noNamespace = process.getuid?.() === 0 ? missing('unshare') : 'needs root';

test("udhcpc: the lines work in each shell, under a neighbour's options, and by the interface", {
  skip: noNamespace,
}, (t) => {
  const file = 'search a.example\nnameserver 10.0.0.1\n';
  const given = (iface: string) =>
    `interface=${iface} dns=6.6.6.6 search=evil.example ntpsrv=6.6.6.6 router=10.9.9.9 RESOLV_CONF=/etc/resolv.conf`;
  for (const shell of Object.values(SHELLS)) {
    for (const before of ['', 'set -eu', 'set -f; set -C', 'IFS=:']) {
      assert.equal(
        event(t, shell, HELD, given('eth0'), before),
        `10.0.0.1|a.example|10.0.0.3|10.9.9.9|no\n${file}`,
        `${shell} ${before}`,
      );
    }
    assert.equal(event(t, shell, HELD, given('eth1')), `10.0.0.1|a.example|10.0.0.3||no\n${file}`, shell);
  }
});

test('udhcpc: a hostile value of the server gets into no resolv.conf', { skip: noNamespace }, (t) => {
  const open = desired({ dns: dns({ options: ['rotate'] }) });
  const given =
    "interface=eth0 ntpsrv= RESOLV_CONF= search='a\nnameserver 6.6.6.6' dns='1.1.1.1 $(touch /tmp/canary) `x` 2.2.2.2;y'";
  const [, ...lines] = event(t, 'dash', open, given).split('\n').slice(-3);
  assert.deepEqual(lines, ['options rotate', '']);
  assert.match(event(t, 'dash', open, given), /^nameserver 1\.1\.1\.1$/m);
  assert.doesNotMatch(event(t, 'dash', open, given).split('\n').slice(2).join('\n'), /6\.6\.6\.6|2\.2\.2\.2/);
});

test('udhcpc: shellcheck has nothing to say', { skip: missing('shellcheck') }, () => {
  const input = `#!/bin/sh\n${renderUdhcpcConf(HELD.dns, HELD.dhcp)}`;
  const options = ['--shell=sh', '--exclude=SC1091,SC2034,SC2154,SC3043', '-'];
  assert.equal(spawnSync('shellcheck', options, { input, encoding: 'utf8' }).stdout, '');
  assert.equal(renderUdhcpcConf(null, desired().dhcp), null);
});
