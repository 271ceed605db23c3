/** The disk with /var is full and that with /etc is not: drift is still put right, and revert loses nothing. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { missing } from '../parts/scratch.ts';
import { reference } from './looks.ts';
import { fillDisk, forEachCall, kill, skip as noScene, Scene } from './scene.ts';
import { FILES, SERVERS } from './verify-scene.ts';

const DISKS = {
  full: {
    begin: fillDisk('/var/lib', 8),
    end: 'rm /var/lib/zero; mount -o remount,size=10m /var/lib',
  },
  'read-only': { begin: 'mount -o remount,ro /var/lib', end: 'mount -o remount,rw /var/lib' },
} as const;
/** It also removes the comment, so the text to write differs from the text that was written last. */
const TRAMPLE = 'echo nameserver 192.0.2.9 >/etc/resolv.conf; echo 0 >/proc/sys/net/ipv4/ip_forward';
const IN_MEMORY = '{ ls /run/holdfast/records 2>/dev/null || :; }';

for (const [name, { begin, end }] of Object.entries(DISKS)) {
  test(`a ${name} /var: healed, and its records wait in memory`, { skip: noScene }, async (t) => {
    const { before, wanted } = await reference(t);
    const steps = `agent apply apply; ${begin}; ${TRAMPLE}; agent heal apply; look heal; ${IN_MEMORY} >waiting; ${end}
      ${TRAMPLE}; agent again apply; ${IN_MEMORY} >settled; agent revert revert; look revert`;
    const scene = await new Scene(t, steps).run();
    assert.equal(scene.status('apply'), 0, scene.output('apply'));
    assert.equal(scene.status('heal'), 0, scene.output('heal'));
    assert.equal(scene.look('heal').sysctls, wanted.sysctls);
    const withoutComment = wanted.files['/resolv.conf']!.replace('# by hand\n', '');
    assert.deepEqual(scene.look('heal').files['/resolv.conf'], withoutComment);
    assert.match(scene.text('waiting'), /^file\.%2Fetc%2Fresolv\.conf\.json$/m);
    assert.equal(scene.text('settled'), '', 'with room they are on the disk');
    assert.equal(scene.status('again'), 0, scene.output('again'));
    assert.deepEqual([scene.status('revert'), scene.look('revert')], [0, before], scene.output('revert'));
  });
}

test('a full /var: a change of DNS that is killed before it is proved is put back from memory', {
  skip: noScene || missing('dnsmasq', 'ip'),
}, async (t) => {
  const old = 'nameserver 192.0.2.9\n';
  const hits = await forEachCall(['rename'], async (call, n) => {
    const steps = `${SERVERS} agent apply apply; rm /var/lib/holdfast/dns-proved; echo '${old.trim()}' >/etc/resolv.conf
      ${DISKS.full.begin}; inject='${kill(call, n)}'; agent killed apply; inject=; silence; agent next apply; look next; ${IN_MEMORY} >waiting`;
    const scene = await new Scene(t, steps, FILES).run();
    assert.equal(scene.status('apply'), 0, scene.output('apply'));
    const resolvConf = scene.look('next').files['/resolv.conf']!;
    if (scene.status('killed') === 0) {
      assert.match(resolvConf, /^nameserver 127\.0\.0\.21$/m);
      return 'missed';
    }
    assert.equal(resolvConf, `644\n${old}`, scene.output('next'));
    assert.doesNotMatch(scene.text('waiting'), /dns-change/, `${call} ${n}: ${scene.output('next')}`);
    return 'hit';
  });
  // The record, the journal, resolv.conf.
  assert.ok(hits >= 3, `${hits}`);
});
