/** The grammar's result for a dhclient.conf: statements with their places in the text. */
import type { NamedOption, OptionScope } from './definitions.ts';
import type { Token } from './lexer.ts';
import type { SyntaxProblem } from './syntax.ts';

/** Statements that change an option of the lease; `option` does so only inside a conditional. */
export type OptionKind = 'supersede' | 'default' | 'prepend' | 'append' | 'send';
export type ListKind = 'request' | 'also request' | 'require' | 'also require';

export interface Statement {
  /** `conditional`: if, switch, on. `other`: a statement that touches neither an option's value nor a request list. */
  readonly kind: OptionKind | ListKind | 'interface' | 'pseudo' | 'include' | 'definition' | 'conditional' | 'other';
  readonly start: number;
  /** The offset after the semicolon or brace; for a broken statement, at most the begin of the next statement. */
  readonly end: number;
  readonly line: number;
  /** Problems inside the statement, without those of its body's statements. */
  readonly problems: readonly SyntaxProblem[];
  /** False if dhclient skips the statement while it recovers from an earlier error. */
  readonly live: boolean;
  readonly tokens: readonly Token[];
  readonly keyword: Token;
  readonly option: NamedOption | null;
  /**
   * The values of an option statement: the parts between commas, see option-values.ts; null for an expression or a broken
   * statement.
   */
  readonly values: readonly string[] | null;
  /** The value's tokens, or the option names of a list, without commas. */
  readonly valueTokens: readonly Token[];
  /** The statements of an interface or conditional; for a conditional, those of all its branches. */
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

/** The statement's words with one blank between them and without comments, for comparing. */
export function lineOf({ tokens }: Statement): string {
  const words = tokens.filter(({ kind }) => kind !== 'space' && kind !== 'comment');
  return words.map(({ text }) => text).join(' ');
}

/** The statement on one line without its comments, for people; cut after 200 characters. */
export function wordsOf({ tokens }: Statement): string {
  const words = tokens.map(({ text, end }, at) => (tokens[at + 1]?.start === end ? text : `${text} `));
  return words.join('').trimEnd().slice(0, 200);
}
