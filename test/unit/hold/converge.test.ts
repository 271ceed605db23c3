/** Findings become outcomes: locks, several rounds, and failures that stop nothing else. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { lstatSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { converge, inspectAll } from '../../../agent/hold/converge.ts';
import { KnownFiles } from '../../../agent/hold/files/verified-files.ts';
import type { Finding, Outcome, Resource, State } from '../../../agent/hold/resource.ts';
import { Host } from '../../../agent/host/host.ts';
import { makeResources } from '../../../agent/resources/index.ts';
import { WHOLE } from '../../parts/desired.ts';
import { missing, scratch } from '../../parts/scratch.ts';

const skip = missing('flock');

/** A resource of one value; `apply` says what becomes of it. */
function resource(
  name: string,
  state: State,
  { refusal, apply = () => 'ok' as State | Error }: { refusal?: string; apply?: () => State | Error } = {},
): Resource & { applied: number } {
  let now = state;
  return {
    name,
    applied: 0,
    async inspect(): Promise<Finding[]> {
      const finding = {
        resource: name,
        key: name,
        kind: 'sysctl',
        moment: 'now',
        state: now,
        wanted: 'w',
        actual: now,
      } as const;
      return [{ ...finding, settings: async () => [], ...(refusal === undefined ? {} : { refusal }) }];
    },
    async apply({ resource, key, moment }: Finding) {
      this.applied += 1;
      const result = apply();
      if (result instanceof Error) throw result;
      now = result;
      return { resource, key, moment, result: 'changed', actual: now };
    },
    watches: () => [],
  };
}

test('converge: without drift it takes no lock and makes no folder', async (t) => {
  const host = new Host({ root: scratch(t) });
  const outcomes = await converge(host, [resource('a', 'ok'), resource('b', 'skipped'), resource('c', 'unknown')]);
  assert.deepEqual(
    outcomes.map(({ result }) => result),
    ['ok', 'skipped', 'skipped'],
  );
  assert.deepEqual(readdirSync(host.root), []);
});

test('converge: a resource that can apply several findings in one pass is given all that drifted', {
  skip,
}, async (t) => {
  const passes: string[][] = [];
  const done = new Set<string>();
  const finding = (key: string): Finding => ({
    ...{ resource: 'many', key, kind: 'sysctl', moment: 'now', wanted: 'w', settings: async () => [] },
    ...(done.has(key) || key === 'right' ? { state: 'ok', actual: 'w' } : { state: 'drifted', actual: null }),
  });
  const outcome = ({ resource, key, moment }: Finding): Outcome => {
    done.add(key);
    return { resource, key, moment, result: 'changed', actual: 'w' };
  };
  const many: Resource = {
    name: 'many',
    inspect: async () => ['a', 'right', 'b', 'c'].map(finding),
    apply: async () => assert.fail('one by one'),
    async applyMany(findings) {
      passes.push(findings.map(({ key }) => key));
      return findings.map(outcome);
    },
    watches: () => [],
  };
  const outcomes = await converge(new Host({ root: scratch(t) }), [many]);
  assert.deepEqual(passes, [['a', 'b', 'c']]);
  assert.deepEqual(
    outcomes.map(({ key, result }) => [key, result]),
    [
      ['a', 'changed'],
      ['right', 'ok'],
      ['b', 'changed'],
      ['c', 'changed'],
    ],
  );
});

test('converge: a pass over several findings that fails as a whole is done one by one', { skip }, async (t) => {
  const done = new Set<string>();
  const broken: Resource = {
    name: 'broken',
    inspect: async () =>
      ['a', 'b'].map((key) => ({
        ...{ resource: 'broken', key, kind: 'sysctl', moment: 'now', wanted: 'w', settings: async () => [] },
        ...(done.has(key) ? { state: 'ok', actual: 'w' } : { state: 'drifted', actual: null }),
      })),
    async apply({ resource, key, moment }) {
      if (key === 'a') throw new Error('not this one');
      done.add(key);
      return { resource, key, moment, result: 'changed', actual: 'w' };
    },
    applyMany: async () => {
      throw new Error('the kernel lost an answer');
    },
    watches: () => [],
  };
  const outcomes = await converge(new Host({ root: scratch(t) }), [broken]);
  assert.deepEqual(
    outcomes.map(({ key, result, reason }) => [key, result, reason]),
    [
      ['a', 'failed', 'not this one'],
      ['b', 'changed', undefined],
    ],
  );
});

test('converge: a resource that fails never stops another, and is not tried again', { skip }, async (t) => {
  const blind: Resource = {
    name: 'blind',
    inspect: () => Promise.reject(new Error('cannot look')),
    apply: () => assert.fail('is not called'),
    watches: () => [],
  };
  const failing = resource('failing', 'drifted', { apply: () => new Error('cannot write') });
  const refused = resource('refused', 'drifted', { refusal: 'not ours' });
  const good = resource('good', 'drifted');
  const outcomes = await converge(new Host({ root: scratch(t) }), [blind, failing, refused, good]);
  assert.deepEqual(
    outcomes.map(({ resource, result, reason }) => [resource, result, reason]),
    [
      ['blind', 'failed', 'cannot look'],
      ['failing', 'failed', 'cannot write'],
      ['refused', 'failed', 'not ours'],
      ['good', 'changed', undefined],
    ],
  );
  assert.deepEqual([failing.applied, refused.applied, good.applied], [1, 0, 1]);
});

test('converge: a change that another change undid is made again, and one that never stays is a failure', {
  skip,
}, async (t) => {
  const host = new Host({ root: scratch(t) });
  let undone = false;
  const first = resource('first', 'drifted', {
    apply: () => {
      const state = undone ? 'ok' : 'drifted';
      undone = true;
      return state;
    },
  });
  assert.deepEqual(
    (await converge(host, [first])).map(({ result }) => result),
    ['changed'],
  );
  assert.equal(first.applied, 2);

  const never = resource('never', 'drifted', { apply: () => 'drifted' });
  const [outcome] = await converge(host, [never]);
  assert.equal(outcome!.result, 'failed');
  assert.match(outcome!.reason!, /does not stay/);
});

const ETC = {
  'etc/resolv.conf': '# by hand\nnameserver 9.9.9.9\n',
  'etc/dhcp/dhclient.conf': 'timeout 60;\n',
  'etc/dhcp/dhclient-enter-hooks.d/debug': ':\n',
};

/** Every file below a folder with all that a write would change. */
function fingerprint(folder: string): Record<string, string> {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort();
  return Object.fromEntries(
    names.map((name) => {
      const { ino, mtimeMs, ctimeMs, mode } = lstatSync(join(folder, name));
      return [name, `${ino} ${mtimeMs} ${ctimeMs} ${mode}`];
    }),
  );
}

test('converge: the second apply changes no inode, time or content', { skip }, async (t) => {
  const host = new Host({ root: scratch(t, ETC) });
  const state = {
    ...WHOLE,
    sysctl: [{ path: 'net/ipv4/ip_forward', key: 'net.ipv4.ip_forward', want: { value: '1' }, optional: false }],
  };
  const resources = () => makeResources(host, state, { known: new KnownFiles('test') });
  const first = await converge(host, resources());
  assert.deepEqual(
    first.map(({ result }) => result),
    ['changed', 'changed', 'changed', 'changed', 'skipped', 'changed', 'skipped', 'skipped'],
  );
  const before = fingerprint(host.root);
  const second = await converge(host, resources());
  assert.deepEqual(
    second.map(({ result }) => result),
    ['ok', 'ok', 'ok', 'ok', 'skipped', 'ok', 'skipped', 'skipped'],
  );
  assert.deepEqual(fingerprint(host.root), before);
});

test('converge: one resource that cannot be written stops no other', {
  skip: skip || (process.getuid?.() === 0 ? false : 'needs root'),
}, async (t) => {
  const host = new Host({ root: scratch(t, ETC) });
  mkdirSync(join(host.root, 'etc/resolv.conf.d'));
  // A folder where the file should be: cannot be read, cannot be renamed over.
  execFileSync('sh', ['-c', 'rm etc/resolv.conf && mkdir etc/resolv.conf && touch etc/resolv.conf/x'], {
    cwd: host.root,
  });
  const outcomes = await converge(host, makeResources(host, WHOLE, { known: new KnownFiles('test') }));
  assert.deepEqual(
    outcomes.filter(({ result }) => result === 'failed').map(({ resource }) => resource),
    ['resolver'],
  );
  assert.match(
    outcomes.find(({ result }) => result === 'failed')!.reason!,
    /cannot read \/etc\/resolv\.conf: it is a folder/,
  );
  assert.equal(outcomes.filter(({ result }) => result === 'changed').length, 3);
});

test("converge: a link that belongs to somebody is refused with the owner's name; the others are done", {
  skip,
}, async (t) => {
  const host = new Host({
    root: scratch(t, { ...ETC, 'run/systemd/resolve/stub-resolv.conf': 'nameserver 127.0.0.53\n' }),
  });
  execFileSync('rm', [join(host.root, 'etc/resolv.conf')]);
  symlinkSync('../run/systemd/resolve/stub-resolv.conf', join(host.root, 'etc/resolv.conf'));
  const outcomes = await converge(host, makeResources(host, WHOLE, { known: new KnownFiles('test') }));
  const failed = outcomes.filter(({ result }) => result === 'failed');
  assert.deepEqual(
    failed.map(({ key }) => key),
    ['/etc/resolv.conf'],
  );
  assert.match(
    failed[0]!.reason!,
    /a symbolic link to \/run\/systemd\/resolve\/stub-resolv\.conf, which belongs to systemd-resolved; set dns\.symlink/,
  );
  assert.equal(
    readFileSync(join(host.root, 'run/systemd/resolve/stub-resolv.conf'), 'utf8'),
    'nameserver 127.0.0.53\n',
  );
  assert.equal(
    (await inspectAll(makeResources(host, WHOLE, { known: new KnownFiles('test') }))).filter(
      ({ state }) => state === 'drifted',
    ).length,
    1,
  );
});
