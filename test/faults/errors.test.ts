/** What the operating system refuses: said clearly, nothing lost, nothing left behind, and all else done. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertOneOf, reference } from './looks.ts';
import { ETC, fillDisk, Scene, skip, twoAtATime } from './scene.ts';

const FILES = [
  '/etc/dhcp/dhclient-enter-hooks.d/zz-holdfast',
  '/etc/dhcp/dhclient-exit-hooks.d/zz-holdfast',
  '/etc/resolv.conf',
  '/etc/dhcp/dhclient.conf',
  '/etc/sysctl.d/60-holdfast.conf',
];

/** Every step of replacing a file, and what may go wrong with it. */
const STEPS = {
  openat: ['ENOSPC', 'EROFS', 'EPERM', 'EACCES'],
  fchmod: ['EPERM'],
  write: ['ENOSPC', 'EIO', 'EDQUOT'],
  fsync: ['EIO', 'ENOSPC'],
  'rename,renameat,renameat2': ['EROFS', 'EPERM', 'EIO', 'ENOSPC'],
};

/** Errors at the first such call that is about this path; -P takes the call's file by name or by descriptor. */
const refuse = (path: string, calls: string, error: string) => {
  const names = calls.split(',').map((call) => `?${call}`);
  return `strace -qqq -o /dev/null -P ${path} -e trace=${names} -e inject=${names}:error=${error}:when=1`;
};

test('failed system calls: an error at any step of writing a file gives exit 4, a clear sentence and the old file', {
  skip,
}, async (t) => {
  const { before, wanted } = await reference(t);
  let refused = 0;
  await twoAtATime(function* () {
    for (const file of FILES)
      for (const [calls, errors] of Object.entries(STEPS))
        for (const error of errors)
          yield async () => {
            const temporary = file.replace(/([^/]+)$/, '.$1.holdfast');
            const scene = await new Scene(
              t,
              `inject='${refuse(temporary, calls, error)}'; agent refused apply; inject=; look refused
               agent next apply; look next; agent revert revert; look revert`,
            ).run();
            const what = `${calls} of ${temporary}: ${error}`;
            assert.equal(scene.status('refused'), 4, `${what}: ${scene.output('refused')}`);
            assert.match(
              scene.output('refused'),
              new RegExp(`cannot write ${file.replaceAll('.', '\\.')}: .*\\(${error}\\)`),
              what,
            );
            const path = file.slice('/etc'.length);
            const { [path]: _, ...others } = wanted.files;
            const old = before.files[path];
            const files = old === undefined ? others : { ...others, [path]: old };
            assert.deepEqual(scene.look('refused'), { ...wanted, files }, what);
            assert.equal(scene.status('next'), 0, `${what}: ${scene.output('next')}`);
            assert.deepEqual(scene.look('next'), wanted, what);
            assert.equal(scene.status('revert'), 0, `${what}: ${scene.output('revert')}`);
            assert.deepEqual(scene.look('revert'), before, what);
            refused += 1;
          };
  });
  t.diagnostic(`${refused} errors`);
  assert.ok(refused > 50);
});

test('failed system calls: a file is not touched if its original cannot be saved', { skip }, async (t) => {
  const { before, wanted } = await reference(t);
  const record = '/var/lib/holdfast/originals/.file.%2Fetc%2Fresolv.conf.json.holdfast';
  await twoAtATime(function* () {
    for (const calls of ['openat', 'write', 'fsync', 'rename,renameat,renameat2'])
      yield async () => {
        const steps = `inject='${refuse(record, calls, 'ENOSPC')}'; agent refused apply; look refused`;
        const scene = await new Scene(t, steps).run();
        assert.equal(scene.status('refused'), 4, calls);
        assert.match(scene.output('refused'), /cannot write .*resolv\.conf\.json: no space is left .*\(ENOSPC\)/);
        const files = { ...wanted.files, '/resolv.conf': before.files['/resolv.conf'] };
        assert.deepEqual(scene.look('refused'), { ...wanted, files }, calls);
      };
  });
});

test('failed system calls: a sysctl that the kernel refuses is named; the others are set', { skip }, async (t) => {
  const { wanted } = await reference(t);
  const key = '/proc/sys/net/ipv4/conf/default/send_redirects';
  for (const error of ['EPERM', 'EINVAL', 'EIO']) {
    const scene = await new Scene(
      t,
      `inject='${refuse(key, 'write', error)}'; agent refused apply; look refused`,
    ).run();
    assert.equal(scene.status('refused'), 4);
    assert.match(scene.output('refused'), new RegExp(`cannot write ${key}: .*\\(${error}\\)`));
    assert.deepEqual(scene.look('refused'), { ...wanted, sysctls: '1\n1\n' });
  }
});

test('failed system calls: a folder that cannot be synced is a failure, with the new file whole', {
  skip,
}, async (t) => {
  const { before, wanted } = await reference(t);
  const steps = `inject='${refuse('/etc/sysctl.d', 'fsync', 'EIO')}'; agent refused apply; inject=; look refused; agent next apply; look next`;
  const scene = await new Scene(t, steps).run();
  assert.equal(scene.status('refused'), 4);
  assert.match(scene.output('refused'), /cannot sync \/etc\/sysctl\.d: .*\(EIO\)/);
  assertOneOf(scene.look('refused'), [before, wanted], 'EIO');
  assert.equal(scene.status('next'), 0);
  assert.deepEqual(scene.look('next'), wanted);
});

test('failed system calls: no room for what is only kept to be quicker is no failure', { skip }, async (t) => {
  const { wanted } = await reference(t);
  for (const name of ['configuration', 'files']) {
    const steps = `inject='${refuse(`/run/holdfast/.${name}.holdfast`, 'openat', 'ENOSPC')}'; agent apply apply; look apply`;
    const scene = await new Scene(t, steps).run();
    assert.equal(scene.status('apply'), 0, scene.output('apply'));
    assert.deepEqual(scene.look('apply'), wanted);
  }
});

const REAL: Record<string, { prepare: string; say: RegExp; undo: string }> = {
  'a read-only /etc': {
    prepare: 'mount -o remount,ro /etc',
    say: /cannot write \/etc\/resolv\.conf: its file system is read-only \(EROFS\)/,
    undo: 'mount -o remount,rw /etc',
  },
  'a full /etc': {
    prepare: fillDisk('/etc', 8),
    say: /cannot write \/etc\/resolv\.conf: no space is left on its file system \(ENOSPC\)/,
    undo: 'rm /etc/zero; mount -o remount,size=10m /etc',
  },
  'a full /var/lib': {
    prepare: fillDisk('/var/lib', 0),
    say: /no space is left on its file system \(ENOSPC\)/,
    undo: 'rm -f /var/lib/zero; mount -o remount,size=10m /var/lib',
  },
};

for (const [name, { prepare, say, undo }] of Object.entries(REAL)) {
  test(`failed system calls: ${name}, with a real file system`, { skip }, async (t) => {
    const { before, wanted } = await reference(t);
    const steps = `${prepare}; agent refused apply; look refused; ${undo}; agent next apply; look next; agent revert revert; look revert`;
    const scene = await new Scene(t, steps).run();
    assert.equal(scene.status('refused'), 4, scene.output('refused'));
    assert.match(scene.output('refused'), say);
    const { '/zero': _, ...files } = scene.look('refused').files;
    assert.deepEqual(
      { ...scene.look('refused').files, ...files, '/zero': undefined },
      { ...before.files, '/zero': undefined },
    );
    assert.deepEqual(scene.look('refused').temporaries, []);
    assert.deepEqual([scene.status('next'), scene.look('next')], [0, wanted], scene.output('next'));
    assert.deepEqual([scene.status('revert'), scene.look('revert')], [0, before], scene.output('revert'));
  });
}

test('failed system calls: a resolv.conf that is a mount point is written in place, and that is said', {
  skip,
}, async (t) => {
  const { before, wanted } = await reference(t);
  const steps = `cp /etc/resolv.conf /run/theirs; mount --bind /run/theirs /etc/resolv.conf
    agent apply apply; look apply; agent again apply --detailed-exitcodes; agent revert revert; look revert`;
  const scene = await new Scene(t, steps).run();
  assert.equal(scene.status('apply'), 0, scene.output('apply'));
  assert.match(scene.output('apply'), /resolv\.conf +.*not atomic: the file is a mount point/);
  assert.deepEqual(scene.look('apply'), wanted);
  assert.equal(scene.status('again'), 0, 'nothing is left to change');
  assert.deepEqual([scene.status('revert'), scene.look('revert')], [0, before], scene.output('revert'));
});

test('failed system calls: without flock nothing is touched; cp and unshare can be spared', { skip }, async (t) => {
  const { before, wanted } = await reference(t);
  const without = (program: string) => {
    const path = `"$(command -v ${program})"`;
    return new Scene(t, `mount --bind /dev/null ${path}; agent apply apply; umount ${path}; look apply`).run();
  };
  const unlocked = await without('flock');
  assert.equal(unlocked.status('apply'), 4);
  assert.match(unlocked.output('apply'), /cannot lock \/run\/holdfast\/lock: .*flock/);
  assert.deepEqual(unlocked.look('apply'), before);
  for (const program of ['cp', 'unshare']) {
    const spared = await without(program);
    assert.equal(spared.status('apply'), 0, spared.output('apply'));
    assert.deepEqual(spared.look('apply'), wanted, program);
  }
});

test('parallel runs: ten applies at once all succeed, with one result', { skip }, async (t) => {
  const { wanted } = await reference(t);
  const steps = `for n in 1 2 3 4 5 6 7 8 9 10; do agent $n apply & done; wait; look after; agent last apply --detailed-exitcodes`;
  const scene = await new Scene(t, steps).run();
  for (let n = 1; n <= 10; n += 1) assert.equal(scene.status(`${n}`), 0, scene.output(`${n}`));
  assert.deepEqual(scene.look('after'), wanted);
  assert.equal(scene.status('last'), 0, scene.output('last'));
});

test('parallel runs: an apply beside a revert both end, and the host is as one of them left it', {
  skip,
}, async (t) => {
  const { before, wanted } = await reference(t);
  const steps =
    'agent first apply; agent revert revert & agent apply apply & wait; look after; agent last revert; look last';
  const scene = await new Scene(t, steps, ETC).run();
  assert.deepEqual([scene.status('revert'), scene.status('apply'), scene.status('last')], [0, 0, 0]);
  const after = scene.look('after');
  assert.ok(
    [before, wanted].some((look) => JSON.stringify(look) === JSON.stringify(after)),
    JSON.stringify(after),
  );
  assert.deepEqual(scene.look('last'), before);
});
