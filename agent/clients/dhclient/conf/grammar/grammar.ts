/**
 * The statements of dhclient.conf(5), as isc-dhcp 4.4 reads them (client/clparse.c, common/parse.c), with their places
 * in the text. The grammar never throws. It returns dhclient's complaints as problems by line, and reads on at the next
 * statement. dhclient itself resumes later, and skips one to three good statements after a broken statement: those are
 * marked as not `live`.
 */
import { type NamedOption, OptionScope, parseDefinition, parseOptionName } from './definitions.ts';
import { skipExpression } from './expressions.ts';
import { Cursor, type Token, tokenize, unquote } from './lexer.ts';
import { parseValues } from './option-values.ts';
import { skipBranch, skipClientStatement, skipExecutable, skipRest } from './other-statements.ts';
import { recover } from './recovery.ts';
import type { Conf, OptionKind, Statement } from './statement.ts';
import { expectMark, expectString, problemAt, type Scope, type SyntaxProblem, Unexpected } from './syntax.ts';

export type { Conf, Statement } from './statement.ts';

export function parseConf(text: string): Conf {
  const tokens = tokenize(text);
  const parser = new Parser(tokens);
  const statements = parser.statements('file');
  const lexical = tokens.filter((token) => token.problem).map((token) => problemAt(token, token.problem!));
  const problems = [...lexical, ...parser.problems].sort((a, b) => a.line - b.line || a.column - b.column);
  return { statements, tokens, options: parser.options, problems };
}

const OPTION_KINDS = ['supersede', 'default', 'prepend', 'append', 'send'];

/** Limits for problems and depth: a hostile file costs neither time nor stack. */
const MOST_PROBLEMS = 100;
const DEEPEST = 100;

/** The findings of a statement's own rule; all other fields are filled in the same way for every rule. */
interface Found {
  kind: Statement['kind'];
  option?: NamedOption;
  values?: string[];
  valueTokens?: Token[];
  body?: Statement[];
  name?: string;
}

/** If a file ends too early: the place after its last word. The real end may be lines below, behind comments. */
function placeOf(token: Token, last: Token | undefined): Token {
  if (token.kind !== 'end' || last === undefined) return token;
  const lines = last.text.split('\n');
  const column = lines.length === 1 ? last.column + last.text.length : lines.at(-1)!.length + 1;
  return { ...token, line: last.line + lines.length - 1, column };
}

class Parser {
  readonly options = new OptionScope();
  readonly problems: SyntaxProblem[] = [];
  private readonly cursor: Cursor;
  /** The offset at which dhclient's own recovery ends. */
  private skippedUntil = 0;
  private depth = 0;

  constructor(tokens: readonly Token[]) {
    this.cursor = new Cursor(tokens);
  }

  /** Reads until the end of the file, or until the brace that ends a body. */
  statements(scope: Scope): Statement[] {
    const found: Statement[] = [];
    while (this.cursor.peek().kind !== 'end') {
      if (this.cursor.isMark('}') && scope !== 'file') break;
      found.push(this.statement(scope));
    }
    return found;
  }

  private nested(scope: Scope): Statement[] {
    if (++this.depth > DEEPEST) throw new Unexpected(this.cursor.peek(), 'blocks are nested too deeply');
    try {
      return this.statements(scope);
    } finally {
      this.depth--;
    }
  }

  private statement(scope: Scope): Statement {
    const { cursor } = this;
    if (this.problems.length >= MOST_PROBLEMS) cursor.rewind(cursor.tokens.length - 1);
    const from = cursor.position;
    const keyword = cursor.peek();
    const live = keyword.start >= this.skippedUntil;
    const problems: SyntaxProblem[] = [];
    let found: Found = { kind: 'other' };
    const notice = (partial: Found) => {
      found = partial;
    };
    try {
      this.rule(scope, problems, notice);
    } catch (error) {
      if (!(error instanceof Unexpected)) throw error;
      const quote = cursor.last();
      const hint =
        quote?.text.startsWith('"') && quote.line < error.token.line
          ? `: is the quote in line ${quote.line} closed?`
          : '';
      problems.push(problemAt(placeOf(error.token, quote), error.message + hint));
      this.skippedUntil = Math.max(this.skippedUntil, recover(cursor, from, OPTION_KINDS.includes(found.kind)));
      found = {
        kind: found.kind,
        ...(found.option && { option: found.option }),
        ...(found.body && { body: found.body }),
      };
    }
    this.problems.push(...problems);
    const tokens = cursor.tokens.slice(from, cursor.position);
    return {
      kind: found.kind,
      start: keyword.start,
      end: tokens.at(-1)?.end ?? keyword.end,
      line: keyword.line,
      problems,
      live,
      tokens,
      keyword,
      option: found.option ?? null,
      values: found.values ?? null,
      valueTokens: found.valueTokens ?? [],
      body: found.body ?? [],
      name: found.name ?? null,
    };
  }

  /**
   * Consumes one statement. `notice` gets the kind of the statement early, so that a broken statement can still be
   * named.
   */
  private rule(scope: Scope, problems: SyntaxProblem[], notice: (found: Found) => void): void {
    const { cursor } = this;
    const first = cursor.peek();
    const word = cursor.keyword;
    if (OPTION_KINDS.includes(word) && !(word === 'default' && cursor.peek(1).text === ':'))
      this.optionStatement(word as OptionKind, problems, notice);
    else if (scope === 'conditional' && word === 'option') this.optionStatement('supersede', problems, notice);
    else if (['if', 'switch', 'on'].includes(word)) this.conditional(notice);
    else if (scope === 'conditional' && (word === 'case' || word === 'default')) skipBranch(cursor, this.options);
    else if (scope === 'conditional') skipExecutable(cursor, this.options);
    else if (word === 'request' || word === 'require' || word === 'also') this.list(notice);
    else if (word === 'interface' || word === 'pseudo') this.interface(scope, problems, notice);
    else if (word === 'include') {
      cursor.next();
      notice({ kind: 'include', name: unquote(expectString(cursor, 'file name')) });
      this.options.lenient = true;
      expectMark(cursor, ';');
    } else if (word === 'option') {
      cursor.next();
      notice({ kind: 'definition' });
      const option = parseDefinition(cursor, this.options);
      if (option) notice({ kind: 'definition', option });
      if (scope === 'interface')
        problems.push(problemAt(first, 'option definitions may only appear in the outermost scope'));
      expectMark(cursor, ';');
    } else skipClientStatement(cursor, this.options, scope, problems);
  }

  private optionStatement(kind: OptionKind, problems: SyntaxProblem[], notice: (found: Found) => void): void {
    const { cursor } = this;
    cursor.next();
    notice({ kind });
    const option = parseOptionName(cursor, this.options, (custom) => notice({ kind, option: custom }));
    notice({ kind, option });
    const from = cursor.position;
    let values: string[] | undefined;
    if (cursor.isMark('=')) {
      cursor.next();
      skipExpression(cursor, this.options);
    } else if (cursor.isMark(';') && option.format !== 'Z') {
      // A statement without any value also ends in a semicolon.
      cursor.next();
      values = [];
    } else if (option.format === null) skipRest(cursor);
    else values = parseValues(cursor, option.format, problems);
    notice({ kind, option, ...(values && { values }), valueTokens: cursor.tokens.slice(from, cursor.position) });
    expectMark(cursor, ';');
  }

  private list(notice: (found: Found) => void): void {
    const { cursor } = this;
    const also = cursor.isWord('also');
    if (also) cursor.next();
    if (!cursor.isWord('request', 'require')) throw new Unexpected(cursor.peek(), 'expected "request" or "require"');
    const word = cursor.next().text.toLowerCase() as 'request' | 'require';
    const kind = also ? (`also ${word}` as const) : word;
    if (word === 'require' && cursor.isWord('authentication')) cursor.next();
    const names: Token[] = [];
    const values: string[] = [];
    notice({ kind });
    while (!cursor.isMark(';')) {
      const from = cursor.position;
      values.push(parseOptionName(cursor, this.options).key);
      const parts = cursor.tokens.slice(from, cursor.position);
      names.push({ ...parts[0]!, text: parts.map((part) => part.text).join(''), end: parts.at(-1)!.end });
      if (!cursor.isMark(',')) break;
      cursor.next();
    }
    notice({ kind, values, valueTokens: names });
    expectMark(cursor, ';');
  }

  private interface(scope: Scope, problems: SyntaxProblem[], notice: (found: Found) => void): void {
    const { cursor } = this;
    const keyword = cursor.next();
    const kind = keyword.text.toLowerCase() as 'interface' | 'pseudo';
    if (scope === 'interface') problems.push(problemAt(keyword, 'nested interface declaration'));
    if (kind === 'pseudo') cursor.next();
    const name = unquote(expectString(cursor, 'interface name'));
    expectMark(cursor, '{');
    const body = this.nested('interface');
    notice({ kind, name, body });
    if (cursor.peek().kind === 'end') throw new Unexpected(keyword, 'unterminated interface declaration');
    cursor.next();
  }

  /** `if … {} elsif … {} else {}`, `on … {}`, `switch (…) {}`. */
  private conditional(notice: (found: Found) => void): void {
    const { cursor } = this;
    const body: Statement[] = [];
    notice({ kind: 'conditional', body });
    do {
      const word = cursor.next().text.toLowerCase();
      if (word === 'on')
        while (cursor.isWord('transmission', 'receipt', 'or', 'expiry', 'release', 'commit')) cursor.next();
      else if (word === 'else' && cursor.isWord('if')) {
        cursor.next();
        skipExpression(cursor, this.options);
      } else if (word !== 'else') skipExpression(cursor, this.options);
      expectMark(cursor, '{');
      body.push(...this.nested('conditional'));
      expectMark(cursor, '}');
    } while (cursor.isWord('elsif', 'else'));
  }
}
