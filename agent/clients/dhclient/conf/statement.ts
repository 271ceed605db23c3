/** What the grammar finds in a dhclient.conf: statements with their places in the text. */
import type { NamedOption, OptionScope } from './definitions.ts';
import type { Token } from './lexer.ts';
import type { SyntaxProblem } from './syntax.ts';

/** Statements that change an option of the lease; `option` does so only inside a conditional. */
export type OptionKind = 'supersede' | 'default' | 'prepend' | 'append' | 'send';
export type ListKind = 'request' | 'also request' | 'require' | 'also require';

export interface Statement {
  /** `conditional`: if, switch, on. `other`: nothing that touches an option's value or a request list. */
  readonly kind: OptionKind | ListKind | 'interface' | 'pseudo' | 'include' | 'definition' | 'conditional' | 'other';
  readonly start: number;
  /** After the semicolon or brace; of a broken statement, where the next one begins or before. */
  readonly end: number;
  readonly line: number;
  /** What is wrong inside it, not counting its body's statements. */
  readonly problems: readonly SyntaxProblem[];
  /** False where dhclient does not get to see it, as it still recovers from an error before. */
  readonly live: boolean;
  readonly tokens: readonly Token[];
  readonly keyword: Token;
  readonly option: NamedOption | null;
  /** Of an option statement: parts between commas, see values.ts; null for an expression and for a broken statement. */
  readonly values: readonly string[] | null;
  /** The value's tokens, or the option names of a list, without commas. */
  readonly valueTokens: readonly Token[];
  /** Of an interface or conditional (then of all its branches). */
  readonly body: readonly Statement[];
  /** Name of the interface or included file. */
  readonly name: string | null;
}

export interface Conf {
  readonly statements: readonly Statement[];
  readonly tokens: readonly Token[];
  readonly options: OptionScope;
  /** Everything that dhclient would complain about, in the order of the file. */
  readonly problems: readonly SyntaxProblem[];
}

/** For comparing: the statement's words, one blank between each, without comments. */
export function lineOf({ tokens }: Statement): string {
  const words = tokens.filter(({ kind }) => kind !== 'space' && kind !== 'comment');
  return words.map(({ text }) => text).join(' ');
}

/** For people: the statement on one line, without its comments; cut after 200 characters. */
export function wordsOf({ tokens }: Statement): string {
  const words = tokens.map(({ text, end }, at) => (tokens[at + 1]?.start === end ? text : `${text} `));
  return words.join('').trimEnd().slice(0, 200);
}
