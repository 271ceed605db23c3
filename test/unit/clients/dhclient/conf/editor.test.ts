/** The editor of dhclient.conf changes only the statements that the configuration needs. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { type EditedConf, editConf, readConf } from '../../../../../agent/clients/dhclient/conf/editor.ts';
import { wantedIn, wantedRequest } from '../../../../../agent/clients/dhclient/conf/wanted.ts';
import type { DesiredDhcp } from '../../../../../agent/config/desired.ts';
import { confText, wishes } from '../../../../parts/dhclient-arbitrary.ts';
import { WANTED, wantedGlobally } from '../../../../parts/dhclient-wanted.ts';

const CORPUS = new URL('../../../../corpus/dhclient/', import.meta.url);
const SERVERS = wantedGlobally({ 'domain-name-servers': ['10.0.0.1', '10.0.0.2'] });
const BEGIN = '# BEGIN holdfast: kept by "agent apply", changes in here are overwritten\n';
const END = '# END holdfast\n';

function edited(text: string, wanted: DesiredDhcp, mayName: readonly string[] = []): EditedConf {
  const result = editConf(text, wanted, mayName);
  if (!result.ok) assert.fail(`refused: ${JSON.stringify(result.problems)}\n${text}`);
  return result;
}

function becomes(before: string, after: string, wanted: DesiredDhcp = SERVERS): void {
  assert.equal(edited(before, wanted).text, after);
}

function request(without: string[], also: string[]): DesiredDhcp {
  return { global: { supersede: new Map(), request: { without, also }, ignore: [] }, interfaces: new Map() };
}

test('dhclient.conf editor: a missing statement goes into one marked block at the end', () => {
  becomes('timeout 5;', `timeout 5;\n${BEGIN}supersede domain-name-servers 10.0.0.1, 10.0.0.2;\n${END}`);
  becomes('', `${BEGIN}supersede domain-name-servers 10.0.0.1, 10.0.0.2;\n${END}`);
  assert.ok(!/[^\r]\n/.test(edited('timeout 5;\r\n', SERVERS).text), 'in the line ends of the file');
});

test('dhclient.conf editor: a wrong statement is changed in its place, and its surroundings stay', () => {
  becomes(
    '\tsupersede\tdomain-name-servers  1.1.1.1 ; # ours\n#supersede domain-name-servers 2.2.2.2;\n',
    '\tsupersede\tdomain-name-servers  10.0.0.1, 10.0.0.2 ; # ours\n#supersede domain-name-servers 2.2.2.2;\n',
  );
  becomes(
    'supersede domain-name-servers 1.1.1.1, # one\n  2.2.2.2; # two\n',
    'supersede domain-name-servers 10.0.0.1, 10.0.0.2 # one\n  ; # two\n',
  );
});

test('dhclient.conf editor: a right statement stays byte for byte, in any spelling', () => {
  for (const text of [
    'SUPERSEDE domain-name-servers\t10.0.0.1 ,10.0.0.2;',
    'supersede unknown-6 10.0.0.1,10.0.0.2;prepend domain-search "x";',
    'prepend domain-name-servers 1.1.1.1; supersede domain-name-servers 10.0.0.1, 10.0.0.2;',
    'supersede domain-name-servers 10.0.0.1, 10.0.0.2; default domain-name-servers 1.1.1.1;',
  ])
    assert.deepEqual(edited(text, SERVERS).edits, []);
  becomes('supersede domain-search "a.";', 'supersede domain-search "a.";', wantedGlobally({ 'domain-search': ['a'] }));
});

test('dhclient.conf editor: of several statements the last one decides, and becomes the wanted one', () => {
  const wanted = 'supersede domain-name-servers 10.0.0.1, 10.0.0.2;';
  becomes(
    'supersede domain-name-servers 1.1.1.1;\nsupersede domain-name-servers 2.2.2.2;\n',
    `supersede domain-name-servers 1.1.1.1;\n${wanted}\n`,
  );
  becomes(
    'supersede domain-name-servers 1.1.1.1;\nprepend domain-name-servers 2.2.2.2;\n',
    `supersede domain-name-servers 1.1.1.1;\n${wanted}\n`,
  );
  becomes('append domain-name-servers 1.1.1.1;\n', `${wanted}\n`);
  becomes('default domain-name-servers 1.1.1.1;\n', `${wanted}\n`);
});

test('dhclient.conf editor: an interface that would beat a global value gets the wanted one, its own where it has one', () => {
  const text = 'interface "eth1" { prepend domain-name-servers 1.1.1.1; }\nsupersede domain-name-servers 2.2.2.2;\n';
  becomes(
    text,
    'interface "eth1" { supersede domain-name-servers 10.0.0.1, 10.0.0.2; }\nsupersede domain-name-servers 10.0.0.1, 10.0.0.2;\n',
  );
  const result = edited(text, WANTED);
  assert.ok(result.text.startsWith('interface "eth1" { supersede domain-name-servers 10.0.0.9; }\n'));
  assert.deepEqual(
    result.settings
      .filter(({ setting }) => setting === 'supersede.domain-name-servers')
      .map(({ iface, actual, line, ok }) => [iface, actual, line, ok]),
    [
      [null, '2.2.2.2', 2, false],
      ['eth1', 'prepend domain-name-servers 1.1.1.1;', 1, false],
    ],
  );
});

test('dhclient.conf editor: it names no new interface, because dhclient would configure that one', () => {
  const result = edited('timeout 5;\n', WANTED);
  assert.ok(!result.text.includes('eth1'));
  const own = result.settings.filter(({ iface }) => iface === 'eth1');
  assert.ok(own.length > 0 && own.every(({ ok, reason }) => !ok && reason?.includes('eth1')));
  assert.match(
    edited('timeout 5;\n', WANTED, ['eth1']).text,
    /\ninterface "eth1" \{\n {2}supersede domain-name-servers 10\.0\.0\.9;\n/,
  );
});

test('dhclient.conf editor: a condition and an include stay, and the wanted value is said again after them', () => {
  const block = `${BEGIN}supersede domain-name-servers 10.0.0.1, 10.0.0.2;\n${END}`;
  const condition = 'if exists routers { supersede domain-name-servers 1.1.1.1; }\n';
  becomes(condition, condition + block);
  const result = edited('supersede domain-name-servers 1.1.1.1;\ninclude "/x";\n', SERVERS);
  assert.equal(result.text, `supersede domain-name-servers 10.0.0.1, 10.0.0.2;\ninclude "/x";\n${block}`);
  assert.match(result.warnings.join(), /line 2: what \/x sets in an interface block/);
  const after = `${block}${condition}`;
  assert.equal(edited(after, SERVERS).text, condition + block, 'the block goes to the end again');
});

test('dhclient.conf editor: lines that scripts appended again and again are replaced', () => {
  const wanted = 'supersede domain-name-servers 10.0.0.1, 10.0.0.2;';
  for (const broken of [
    'supersede domain-name-servers 10.0.0.1 10.0.0.2;',
    'supersede domain-name-servers 10.77.0.300;',
    'supersede domain-name-servers "10.0.0.1";',
    'supersede domain-name-servers 10.0.0.1,;',
    'supersede domain-name-servers;',
    'supersede domain-name-servers 1.1.1.1',
  ])
    becomes(`timeout 5;\n${broken}\nsend host-name "a";\n`, `timeout 5;\n${wanted}\nsend host-name "a";\n`);
  becomes(
    'supersede domain-search a.example;\n',
    'supersede domain-search "a";\n',
    wantedGlobally({ 'domain-search': ['a'] }),
  );
  becomes(
    'supersede wpad "x";\n',
    `${BEGIN}option wpad code 252 = text;\nsupersede wpad "http://a/";\n${END}`,
    wantedGlobally({ wpad: ['http://a/'] }),
  );
});

test('dhclient.conf editor: a file with any other syntax error is reported by line and not edited', () => {
  for (const name of readdirSync(new URL('refused/', CORPUS))) {
    const result = editConf(readFileSync(new URL(`refused/${name}`, CORPUS), 'latin1'), WANTED);
    assert.ok(!result.ok, name);
    assert.equal(result.problems[0]!.line, Number(/line(\d+)/.exec(name)![1]), name);
  }
});

test('dhclient.conf editor: options are removed from and added to a request list in place', () => {
  const wanted = request(['routers'], ['interface-mtu', 'host-name']);
  becomes('request routers, subnet-mask, host-name;\n', 'request subnet-mask, host-name, interface-mtu;\n', wanted);
  becomes(
    'request subnet-mask,\n\trouters,\n\thost-name;\n',
    'request subnet-mask,\n\thost-name, interface-mtu;\n',
    wanted,
  );
  becomes(
    'request subnet-mask, routers,\n\thost-name;\n',
    'request subnet-mask,\n\thost-name, interface-mtu;\n',
    wanted,
  );
  becomes(
    'request host-name, # mine\n routers; # end\n',
    'request host-name, interface-mtu # mine\n ; # end\n',
    wanted,
  );
  becomes('request routers;\n', 'request interface-mtu, host-name;\n', wanted);
});

test('dhclient.conf editor: a compiled-in request list is written out, also for an interface that copied it', () => {
  becomes('also request ntp-servers;\n', 'also request ntp-servers, interface-mtu;\n', request([], ['interface-mtu']));
  becomes('', `${BEGIN}also request interface-mtu;\n${END}`, request([], ['interface-mtu']));
  const list =
    'subnet-mask, broadcast-address, time-offset, domain-name, domain-name-servers, host-name, dhcp6.name-servers, dhcp6.domain-search';
  becomes(
    'interface "eth0" { }\nrequest routers, subnet-mask;\n',
    `interface "eth0" { }\nrequest subnet-mask;\n${BEGIN}interface "eth0" {\n  request ${list};\n}\n${END}`,
    request(['routers'], []),
  );
});

test('dhclient.conf editor: an option that needs a definition gets one, unless the file has it', () => {
  const wanted = request([], ['rfc3442-classless-static-routes']);
  const definition = 'option rfc3442-classless-static-routes code 121 = array of unsigned integer 8;\n';
  becomes(
    'request routers;\n',
    `request routers;\n${BEGIN}${definition}also request rfc3442-classless-static-routes;\n${END}`,
    wanted,
  );
  becomes(
    `${definition}request routers;\n`,
    `${definition}request routers, rfc3442-classless-static-routes;\n`,
    wanted,
  );
  becomes(
    'option domain-search code 119 = text;\n',
    `option domain-search code 119 = text;\n${BEGIN}supersede domain-search "a b";\n${END}`,
    wantedGlobally({ 'domain-search': ['a', 'b'] }),
  );
});

test('dhclient.conf editor: the block keeps what others wrote into it, and goes when nothing is left for it', () => {
  const nothing = wantedGlobally({});
  becomes(`timeout 5;\n${BEGIN}supersede domain-name "a";\n${END}retry 5;\n`, 'timeout 5;\nretry 5;\n', nothing);
  becomes(`${BEGIN}supersede domain-name "a";\n# note\nretry 5;\n${END}`, `${BEGIN}# note\nretry 5;\n${END}`, nothing);
  becomes(`${BEGIN}timeout 5;\n`, `${BEGIN}timeout 5;\n`, nothing);
});

test('dhclient.conf editor: edits of the corpus and of generated files are idempotent, effective and minimal', () => {
  const check = (text: string, wanted: DesiredDhcp) => {
    const ifaces = ['eth0', 'eth1'];
    const result = edited(text, wanted, ifaces);
    const again = edited(result.text, wanted, ifaces);
    assert.equal(again.text, result.text);
    assert.deepEqual(
      again.settings.filter(({ ok }) => !ok),
      [],
    );
    assert.equal(undone(result, text), text);
    for (const iface of [null, ...ifaces]) {
      const { supersede, request: names } = readConf(result.text, iface);
      for (const { definition, values } of wantedIn(wanted, iface))
        if (!text.includes('code 119 = text'))
          assert.deepEqual(supersede.get(definition.name)?.values.map(plain), values.map(plain));
      if (text.includes('include')) continue;
      const { without, also } = wantedRequest(wanted, iface);
      assert.ok(without.every(({ name }) => !names.includes(name)) && also.every(({ name }) => names.includes(name)));
    }
  };
  for (const name of readdirSync(CORPUS).filter((name) => name.endsWith('.conf')))
    check(readFileSync(new URL(name, CORPUS), 'latin1'), WANTED);
  fc.assert(fc.property(confText, wishes, check), { numRuns: 300 });
});

function plain(value: string): string {
  return value.replace(/\.$/, '');
}

/** Takes the replacements out of the edited text and puts back what stood at their places, and only that. */
function undone({ edits, text }: EditedConf, original: string): string {
  let result = '';
  let at = 0;
  let shift = 0;
  for (const { start, end, replacement } of edits) {
    const from = start + shift;
    result += text.slice(at, from) + original.slice(start, end);
    assert.equal(text.slice(from, from + replacement.length), replacement);
    at = from + replacement.length;
    shift += replacement.length - (end - start);
  }
  return result + text.slice(at);
}
