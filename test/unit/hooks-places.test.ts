import assert from 'node:assert/strict';
import { chmodSync } from 'node:fs';
import { test } from 'node:test';
import { hookPlaces, ownsHook, placeHook, removeHook } from '../../agent/dhclient/hook-places.ts';
import { Host } from '../../agent/host/host.ts';
import { Hooks } from '../../agent/resources/hooks.ts';
import { KnownFiles } from '../../agent/resources/known.ts';
import { WHOLE } from './desired.ts';
import { scratch } from './scratch.ts';

const DEBIAN = '#!/bin/sh\nrun_hookdir /etc/dhcp/dhclient-enter-hooks.d "$@"\n';
const RHEL =
  '#!/bin/bash\nETCDIR="/etc/dhcp"\n[ -x ${ETCDIR}/dhclient-enter-hooks ] && . ${ETCDIR}/dhclient-enter-hooks\n';

function shared(root: string) {
  return hookPlaces(new Host({ root }))!;
}

test("Debian's script sources folders; ours is the last name in them", (t) => {
  const host = new Host({ root: scratch(t, { 'sbin/dhclient-script': DEBIAN }) });
  assert.deepEqual(hookPlaces(host), {
    enter: '/etc/dhcp/dhclient-enter-hooks.d/zz-holdfast',
    exit: '/etc/dhcp/dhclient-exit-hooks.d/zz-holdfast',
    shared: false,
    needsRunBit: false,
  });
});

test("RHEL's script sources one file at each moment, which may be somebody's", (t) => {
  const host = new Host({ root: scratch(t, { 'usr/sbin/dhclient-script': RHEL }) });
  assert.deepEqual(hookPlaces(host), {
    enter: '/etc/dhcp/dhclient-enter-hooks',
    exit: '/etc/dhcp/dhclient-exit-hooks',
    shared: true,
    needsRunBit: true,
  });
});

test('without a script the folders tell; without either there is no dhclient', (t) => {
  const folders = scratch(t, { 'etc/dhcp/dhclient-enter-hooks.d/debug': '' });
  assert.equal(hookPlaces(new Host({ root: folders }))!.shared, false);
  assert.equal(hookPlaces(new Host({ root: scratch(t) })), null);
});

test("in a shared file ours is a block, and all of the others' bytes stay", (t) => {
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

test('a shared hook without its run bit is said to be passed over', async (t) => {
  const root = scratch(t, { 'sbin/dhclient-script': RHEL, 'etc/dhcp/dhclient-enter-hooks': '#!/bin/sh\n:\n' });
  const host = new Host({ root });
  const [enter, exit] = await new Hooks(host, WHOLE, new KnownFiles('test')).inspect();
  assert.match(enter!.refusal!, /lacks the run bit \(chmod \+x/);
  assert.equal(exit!.refusal, undefined);
  chmodSync(host.locate('/etc/dhcp/dhclient-enter-hooks'), 0o755);
  assert.equal((await new Hooks(host, WHOLE, new KnownFiles('test')).inspect())[0]!.refusal, undefined);
});
