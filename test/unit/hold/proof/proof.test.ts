/** What is remembered as proved, and what counts as lost after a change of DNS. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DesiredVerify } from '../../../../agent/config/desired.ts';
import { lookUp } from '../../../../agent/dns/lookup.ts';
import { lostNames } from '../../../../agent/hold/proof/lookups.ts';
import { isProved, type ProvedDns, provedText } from '../../../../agent/hold/proof/proved.ts';
import { PutBackPause } from '../../../../agent/hold/proof/put-back-pause.ts';
import type { Host } from '../../../../agent/host/host.ts';
import { accepted, type Plain } from '../../../parts/accepted.ts';

const VERIFY: Plain<DesiredVerify> = {
  name: 'puppet.example.com',
  expect: ['10.72.0.0/16'],
  timeout: 2_000,
  quorum: 1,
};
const DNS: ProvedDns = accepted({
  nameservers: ['10.0.0.1', '10.0.0.2'],
  search: null,
  domain: null,
  options: null,
  split: null,
  verify: VERIFY,
});

test('proof: a change that was put back is tried again ever more seldom, and at once on another network', () => {
  const pause = new PutBackPause();
  const minute = 60_000;
  let now = 0;
  const waits = Array.from({ length: 5 }, () => {
    const wait = pause.begin(now, '10.0.0.5/24');
    assert.equal(pause.isOver(now + wait - 1, '10.0.0.5/24'), false);
    assert.equal(pause.isOver(now + wait, '10.0.0.5/24'), true);
    now += wait;
    return wait / minute;
  });
  assert.deepEqual(waits, [10, 20, 40, 60, 60]);
  pause.begin(now, '10.0.0.5/24');
  assert.equal(pause.isOver(now + minute, '10.0.1.7/24'), true, 'another address');
  assert.equal(pause.isOver(now + 1000, '10.0.1.7/24'), false, 'a link that flaps does not cost DNS again and again');
});

test('a proof covers what it proved, and what is asked less strictly', () => {
  const with_ = (verify: Partial<typeof VERIFY>): ProvedDns => accepted({ ...DNS, verify: { ...VERIFY, ...verify } });
  const cases: [string, Plain<ProvedDns>, boolean][] = [
    ['the same', DNS, true],
    ['another time limit', with_({ timeout: 500 }), true],
    ['a quorum that was met', with_({ quorum: 2 }), true],
    ['a quorum that was not', with_({ quorum: 3 }), false],
    ['a further network', with_({ expect: ['192.0.2.0/24', '10.72.0.0/16'] }), true],
    ['any address', with_({ expect: null }), true],
    ['another network', with_({ expect: ['192.0.2.0/24'] }), false],
    ['another name', with_({ name: 'ntp.example.com' }), false],
    ['other servers', { ...DNS, nameservers: ['10.0.0.1'] }, false],
    ['the same in another order', { ...DNS, nameservers: ['10.0.0.2', '10.0.0.1'] }, false],
    ['a search list', { ...DNS, search: ['example.com'] }, false],
    ['options', { ...DNS, options: ['rotate'] }, false],
  ];
  for (const [what, dns, expected] of cases) assert.equal(isProved(provedText(DNS, 2), accepted(dns)), expected, what);
  const { timeout, ...untimed } = VERIFY;
  const earlier = JSON.stringify({ ...DNS, verify: { ...untimed, timeout } });
  assert.equal(isProved(`${earlier}\n`, DNS), true, 'as an earlier version wrote it');
  for (const text of [null, '', '{', 'null', '{}', '[]', '{"verify":1}']) assert.equal(isProved(text, DNS), false);
});

test('any address found before means that DNS worked: the proof must be found, and be right', () => {
  const lost = (...[before, after, verify]: Plain<Parameters<typeof lostNames>>) =>
    lostNames(accepted(before), accepted(after), accepted(verify));
  const proof = (...addresses: string[]) => [{ name: VERIFY.name, addresses }];
  const both = (addresses: string[], collectors: string[]) => [
    ...proof(...addresses),
    { name: 'collector.example.com', addresses: collectors },
  ];
  assert.deepEqual(lost(proof('10.71.1.1'), proof('10.72.1.1'), VERIFY), []);
  assert.deepEqual(lost(proof(), proof(), VERIFY), [], 'it found nothing before');
  assert.deepEqual(lost(proof('10.71.1.1'), proof(), VERIFY), [
    'does not find puppet.example.com any more (before: 10.71.1.1)',
  ]);
  assert.deepEqual(lost(proof('10.72.1.1'), proof('192.0.2.1'), VERIFY), [
    'finds 192.0.2.1 for puppet.example.com, which is not in 10.72.0.0/16',
  ]);
  assert.deepEqual(lost(both([], ['10.1.1.1']), both([], ['10.1.1.1']), VERIFY), ['does not find puppet.example.com']);
  assert.deepEqual(lost(both(['10.71.1.1'], ['10.1.1.1']), both(['10.72.1.1'], []), VERIFY), [
    'does not find collector.example.com any more (before: 10.1.1.1)',
  ]);
  const unable = [{ name: VERIFY.name, addresses: null }];
  assert.deepEqual(lost(unable, unable, VERIFY), [], 'no getent here');
});

test('proof: nscd does not answer the look-up from its cache', async () => {
  const asked = async (files: Record<string, string>) => {
    let given: readonly string[] = [];
    const host = {
      root: '/',
      lstat: (path: string) => (path in files ? {} : null),
      readText: (path: string) => files[path] ?? null,
      runBeside: async (_program: string, args: readonly string[]) => {
        given = args;
        return { status: 0, stdout: '10.72.1.1 STREAM x\n10.72.1.1 DGRAM\n', stderr: '', error: null };
      },
    };
    assert.deepEqual(await lookUp(host as unknown as Host, 'a.example.'), ['10.72.1.1']);
    return given;
  };
  const tail = ['ahosts', '--', 'a.example.'];
  assert.deepEqual(await asked({ '/etc/nsswitch.conf': 'hosts: files dns\n' }), tail);
  assert.deepEqual(await asked({ '/run/nscd/socket': '' }), ['-s', 'hosts:files dns', ...tail]);
  const conf = '# hosts: x\nhosts: db\npasswd: files\n hosts:\tresolve [!UNAVAIL=return] dns # here\n';
  assert.deepEqual(await asked({ '/var/run/nscd/socket': '', '/etc/nsswitch.conf': conf }), [
    '-s',
    'hosts:resolve [!UNAVAIL=return] dns',
    ...tail,
  ]);
});
