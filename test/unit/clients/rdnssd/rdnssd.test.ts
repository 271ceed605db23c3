/** rdnssd's merge hook: which file it is, where our lines stand in it, and when there are none. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { Rdnssd } from '../../../../agent/clients/rdnssd/kept.ts';
import { rdnssdLeases } from '../../../../agent/clients/rdnssd/known-leases.ts';
import { placeFirst, renderMergeHook } from '../../../../agent/clients/rdnssd/merge-hook.ts';
import { mergeHook } from '../../../../agent/clients/rdnssd/running.ts';
import { Host } from '../../../../agent/host/host.ts';
import { clientSurroundings } from '../../../parts/client-surroundings.ts';
import { dns, WHOLE } from '../../../parts/desired.ts';
import { FolderHost } from '../../../parts/doctor-patient.ts';
import { scratch } from '../../../parts/scratch.ts';
import { SHELLS } from '../../../parts/shells.ts';

const HOOK = 'etc/rdnssd/merge-hook';
const INSTALLED = { 'sbin/rdnssd': '', [HOOK]: '#! /bin/sh\nset -e\necho merge\n' };

function running(t: TestContext, line: string, files: Record<string, string> = {}) {
  const root = scratch(t, { ...INSTALLED, ...files });
  return new FolderHost(root, { others: { rdnssd: { 7: line } } });
}

test('rdnssd: the merge hook is the one of the command line, else of the file of defaults', (t) => {
  for (const form of ['-u rdnssd -H /etc/x', '-H/etc/x', '--merge-hook /etc/x', '--merge-hook=/etc/x'])
    assert.equal(mergeHook(running(t, `/sbin/rdnssd ${form}`)), '/etc/x', form);
  assert.equal(mergeHook(running(t, '/sbin/rdnssd -u rdnssd')), null);
  const defaults = (text: string) =>
    mergeHook(new Host({ root: scratch(t, { ...INSTALLED, 'etc/default/rdnssd': text }) }));
  assert.equal(defaults('# x\nMERGE_HOOK="/etc/rdnssd/merge-hook"\n'), '/etc/rdnssd/merge-hook');
  assert.equal(defaults('#MERGE_HOOK="/etc/rdnssd/merge-hook"\n'), null);
  assert.equal(defaults('MERGE_HOOK=$(which x)\n'), null);
  assert.equal(mergeHook(new Host({ root: scratch(t, INSTALLED) })), '/etc/rdnssd/merge-hook');
});

test('rdnssd: our lines come first, and leave every other byte', async (t) => {
  const root = scratch(t, INSTALLED);
  const host = new Host({ root });
  const text = () => readFileSync(`${root}/${HOOK}`, 'utf8');
  const apply = async (resource: Rdnssd) => {
    for (const finding of await resource.inspect()) await resource.apply(finding);
  };
  const make = (wanted: ReturnType<typeof dns> | null) => new Rdnssd(host, wanted, clientSurroundings(host));
  await apply(make(dns({ nameservers: ['10.0.0.1'] })));
  assert.match(
    text(),
    /^#! \/bin\/sh\n# BEGIN holdfast\n[\s\S]*\n {4}exit 0\n[\s\S]*# END holdfast\nset -e\necho merge\n$/,
  );
  const [finding] = await make(dns({ nameservers: ['10.0.0.1'] })).inspect();
  assert.equal(finding?.state, 'ok');
  const settings = (await finding?.settings()) ?? [];
  assert.deepEqual(
    settings.map(({ setting, moment, state }) => [setting, moment, state]),
    [
      ['dns.nameservers', 'lease', 'ok'],
      ['dns.nameservers', 'boot', 'ok'],
    ],
  );
  // Lines that were moved come first again.
  assert.ok(
    placeFirst(`#!/bin/sh\nset -e\n# BEGIN holdfast\nold\n# END holdfast\n`, 'new\n').startsWith(
      '#!/bin/sh\n# BEGIN holdfast\nnew\n',
    ),
  );
  for (const open of [null, dns({ search: ['a.example'] })]) {
    await apply(make(dns({ nameservers: ['10.0.0.1'] })));
    await apply(make(open));
    assert.equal(text(), INSTALLED[HOOK]);
  }
});

test('rdnssd: a merge hook that is no shell script, or writes nothing, is left alone', async (t) => {
  const wanted = dns({ nameservers: ['10.0.0.1'] });
  const look = async (host: Host) => new Rdnssd(host, wanted, clientSurroundings(host)).inspect();
  const [finding] = await look(running(t, 'rdnssd -H /etc/rdnssd/merge-hook', { [HOOK]: '#!/usr/bin/python3\n' }));
  assert.match(finding?.refusal ?? '', /no shell script/);
  assert.deepEqual(
    (await finding?.settings())?.map(({ state }) => state),
    ['unknown', 'unknown'],
  );
  assert.deepEqual(await look(running(t, 'rdnssd -H /bin/true', { 'bin/true': '#!/bin/sh\n' })), []);
  assert.deepEqual(await look(new Host({ root: scratch(t, { [HOOK]: INSTALLED[HOOK] }) })), [], 'not installed');
});

test('rdnssd: every shell understands our lines', (t) => {
  const host = new Host({ root: scratch(t) });
  for (const symlink of ['refuse', 'replace'] as const) {
    const program = placeFirst('#!/bin/sh\n', renderMergeHook({ ...WHOLE.dns!, symlink }));
    for (const shell of Object.values(SHELLS)) {
      const [command = '', ...args] = shell.split(' ');
      const checked = host.run(command, [...args, '-n'], { input: program });
      assert.equal(checked.error ?? checked.stderr, '', shell);
    }
  }
});

test('rdnssd: what it heard is an offer; text that is no address is dropped', (t) => {
  const heard =
    'search a.example\nnameserver 2001:db8::11\nnameserver fe80::1%eth0\nnameserver $(reboot)\nnameserver\n';
  const { leases, unknown } = rdnssdLeases(running(t, 'rdnssd', { 'run/rdnssd/resolv.conf': heard }));
  assert.deepEqual([leases.map(({ nameservers }) => nameservers), unknown], [[['2001:db8::11', 'fe80::1']], []]);
  assert.equal(rdnssdLeases(running(t, 'rdnssd')).unknown.length, 1);
});
