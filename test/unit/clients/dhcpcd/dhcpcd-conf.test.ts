/** Our block in dhcpcd.conf: among the global options, and every other byte as it was. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { confLines, editDhcpcdConf, ownScript } from '../../../../agent/clients/dhcpcd/conf.ts';
import type { DesiredDns } from '../../../../agent/config/desired.ts';
import { accepted } from '../../../parts/accepted.ts';

const edit = (text: string, lines: string[] | null = ['nohook resolv.conf']) => {
  const edited = editDhcpcdConf(text, lines);
  assert.ok(edited.ok, edited.ok ? '' : edited.problem);
  return edited.text;
};
const BLOCK = '# BEGIN holdfast\nnohook resolv.conf\n# END holdfast\n';

test('dhcpcd.conf: the block stands at the end, or above what is of one interface, ssid or profile alone', () => {
  assert.equal(edit(''), BLOCK);
  assert.equal(edit('duid\n'), `duid\n${BLOCK}`);
  assert.equal(edit('duid'), `duid\n${BLOCK}`, 'the last line ends first');
  for (const begin of ['interface eth0', '  interface\teth0', 'ssid home', 'profile static_eth0', 'interface']) {
    assert.equal(edit(`duid\n${begin}\nstatic x=1\n`), `duid\n${BLOCK}${begin}\nstatic x=1\n`);
    assert.equal(edit(`${begin}\n`), `${BLOCK}${begin}\n`);
  }
  assert.equal(
    edit('# a\n\n# the office\n; and home\ninterface eth0\n'),
    `# a\n\n${BLOCK}# the office\n; and home\ninterface eth0\n`,
  );
  assert.equal(edit('#interface eth0\ninterfaces x\nduid\n'), `#interface eth0\ninterfaces x\nduid\n${BLOCK}`);
});

test('dhcpcd.conf: it stays where it is, unless dhcpcd would not take it there', () => {
  for (const text of [`${BLOCK}duid\ninterface eth0\n`, `duid\n${BLOCK}`]) {
    assert.equal(edit(text), text);
    assert.equal(edit(text, ['nohook x']), text.replace('resolv.conf', 'x'));
    assert.equal(edit(edit(text), null), text.replace(BLOCK, ''));
  }
  assert.equal(edit(`interface eth0\nnoarp\n${BLOCK}`), `${BLOCK}interface eth0\nnoarp\n`, 'moved below an interface');
  const ours = ['static domain_name=b'];
  const block = BLOCK.replace('nohook resolv.conf', ours.join());
  const overruled = `${block}static domain_name=a\nduid\n`;
  assert.equal(edit(overruled, ours), `static domain_name=a\nduid\n${block}`, 'the last of two counts');
  assert.equal(edit(`${block}static domain_search=a\n`, ours), `${block}static domain_search=a\n`);
  assert.equal(edit(`${BLOCK}static routers=10.0.0.1\n`), `${BLOCK}static routers=10.0.0.1\n`);
});

test('dhcpcd.conf: editing any text is idempotent, and removing the block restores the text', () => {
  const parts = [
    'duid',
    '# c',
    '',
    'interface eth0',
    ' static domain_name=x',
    'ssid "a b"',
    'é\r',
    '\t;x',
    'nohook a, b',
  ];
  let seed = 1;
  const random = (n: number) => {
    seed = (seed * 48271) % 2147483647;
    return seed % n;
  };
  for (let round = 0; round < 500; round += 1) {
    const text = Array.from({ length: random(7) }, () => `${parts[random(parts.length)]}\n`).join('');
    const once = edit(text);
    assert.equal(edit(once), once);
    assert.equal(edit(once, null), text);
    const first = once.search(/^[ \t]*(interface|ssid|profile)\b/m);
    assert.ok(first === -1 || once.indexOf('# BEGIN') < first);
  }
});

test('dhcpcd.conf: a doubtful file is left alone, and its line is named', () => {
  const problem = (text: string) => {
    const edited = editDhcpcdConf(text, ['nohook resolv.conf']);
    return edited.ok ? null : edited.problem;
  };
  assert.match(problem('a\nb\0c\n') ?? '', /^line 2: a NUL byte/);
  assert.match(problem(`${BLOCK}x\n${BLOCK}`) ?? '', /^line 2: a mark/);
  assert.match(problem('duid\n# BEGIN holdfast\nduid\n') ?? '', /^line 2: a mark/);
});

test('dhcpcd.conf: settings of one interface are reported', () => {
  const edited = editDhcpcdConf('interface eth0\nstatic domain_name_servers=10.0.0.9\nstatic ip_address=1\n', ['x']);
  assert.deepEqual(edited.ok && edited.notes, [
    'line 2 has "static domain_name_servers=10.0.0.9" for interface eth0; the hook has the last word',
  ]);
  assert.deepEqual(ownScript('duid\n script /bin/x # y\n'), { path: '/bin/x', line: 2 });
  assert.equal(ownScript('#script /bin/x\n'), null);
});

test('dhcpcd.conf: domain_name comes before domain_name_servers, which dhcpcd 9.4 takes it to replace', () => {
  const dns: DesiredDns = accepted({
    domain: 'a.example',
    search: ['b.example', 'c.example'],
    nameservers: ['10.0.0.1', 'fd00::1'],
    sortlist: null,
    options: ['rotate'],
    symlink: 'refuse',
    split: null,
    verify: null,
  });
  assert.deepEqual(confLines(dns, true), [
    'nohook resolv.conf',
    'static domain_name=a.example',
    'static domain_search=b.example c.example',
    'static domain_name_servers=10.0.0.1 fd00::1',
  ]);
});
