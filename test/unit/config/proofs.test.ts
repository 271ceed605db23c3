/** Token files may have comments, blanks and line ends of DOS. A line that is no token is named, but never quoted. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tokenIn, tokensIn } from '../../../agent/config/proofs.ts';

for (const [what, text] of Object.entries({
  'a line without an end': 'one-token',
  'blanks around the token': '  one-token \t\n\n',
  'line ends of DOS': '# for edge hosts\r\n\r\none-token\r\n',
  'comments before and after': '# 2026-11: made by ops\none-token\n   # the next one comes in January\n',
  'a byte-order mark': '\ufeffone-token\n',
  'a byte-order mark, read as bytes, before a comment': `${Buffer.from('\ufeff# x\r\none-token').toString('latin1')}`,
})) {
  test(`a token file with ${what} holds the token`, () => {
    assert.equal(tokenIn(text), 'one-token');
    assert.deepEqual(tokensIn(text), ['one-token']);
  });
}

test('proofs: a token file of a collector holds several tokens, and "#" within a token belongs to the token', () => {
  assert.deepEqual(tokensIn('# old\nfirst#1\r\n# new\r\nsecond=='), ['first#1', 'second==']);
  assert.throws(() => tokenIn('first\nsecond\n'), /it holds 2 tokens, and this host shows one: leave one line/);
});

for (const [what, text, problem] of [
  ['nothing', '', /it holds no token: write one on a line of its own/],
  ['only comments', '# secret\r\n\r\n', /it holds no token/],
  ['a comment behind the token', '\nsecret # of ops\n', /line 2: a token has no blanks, and a comment needs a line/],
  ['"Bearer" before the token', 'Bearer secret\n', /line 1: a token has no blanks/],
  ['a letter that is no ASCII', '# x\nsecrét\n', /line 2: a token is visible ASCII/],
  ['UTF-16', Buffer.from('\ufeffsecret\n', 'utf16le').toString('latin1'), /line 1: .*UTF-16/],
  ['a zero', 'sec\0ret', /line 1: .*visible ASCII/],
] as const) {
  test(`a token file with ${what} is refused, with the line and without its content`, () => {
    for (const read of [tokenIn, tokensIn]) {
      assert.throws(
        () => read(text),
        (error: Error) => problem.test(error.message) && !/secr/.test(error.message),
      );
    }
  });
}
