/** dhclient.conf is read into tokens and statements as dhclient itself reads it. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseConf } from '../../../../../../agent/clients/dhclient/conf/grammar/grammar.ts';
import { confText } from '../../../../../parts/dhclient-arbitrary.ts';

const CORPUS = new URL('../../../../../corpus/dhclient/', import.meta.url);
const problemsOf = (text: string) => parseConf(text).problems.map(({ line, message }) => `${line}: ${message}`);
const kindsOf = (text: string) => parseConf(text).statements.map(({ kind }) => kind);
const valuesOf = (text: string) => parseConf(text).statements[0]!.values;

test('dhclient.conf grammar: every byte belongs to a token', () => {
  const lossless = (text: string) =>
    assert.equal(
      parseConf(text)
        .tokens.map((token) => token.text)
        .join(''),
      text,
    );
  for (const name of readdirSync(CORPUS).filter((name) => name.endsWith('.conf')))
    lossless(readFileSync(new URL(name, CORPUS), 'latin1'));
  fc.assert(fc.property(fc.oneof(confText, fc.string(), fc.string({ unit: 'binary' })), lossless));
});

test('dhclient.conf grammar: places are offsets into the text, lines and columns count from 1', () => {
  const text = 'timeout 5;\r\n  supersede domain-name "a\nb"; retry x;';
  const { statements, problems } = parseConf(text);
  const { start, end, line } = statements[1]!;
  assert.equal(text.slice(start, end), 'supersede domain-name "a\nb";');
  assert.equal(line, 2);
  assert.deepEqual(problems, [{ line: 3, column: 11, message: 'number expected' }]);
});

test('dhclient.conf grammar: keywords and option names are not case-sensitive, and an option has several names', () => {
  const { statements, problems } = parseConf(
    'SUPERSEDE Domain-Name-Servers 1.1.1.1; supersede dhcp.domain-name-servers 1.1.1.1; Supersede unknown-6 1.1.1.1;',
  );
  assert.deepEqual(problems, []);
  assert.deepEqual(new Set(statements.map(({ option }) => option!.key)), new Set(['dhcp:6']));
});

test('dhclient.conf grammar: ; # { mean nothing inside quotes, and # begins a comment anywhere else', () => {
  assert.deepEqual(valuesOf('supersede domain-name "a;b#c{d"; # } "'), ['a;b#c{d']);
  assert.deepEqual(valuesOf('supersede domain-name-servers # ;\n 1.1.1.1 # {\n, 2.2.2.2;'), ['1.1.1.1', '2.2.2.2']);
  assert.deepEqual(problemsOf('// no comment'), ['1: expecting a statement']);
});

test('dhclient.conf grammar: values are read by the format of their option', () => {
  assert.deepEqual(valuesOf('supersede domain-search "a.example" , "b\\x2eexample";'), ['a.example', 'b.example']);
  assert.deepEqual(valuesOf('supersede static-routes 10.0.0.0 1.1.1.1, 10.1.0.0 2.2.2.2;'), [
    '10.0.0.0 1.1.1.1',
    '10.1.0.0 2.2.2.2',
  ]);
  assert.deepEqual(valuesOf('supersede slp-directory-agent on 1.1.1.1, 2.2.2.2;'), ['true 1.1.1.1', '2.2.2.2']);
  assert.deepEqual(valuesOf('supersede dhcp6.name-servers 2001:DB8:0::1;'), ['2001:db8::1']);
  assert.deepEqual(valuesOf('supersede interface-mtu 0x5dc;'), ['1500']);
  assert.deepEqual(valuesOf('supersede dhcp-client-identifier 01:0A:ff;'), ['1:a:ff']);
  assert.deepEqual(valuesOf('supersede domain-name = lcase("A");'), null);
});

test('dhclient.conf grammar: an option that the file defines is read as defined, also one that redefines a known one', () => {
  const definition = 'option pair code 200 = { ip-address, integer 8 };\n';
  const { statements, problems } = parseConf(`${definition}supersede pair 1.1.1.1 -3;`);
  assert.deepEqual(problems, []);
  assert.deepEqual(statements[1]!.values, ['1.1.1.1 -3']);
  assert.deepEqual(problemsOf('option domain-search code 119 = text;\nsupersede domain-search "a b";'), []);
  assert.deepEqual(problemsOf('supersede pair 1.1.1.1 -3;'), ['1: no option named pair in space dhcp']);
  assert.deepEqual(problemsOf('include "/etc/more.conf";\nsupersede pair 1.1.1.1 -3;'), []);
});

test('dhclient.conf grammar: the statements that an editor must know are told apart from those that only look alike', () => {
  const text = `lease { option domain-name "x"; supersede nothing; }
    alias { } key k { algorithm hmac-md5; secret a==; }; zone z. { primary 127.0.0.1; }
    if exists routers { supersede domain-name "a"; } elsif 1 = 2 { } else { option domain-name "b"; }
    interface "eth0" { prepend domain-name "c"; } pseudo "p" "eth0" { } include "f"; option space s;
    request a.b, routers; also require routers; send host-name = gethostname(); on transmission { }`;
  assert.deepEqual(kindsOf(text.replace('a.b', 'fqdn.fqdn')), [
    ...['other', 'other', 'other', 'other', 'conditional', 'interface', 'pseudo', 'include', 'definition'],
    ...['request', 'also require', 'send', 'conditional'],
  ]);
});

test('dhclient.conf grammar: a broken statement ends where the next one begins', () => {
  const text = 'supersede domain-name-servers 1.1.1.1\nsupersede domain-name "a";\nretry 5;';
  const { statements, problems } = parseConf(text);
  assert.deepEqual(problems, [{ line: 2, column: 1, message: 'semicolon expected' }]);
  assert.equal(text.slice(0, statements[0]!.end), 'supersede domain-name-servers 1.1.1.1');
  assert.deepEqual(statements[1]!.values, ['a']);
  // dhclient reads on only after that, and skips it.
  assert.equal(statements[1]!.live, false);
});

test('dhclient.conf grammar: a value that dhclient misreads is a problem; it took 10.77.0.300 for 10.77.0.44', () => {
  const { statements, problems } = parseConf('supersede domain-name-servers 10.77.0.300;');
  assert.deepEqual(problems, [{ line: 1, column: 39, message: '300 exceeds 255, the most in an IP address' }]);
  assert.deepEqual(statements[0]!.values, ['10.77.0.44']);
});

test('dhclient.conf grammar: a quote that is not closed is named where it was opened', () => {
  const [problem] = problemsOf('timeout 5;\nsupersede domain-name "a;\nsend host-name "b";\n');
  assert.equal(problem, '3: semicolon expected: is the quote in line 2 closed?');
});

test('dhclient.conf grammar: hostile texts cost neither time nor stack, and never throw', () => {
  for (const text of [
    '"'.repeat(1e5),
    '{'.repeat(1e5),
    `if ${'('.repeat(1e5)}`,
    'if 1 = 1 { '.repeat(1e4),
    '\\'.repeat(1e5),
  ])
    assert.ok(parseConf(text).problems.length > 0);
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom(...'if supersede request interface"{};,#=()\n01.:-'), maxLength: 300 }),
      (text) => {
        assert.ok(parseConf(text).problems.length >= 0);
      },
    ),
  );
});
