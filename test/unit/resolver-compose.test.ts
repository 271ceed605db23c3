import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { effectiveValues } from '../../agent/resolver/libc-reading.ts';
import { composeResolvConf, type Keyword, managedKeywords, wantedLines } from '../../agent/resolver/resolv-conf.ts';
import { dns, WHOLE, WHOLE_LINES } from './desired.ts';
import { dnsParts, resolvConf } from './resolv-conf-cases.ts';

const whole = WHOLE.dns!;

test('an empty file becomes what is configured', () => {
  assert.equal(composeResolvConf('', whole), WHOLE_LINES);
});

test('our lines stand where the first of them stood; comments and unknown lines keep their places', () => {
  const current = '# top\nnameserver 1.1.1.1\n; middle\nfamily inet6\n  search old\noptions ndots:9\n# end\n';
  assert.equal(composeResolvConf(current, whole), `# top\n${WHOLE_LINES}; middle\nfamily inet6\n# end\n`);
});

test('what is not configured is not touched', () => {
  const current = 'search theirs\nnameserver 1.1.1.1\noptions ndots:9\n';
  const wanted = composeResolvConf(current, dns({ nameservers: ['10.0.0.1'] }));
  assert.equal(wanted, 'search theirs\nnameserver 10.0.0.1\noptions ndots:9\n');
});

test('who configures the domain has the search list too: the last of them would win', () => {
  assert.equal(composeResolvConf('search theirs\n', dns({ domain: 'example.com' })), 'domain example.com\n');
  assert.equal(composeResolvConf('domain theirs\n', dns({ search: ['a.example'] })), 'search a.example\n');
});

test('an empty list removes the lines', () => {
  assert.equal(composeResolvConf('options rotate\n# kept\n', dns({ options: [] })), '# kept\n');
});

test('a last line without its line break is a line', () => {
  assert.equal(composeResolvConf('# no end', dns({ options: ['rotate'] })), '# no end\noptions rotate\n');
  assert.equal(composeResolvConf('options x', dns({ options: ['rotate'] })), 'options rotate\n');
});

test('composing twice is composing once; every other line stays, in its order; ours are there once', () => {
  fc.assert(
    fc.property(resolvConf, dnsParts, (current, parts) => {
      const once = composeResolvConf(current, parts);
      assert.equal(composeResolvConf(once, parts), once);

      const managed = managedKeywords(parts) as string[];
      const isOurs = (line: string) => managed.includes(line.replace(/^[ \t]+/, '').split(/[ \t]/)[0]!);
      const split = (text: string) => text.replace(/\n$/, '').split('\n');
      const others = (text: string) => (text === '' ? [] : split(text).filter((line) => !isOurs(line)));
      assert.deepEqual(others(once), others(current));
      assert.equal(
        split(once)
          .filter(isOurs)
          .map((line) => `${line}\n`)
          .join(''),
        managedKeywords(parts)
          .map((keyword) => wantedLines(parts, keyword))
          .join(''),
      );
    }),
  );
});

test('the C library then reads what was configured', () => {
  fc.assert(
    fc.property(resolvConf, dnsParts, (current, parts) => {
      const text = composeResolvConf(current, parts);
      const usual = (address: string) =>
        address.includes(':') ? new URL(`http://[${address}]`).hostname.slice(1, -1) : address;
      const said = (keyword: Keyword) => effectiveValues(text, keyword) ?? [];
      if (parts.nameservers !== null) assert.deepEqual(said('nameserver'), parts.nameservers.map(usual));
      if (parts.search?.length) assert.deepEqual(said('search'), parts.search);
      if (parts.sortlist !== null) assert.deepEqual(said('sortlist'), parts.sortlist);
      if (parts.options !== null) assert.deepEqual(said('options'), parts.options);
    }),
  );
});

test('of several lines the last one counts, but options add up', () => {
  const text = 'search a b\nsearch c\noptions rotate\noptions ndots:2 timeout:1\nnameserver 1.1.1.1 # mine\n';
  assert.deepEqual(effectiveValues(text, 'search'), ['c']);
  assert.deepEqual(effectiveValues(text, 'options'), ['rotate', 'ndots:2', 'timeout:1']);
  assert.deepEqual(effectiveValues(text, 'nameserver'), ['1.1.1.1']);
  assert.equal(effectiveValues(text, 'sortlist'), null);
});
