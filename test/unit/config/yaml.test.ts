/** YAML is read without surprises, and no bytes make the reader throw. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { plain } from '../../../agent/config/source/tree.ts';
import { MAX_FILE_BYTES, readYaml } from '../../../agent/config/source/yaml.ts';
import { errorsOf, load } from '../../parts/config-memory.ts';

const TRAPS: [name: string, yaml: string | Buffer, error: RegExp][] = [
  [
    'duplicate keys',
    'dns: {}\nsysctl: {}\ndns: {}\n',
    /^agent\.yaml:3:1: dns: is set in line 1 already; keep one of them$/,
  ],
  ['a merge key', 'dns: { <<: { domain: a } }', /:1:8: dns: merge keys \(<<\) are not supported/],
  ['an alias', 'dns: &a { search: [*a] }', /:1:20: dns\.search\[0\]: aliases \(\*a\) are not supported/],
  [
    'an alias bomb',
    `a: &a [x, x]\n${'bcdefgh'
      .split('')
      .map((name, i) => `${name}: &${name} [*${'abcdefgh'[i]}, *${'abcdefgh'[i]}]`)
      .join('\n')}`,
    /aliases/,
  ],
  ['a tag', 'dns: { domain: !!js/function x }', /:1:16: unknown tag \(!…\); write the plain value$/],
  ['a tab', 'dns:\n\tdomain: x\n', /:2:1: a tab; YAML indents with blanks only$/],
  [
    'a second document',
    'dns: {}\n---\ndns: {}\n',
    /:2:1: a second document begins here \(---\); put it into a file of its own in agent\.d$/,
  ],
  ['a YAML 1.1 directive', '%YAML 1.1\n---\nsysctl: { net.a: no }\n', /:3:18: sysctl\.net\.a: "no": write 0$/],
  ['a list', '- dns\n', /:1:1: write a map of settings/],
  ['a text', 'dns\n', /:1:1: write a map of settings/],
  ['an empty section', 'dns:\nsysctl: {}\n', /:1:5: dns: is empty; write a value, or leave the key out$/],
  ['a key that is a list', '? [a]\n: b\n', /:1:3: a key must be a plain word$/],
  ['__proto__', '__proto__: { dns: {} }', /:1:1: __proto__: unknown key$/],
  ['an unclosed quote', 'dns: { domain: "x }\n', /:2:1: not valid YAML: /],
  ['bytes that are not UTF-8', Buffer.from([0x64, 0xff, 0xfe]), /^agent\.yaml: is not UTF-8 text; save it as UTF-8$/],
  ['UTF-16', Buffer.from('\ufeffdns: {}', 'utf16le'), /^agent\.yaml: is not UTF-8 text/],
  ['a file too large', `# ${'x'.repeat(MAX_FILE_BYTES)}`, /^agent\.yaml: has \d+ bytes; at most 262144 are read$/],
  ['nesting without end', `dns: ${'['.repeat(50_000)}${']'.repeat(50_000)}`, /./],
];

for (const [name, yaml, error] of TRAPS) {
  test(`YAML: it refuses ${name}`, async () => {
    const errors = await errorsOf({ '/etc/holdfast/agent.yaml': yaml });
    assert.ok(
      errors.some((one) => error.test(one)),
      errors.join('\n'),
    );
  });
}

test('YAML: a byte order mark, CRLF and a document’s marks are fine', async () => {
  const result = await load('\ufeff---\r\ndns:\r\n  domain: example.com\r\n...\r\n');
  assert.ok(result.ok);
  assert.equal(result.desired.dns?.domain, 'example.com');
});

test('YAML: an integer beyond what a number holds stays exact', async () => {
  const result = await load('sysctl: { net.a.b: 18446744073692774399, net.a.c: -5 }');
  assert.ok(result.ok);
  assert.deepEqual(
    result.desired.sysctl.map(({ want }) => want),
    [{ value: '18446744073692774399' }, { value: '-5' }],
  );
});

test('YAML: any JSON of plain values is read back as it is', () => {
  const key = fc.stringMatching(/^[a-z<][a-z0-9 "'.:#-]{0,9}$/).filter((name) => name !== '<<');
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof({ maxDepth: 3 }, fc.string(), fc.boolean(), fc.integer(), fc.array(tie('value')), tie('map')),
    map: fc.dictionary(key, tie('value'), { noNullPrototype: false }),
  }));
  fc.assert(
    fc.property(fc.dictionary(key, value), (map) => {
      const { tree, errors } = readYaml('x', Buffer.from(JSON.stringify(map)));
      assert.deepEqual(errors, []);
      assert.equal(JSON.stringify(plain(tree!)), JSON.stringify(map));
    }),
  );
});

test('YAML: no bytes make it throw', () => {
  const bits = fc.constantFrom(
    'dns',
    ':',
    ' ',
    '\n',
    '\t',
    '- ',
    '[',
    ']',
    '{',
    '}',
    '&a',
    '*a',
    '!!x',
    '"',
    "'",
    '|',
    '>',
    '?',
    '#',
    '%',
    '---',
    '<<',
    '\\',
    ',',
    '1',
    '\u0000',
    '\ufeff',
    'é',
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.array(bits, { maxLength: 30 }).map((all) => Buffer.from(all.join(''))),
        fc.uint8Array().map((all) => Buffer.from(all)),
      ),
      (bytes) => {
        const { tree, errors } = readYaml('x', bytes);
        assert.ok(tree !== null || errors.length > 0);
        for (const error of errors) assert.ok(error.message.length > 0);
      },
    ),
    { numRuns: 500 },
  );
});
