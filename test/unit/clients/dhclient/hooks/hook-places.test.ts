/** Our hooks go to the files and folders that the dhclient-script in use sources. */

import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { scriptOf } from '../../../../../agent/clients/dhclient/dhclient-scripts.ts';
import {
  hookPlaces,
  ownsHook,
  placeHook,
  removeHook,
  whyDeaf,
} from '../../../../../agent/clients/dhclient/hooks/hook-places.ts';
import { Hooks } from '../../../../../agent/clients/dhclient/kept-hooks.ts';
import { Host } from '../../../../../agent/host/host.ts';
import { clientSurroundings } from '../../../../parts/client-surroundings.ts';
import { command } from '../../../../parts/command.ts';
import { WHOLE } from '../../../../parts/desired.ts';
import { fill, scratch } from '../../../../parts/scratch.ts';

const DEBIAN = '#!/bin/sh\nrun_hookdir /etc/dhcp/dhclient-enter-hooks.d "$@"\n';
const RHEL =
  '#!/bin/bash\nETCDIR="/etc/dhcp"\n[ -x ${ETCDIR}/dhclient-enter-hooks ] && . ${ETCDIR}/dhclient-enter-hooks\n';

function shared(root: string) {
  return hookPlaces(new Host({ root }))!;
}

test("hook places: Debian's script sources folders; ours is the last name in them", (t) => {
  const host = new Host({ root: scratch(t, { 'sbin/dhclient-script': DEBIAN }) });
  assert.deepEqual(hookPlaces(host), {
    enter: '/etc/dhcp/dhclient-enter-hooks.d/zz-holdfast',
    exit: '/etc/dhcp/dhclient-exit-hooks.d/zz-holdfast',
    shared: false,
    needsRunBit: false,
    scripts: null,
  });
});

test("hook places: RHEL's script sources one file at each moment, which another program may own", (t) => {
  const host = new Host({ root: scratch(t, { 'usr/sbin/dhclient-script': RHEL }) });
  assert.deepEqual(hookPlaces(host), {
    enter: '/etc/dhcp/dhclient-enter-hooks',
    exit: '/etc/dhcp/dhclient-exit-hooks',
    shared: true,
    needsRunBit: true,
    scripts: null,
  });
});

test('hook places: a program that is no shell script sources nothing, whatever its text names', (t) => {
  for (const text of [
    '\x7fELF\0/etc/dhclient-enter-hooks\0',
    '#!/usr/bin/python3\nopen("/etc/dhclient-enter-hooks")\n',
    '',
  ]) {
    const host = new Host({ root: scratch(t, { 'sbin/dhclient-script': text }) });
    assert.notEqual(whyDeaf(host, '/sbin/dhclient-script', hookPlaces(host)), null, text);
  }
  for (const shell of ['/bin/sh', '/bin/bash -p', '/usr/bin/env dash', '/bin/busybox sh']) {
    const text = `#!${shell}\n. /etc/dhclient-enter-hooks\n. /etc/dhclient-exit-hooks\n`;
    const host = new Host({ root: scratch(t, { 'sbin/dhclient-script': text }) });
    assert.equal(whyDeaf(host, '/sbin/dhclient-script', hookPlaces(host)), null, text);
  }
});

test('hook places: without a script the folders tell; without either there is no dhclient', (t) => {
  const folders = scratch(t, { 'etc/dhcp/dhclient-enter-hooks.d/debug': '' });
  assert.equal(hookPlaces(new Host({ root: folders }))!.shared, false);
  assert.equal(hookPlaces(new Host({ root: scratch(t) })), null);
});

test('hook places: in a shared file our lines are one block, and all other bytes stay', (t) => {
  const places = shared(scratch(t, { 'sbin/dhclient-script': RHEL }));
  for (const theirs of [
    '#!/bin/sh\n',
    'theirs\n',
    'no line break',
    '',
    '# BEGIN holdfast\nnever ended\n',
    '# END holdfast\n',
  ]) {
    const placed = placeHook(places, theirs, 'ours\n');
    assert.equal(placeHook(places, placed, 'ours\n'), placed, 'placing twice is placing once');
    const changed = placeHook(places, `${placed}later\n`, 'ours too\n');
    assert.equal(changed.includes('ours\n'), false);
    assert.ok(changed.includes('ours too\n') && changed.endsWith('later\n'));
    assert.ok(ownsHook(places, placed));
    assert.equal(
      removeHook(places, `${placed}later\n`),
      `${theirs}${theirs === '' || theirs.endsWith('\n') ? '' : '\n'}later\n`,
    );
    assert.ok(!ownsHook(places, removeHook(places, `${placed}later\n`)!));
  }
  assert.equal(removeHook(places, placeHook(places, null, 'ours\n')), null, 'what we made alone goes as a whole');
});

test('hook places: a shared hook without its run bit is said to be passed over', async (t) => {
  const root = scratch(t, { 'sbin/dhclient-script': RHEL, 'etc/dhcp/dhclient-enter-hooks': '#!/bin/sh\n:\n' });
  const host = new Host({ root });
  chmodSync(host.locate('/etc/dhcp/dhclient-enter-hooks'), 0o644);
  const [enter, exit] = await new Hooks(host, WHOLE, clientSurroundings(host)).inspect();
  assert.match(enter!.refusal!, /lacks the run bit \(chmod \+x/);
  assert.equal(exit!.refusal, undefined);
  chmodSync(host.locate('/etc/dhcp/dhclient-enter-hooks'), 0o755);
  assert.equal((await new Hooks(host, WHOLE, clientSurroundings(host)).inspect())[0]!.refusal, undefined);
});

/** The folders for hooks on a host with this dhclient-script, and whether the file's run bit counts. */
function places(t: TestContext, script: string, files: Record<string, string> = {}) {
  const found = hookPlaces(new Host({ root: scratch(t, { 'sbin/dhclient-script': script, ...files }) }))!;
  return [found.enter, found.exit, ...(found.needsRunBit ? ['if executable'] : [])];
}

const BOTH = (enter: string) => [enter, enter.replace('-enter-', '-exit-')];

test('hook places: the script is read for the places that it sources', (t) => {
  const isc = `#!/bin/bash
exit_with_hooks() {
  if [ -f /etc/dhclient-exit-hooks ]; then
    . /etc/dhclient-exit-hooks
  fi
}
if [ -f /etc/dhclient-enter-hooks ]; then
  . /etc/dhclient-enter-hooks
fi
`;
  assert.deepEqual(places(t, isc), BOTH('/etc/dhclient-enter-hooks'));
  const dhcp3 = 'run_hook /etc/dhcp3/dhclient-enter-hooks\nrun_hookdir /etc/dhcp3/dhclient-enter-hooks.d "$@"\n';
  assert.deepEqual(places(t, dhcp3), BOTH('/etc/dhcp3/dhclient-enter-hooks.d/zz-holdfast'));
  const loop = 'ETC=/usr/local/etc\nHOOKS="${ETC}/dhclient-enter-hooks.d"\nfor h in "$HOOKS"/*.sh; do . "$h"; done\n';
  assert.deepEqual(places(t, loop), BOTH('/usr/local/etc/dhclient-enter-hooks.d/zz-holdfast.sh'));
  const quoted = 'DIR=\'/opt/dhcp/\'\ntest -x "$DIR/dhclient-enter-hooks" && source "$DIR"/dhclient-enter-hooks\n';
  assert.deepEqual(places(t, quoted), [...BOTH('/opt/dhcp/dhclient-enter-hooks'), 'if executable']);
  const told =
    '# /etc/dhcp/dhclient-enter-hooks.d was used once\necho "not /etc/dhcp/dhclient-enter-hooks.d"\n. /etc/dhclient-enter-hooks\n';
  assert.deepEqual(places(t, told), BOTH('/etc/dhclient-enter-hooks'));
});

test('hook places: the script is that of dhclient.conf, and the one that it hands on to', (t) => {
  const local = { 'usr/local/sbin/script': '. /srv/dhclient-enter-hooks\n' };
  const conf = (text: string, files = {}) => places(t, DEBIAN, { ...local, 'etc/dhcp/dhclient.conf': text, ...files });
  const own = BOTH('/srv/dhclient-enter-hooks');
  assert.deepEqual(conf('script "/usr/local/sbin/script";\n'), own);
  assert.deepEqual(conf('interface "eth0" {\n  SCRIPT\n"/usr/local/sbin/script" ;\n}\n'), own);
  assert.deepEqual(conf('include "/etc/more";\n', { 'etc/more': 'script "/usr/local/sbin/script";' }), own);
  const debian = BOTH('/etc/dhcp/dhclient-enter-hooks.d/zz-holdfast');
  assert.deepEqual(
    conf('# script "/usr/local/sbin/script";\nsend host-name "script \\"/usr/local/sbin/script\\";";\n'),
    debian,
  );
  const around = { 'usr/local/sbin/script': '#!/bin/sh\nlogger "$reason"\nexec /sbin/dhclient-script "$@"\n' };
  assert.deepEqual(conf('script "/usr/local/sbin/script";\n', around), debian);
});

test('hook places: a lease is not held where the script sources no hooks or cannot be run, and doctor says why', async (t) => {
  const script = '/usr/local/sbin/script';
  const path = script.slice(1);
  const sources = '. /etc/dhcp/dhclient-enter-hooks.d/zz-holdfast\n';
  const cases: [why: string, make: (root: string) => void][] = [
    ['sources no hooks', (root) => fill(root, { [path]: '#!/bin/sh\necho "$new_routers" >/run/routers\n' })],
    ['does not exist', () => {}],
    ['is a symbolic link that leads nowhere', (root) => link(root, '/opt/gone')],
    ['is no regular file', (root) => mkdirSync(join(root, path), { recursive: true })],
    ['has no first line', (root) => fill(root, { [path]: sources }, 0o755)],
    ['lacks the run bit (chmod +x', (root) => fill(root, { [path]: `#!/bin/sh\n${sources}` }, 0o644)],
  ];
  const link = (root: string, target: string) => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    symlinkSync(target, join(root, path));
  };
  for (const [why, make] of cases) {
    const root = scratch(t, {
      'etc/dhcp/dhclient.conf': `# ours\nscript "${script}";\n`,
      'sbin/dhclient-script': DEBIAN,
      'etc/holdfast/agent.yaml': 'dns: { nameservers: [10.0.0.1] }\n',
    });
    make(root);
    await command('apply', '--root', root);
    const { settings } = JSON.parse((await command('status', '--root', root, '--json')).stdout);
    const { state, reason } = settings[0].moments.lease;
    assert.equal(state, 'unknown', why);
    assert.ok(reason.startsWith(`${script} (/etc/dhcp/dhclient.conf:2) ${why}`), reason);
    const { stdout } = await command('doctor', '--root', root);
    assert.match(stdout, /HF-DHCLIENT-SCRIPT/);
    assert.ok(stdout.includes(`${script}, as /etc/dhcp/dhclient.conf:2 says, which ${why}`), stdout);
  }
});

test("hook places: a script of an interface's block is another interface's no more than -sf is stronger than a statement", (t) => {
  const conf = `script "/opt/all"; # script "/opt/none";
interface "eth1" { send host-name "script"; script "/opt/eth1"; if exists routers { log(info, "x"); } }
script "/opt/later";
`;
  const host = new Host({ root: scratch(t, { 'etc/dhcp/dhclient.conf': conf }) });
  const of = (interfaces: string[], script: string | null = null) =>
    scriptOf(host, { confFile: '/etc/dhcp/dhclient.conf', interfaces, script });
  assert.deepEqual(of(['eth0']), { path: '/opt/later', named: '/etc/dhcp/dhclient.conf:3' });
  assert.deepEqual(of(['eth1'], '/opt/sf'), { path: '/opt/eth1', named: '/etc/dhcp/dhclient.conf:2' });
  assert.deepEqual(of([]), { path: '/opt/eth1', named: '/etc/dhcp/dhclient.conf:2' });
  const bare = { confFile: '/etc/none', interfaces: [], script: '/opt/sf' };
  assert.deepEqual(scriptOf(host, bare), { path: '/opt/sf', named: '-sf' });
});
