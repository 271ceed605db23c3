/** The reader of shell scripts ends on any text, and keeps every line. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { commandsHere } from '../../../../agent/clients/shell/shell.ts';

/** `LINE:COMMAND` of each command that ends the script or changes it, `f` before those in a function. */
function fatal(text: string): string[] {
  return commandsHere(text)
    .filter(({ words }) => words[0] === 'exit' || words[0] === 'set')
    .map(({ line, words, inFunction }) => `${inFunction ? 'f' : ''}${line}:${words.join(' ')}`);
}

const CASES: Record<string, { text: string; fatal: string[] }> = {
  'a command of its own': { text: 'exit 1', fatal: ['1:exit 1'] },
  'after && and ||': { text: '[ -x a ] || exit 0\ntrue && exit 2', fatal: ['1:exit 0', '2:exit 2'] },
  'after then and do': { text: 'if a; then exit; fi\nwhile b; do exit 3; done', fatal: ['1:exit', '2:exit 3'] },
  'after an assignment': { text: 'a=1 exit', fatal: ['1:exit'] },
  'behind command': { text: 'command exit 1', fatal: ['1:exit 1'] },
  'an argument': { text: 'echo exit set', fatal: [] },
  'a comment': { text: '# exit\necho a # exit; exit\n:', fatal: [] },
  'a # within a word': { text: 'a=$#; echo a#b; exit', fatal: ['1:exit'] },
  'in quotes': { text: 'echo "a; exit" \'; exit\'\n"\nexit\n"', fatal: [] },
  'in a subshell': { text: '(exit 1)\n( a; (exit); exit )\nexit', fatal: ['3:exit'] },
  'in substitutions': { text: 'a=$(exit 1) b=`exit 2` c="$(x; exit)" d=${e:-;exit}', fatal: [] },
  'in a nested substitution': { text: 'a="$(b "$(c; exit)"; exit)"; exit 4', fatal: ['1:exit 4'] },
  'in a function': { text: 'die() {\n  exit 1\n}\nset -e', fatal: ['f2:exit 1', '4:set -e'] },
  'in a group': { text: '{ exit 1; }', fatal: ['1:exit 1'] },
  'a group within a function': {
    text: 'f() { a || { exit 1; }; exit 2; }\nexit 3',
    fatal: ['f1:exit 1', 'f1:exit 2', '2:exit 3'],
  },
  'a case': { text: 'case $a in\nexit|set) b;;\n(c) exit 1 ;;\n*) d\nesac\nexit 2', fatal: ['3:exit 1', '6:exit 2'] },
  'a case in a subshell': { text: '( case $a in b) c;; esac; exit 1 )\nexit 2', fatal: ['2:exit 2'] },
  'a case in a case': {
    text: 'case a in b) case c in d) e;; esac;; f) exit 1;; esac\nexit 2',
    fatal: ['1:exit 1', '2:exit 2'],
  },
  'a here-document': { text: 'cat <<EOF >a\nexit\nEOF\nexit 1', fatal: ['4:exit 1'] },
  'a here-document, quoted, with tabs': { text: "cat <<-'E F'\n\texit\n\tE F\nexit 1", fatal: ['4:exit 1'] },
  'two here-documents': { text: 'cat <<A <<B\nexit\nA\nexit\nB\nexit 1', fatal: ['6:exit 1'] },
  'a continued line': { text: 'echo \\\nexit', fatal: [] },
  'an operand on the next line': { text: 'a || \\\n exit 3\na &&\nexit 4', fatal: ['2:exit 3', '4:exit 4'] },
  "bash's array": { text: 'a=(exit 1)\nlocal b=(\nexit 2)\nexit 3', fatal: ['4:exit 3'] },
  "bash's test": { text: '[[ a && exit || (exit 1) ]]\nexit 2', fatal: ['2:exit 2'] },
  "bash's arithmetic": { text: 'for((i=0; i<1; exit)); do a; done\nexit 4', fatal: ['2:exit 4'] },
  'a redirection': { text: 'exit 1 >&2\nset -e 2>|a', fatal: ['1:exit 1', '2:set -e'] },
};

for (const [name, { text, fatal: expected }] of Object.entries(CASES)) {
  test(`shell reader: exit and set: ${name}`, () => assert.deepEqual(fatal(text), expected));
}

test('shell reader: reading any text ends, and every line is a line of the text', () => {
  const pieces = fc.constantFrom(
    ...'exit|case|in|esac|f()|{|}|(|)|;;|;|&|"|\'|`|$(|${|\\|\n|<<A|A|#| |set -e|<|>'.split('|'),
    '|',
  );
  fc.assert(
    fc.property(fc.array(fc.oneof(pieces, fc.string()), { maxLength: 60 }), (parts) => {
      const text = parts.join('');
      const lines = text.split('\n').length;
      for (const { line, words } of commandsHere(text)) {
        assert.ok(line >= 1 && line <= lines);
        assert.ok(words.length > 0);
      }
    }),
    { numRuns: 2000 },
  );
});
