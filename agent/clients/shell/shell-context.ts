/** What surrounds a command of a shell script: functions, conditions, subshells and pipelines. */
import type { ShellCommand, ShellFunction, ShellGuard } from './shell-types.ts';

/** An `if`, `while`, `until` or `for` that is open. */
interface OpenStatement {
  readonly kind: 'if' | 'loop';
  /** The function around the statement. */
  readonly function: number | null;
  /** The conditions of the branches before this one, which failed. */
  readonly failed: ShellCommand[][];
  condition: ShellCommand[];
  part: 'condition' | 'then' | 'else';
  negated: boolean;
  /** The condition of the whole statement, as in `test && if …`. */
  readonly own: readonly ShellGuard[];
  /** How many commands stand before the statement. */
  readonly from: number;
  readonly inPipeline: boolean;
}

/** A bracket that is open. */
interface OpenBracket {
  readonly kind: '(' | '{' | 'case';
  /** The function whose body this is; null for a group of commands. */
  readonly function: number | null;
  readonly own: readonly ShellGuard[];
  readonly from: number;
  readonly inPipeline: boolean;
  readonly subject: string;
  patterns: string[];
  readonly earlier: string[];
  readonly list: ShellCommand[];
  readonly joiner: '&&' | '||' | null;
}

/**
 * Limits for a hostile file: open statements and brackets, which are read as if they were closed beyond that, and the
 * length of a list of conditions, which is unknown beyond that.
 */
const DEEPEST = 100;
const LONGEST = 100;
const UNKNOWN: ShellGuard = { list: [], holds: true };

export class ShellContext {
  readonly found: ShellCommand[] = [];
  readonly functions: ShellFunction[] = [];
  private readonly brackets: OpenBracket[] = [];
  private readonly statements: OpenStatement[] = [];
  /** The function that was named, and whose body comes next. */
  private named: number | null = null;
  /** The commands of the present and-or list. */
  private list: ShellCommand[] = [];
  private joiner: '&&' | '||' | null = null;
  /** Whether the operand after the joiner is still to come. */
  private awaited = false;
  private negated = false;
  private piped = false;
  /** How many commands stand before the statement or bracket that has just ended; null if none has. */
  private ended: number | null = null;

  get inCase(): boolean {
    return this.brackets.at(-1)?.kind === 'case';
  }

  private get function(): number | null {
    return this.brackets.findLast((one) => one.function !== null)?.function ?? null;
  }

  private get inSubshell(): boolean {
    return this.brackets.some(({ kind }) => kind === '(');
  }

  private get inPipeline(): boolean {
    return this.piped || [...this.brackets, ...this.statements].some((one) => one.inPipeline);
  }

  command(written: Pick<ShellCommand, 'line' | 'words' | 'writes' | 'sets'>): void {
    const { words, writes, sets } = written;
    const [first] = words;
    // `done fi` and `fi fi` need no semicolon between them.
    const closing = first === 'fi' || first === 'done' ? words.filter((word) => word === 'fi' || word === 'done') : [];
    if (words.length + writes.length + sets.length === 0) return;
    const [own, inPipeline] = [this.own(), this.inPipeline];
    for (const _ of closing) this.ended = this.statements.pop()?.from ?? this.ended;
    const command: ShellCommand = {
      ...written,
      inFunction: this.function !== null,
      function: this.function,
      inSubshell: this.inSubshell,
      inPipeline,
      negated: this.negated,
      joined: this.list.length === 0 ? null : this.joiner,
      under: this.under(),
      guards: [...this.guards(), ...own],
    };
    this.found.push(command);
    const last = this.statements.at(-1);
    if (last?.part === 'condition') last.condition.push(command);
    this.list.push(command);
    this.operand();
    if (closing.length === 0) this.ended = null;
    if (first === 'for' || first === 'select') this.begin('loop', own, inPipeline);
  }

  /** A command of a substitution that began at this line. */
  substituted(command: ShellCommand, line: number): void {
    this.found.push({
      ...command,
      line: line + command.line - 1,
      inFunction: this.function !== null,
      function: this.function,
      inSubshell: true,
      under: [...this.under(), ...command.under],
      guards: [...this.guards(), ...this.own(), ...command.guards],
    });
  }

  /** `&&`, `||`, `|`, `;` or `&`: the operator and the character after it. */
  operator(text: string): void {
    if (text === '&&' || text === '||') {
      this.joiner = text;
      this.awaited = true;
      this.piped = false;
    } else if (text.startsWith('|')) {
      const from = this.ended ?? this.found.length - 1;
      for (let at = Math.max(from, 0); at < this.found.length; at += 1)
        this.found[at] = { ...(this.found[at] as ShellCommand), inPipeline: true };
      this.piped = true;
      this.awaited = true;
    } else this.separator();
  }

  /** A line break, `;` or `&`. */
  separator(): void {
    if (this.awaited) return;
    this.list = [];
    this.joiner = null;
    this.piped = false;
  }

  define(name: string, line: number): void {
    this.named = this.functions.length;
    this.functions.push({
      name,
      line,
      at: this.found.length,
      function: this.function,
      inSubshell: this.inSubshell,
      guards: [...this.guards(), ...this.own()],
    });
  }

  open(kind: OpenBracket['kind'], subject = ''): void {
    const body = kind === 'case' ? null : this.named;
    if (this.brackets.length >= DEEPEST) return;
    this.brackets.push({
      kind,
      function: body,
      own: body === null ? this.own() : [],
      from: this.found.length,
      inPipeline: this.piped,
      subject,
      patterns: [],
      earlier: [],
      list: this.list,
      joiner: this.joiner,
    });
    if (body !== null) this.named = null;
    this.list = [];
    this.operand();
  }

  close(kind: OpenBracket['kind']): void {
    const last = this.brackets.at(-1);
    if (last?.kind !== kind) return;
    this.brackets.pop();
    this.list = last.list;
    this.joiner = last.joiner;
    const end = this.found.at(-1);
    if (end !== undefined) this.list.push(end);
    this.operand();
    this.ended = last.from;
  }

  pattern(word: string): void {
    this.brackets.at(-1)?.patterns.push(word);
  }

  patternEnds(): void {
    this.list = [];
    this.operand();
  }

  branchEnds(): void {
    const last = this.brackets.at(-1);
    const patterns = last?.patterns.splice(0) ?? [];
    if (last === undefined || last.earlier.length > LONGEST) return;
    // Beyond the limit stands the pattern of a variable, which may match or not.
    last.earlier.push(...(last.earlier.length + patterns.length <= LONGEST ? patterns : Array(LONGEST).fill('$')));
  }

  keyword(word: string): void {
    const last = this.statements.at(-1);
    if (word === '!') {
      this.negated = true;
      if (last?.part === 'condition') last.negated = true;
    } else if (word === 'if') this.begin('if');
    else if (word === 'while' || word === 'until') this.begin('loop');
    else if (last?.kind === 'if' && word === 'then') this.part(last, 'then');
    else if (last?.kind === 'if' && (word === 'elif' || word === 'else')) {
      last.failed.push(last.condition);
      last.condition = [];
      this.part(last, word === 'elif' ? 'condition' : 'else');
    }
  }

  private part(statement: OpenStatement, part: OpenStatement['part']): void {
    statement.part = part;
    this.list = [];
    this.operand();
  }

  private begin(kind: OpenStatement['kind'], own = this.own(), inPipeline = this.piped): void {
    if (this.statements.length >= DEEPEST) return;
    this.statements.push({
      kind,
      function: this.function,
      failed: [],
      condition: [],
      part: kind === 'if' ? 'condition' : 'else',
      negated: false,
      own,
      from: this.found.length,
      inPipeline,
    });
    this.list = [];
    this.operand();
  }

  /** The operand of the last operator has come. */
  private operand(): void {
    this.awaited = false;
    this.negated = false;
    if (this.list.length === 0) this.joiner = null;
    this.piped = false;
  }

  /** The condition that the list so far puts on the command that comes next. */
  private own(): ShellGuard[] {
    if (this.joiner === null || this.list.length === 0) return [];
    if (this.list.length > LONGEST) return [UNKNOWN];
    return [{ list: [...this.list], holds: this.joiner === '&&' }];
  }

  private under(): ShellCommand[] {
    return this.statements.flatMap(({ condition, part, negated, failed }) => {
      return part === 'then' && !negated && failed.length === 0 && condition.length === 1 ? condition : [];
    });
  }

  private guards(): ShellGuard[] {
    const start = this.brackets.findLastIndex((one) => one.function !== null);
    const brackets = this.brackets.slice(start + 1).flatMap(({ kind, own, subject, patterns, earlier }) => {
      return kind === 'case' ? [...own, { subject, patterns: [...patterns], earlier: [...earlier] }] : own;
    });
    const statements = this.statements
      .filter((one) => one.function === this.function)
      .flatMap(({ own, failed, part, condition }): ShellGuard[] => [
        ...own,
        ...(failed.length > LONGEST ? [UNKNOWN] : failed.map((list) => ({ list, holds: false }))),
        ...(part === 'then' ? [condition.length > LONGEST ? UNKNOWN : { list: condition, holds: true }] : []),
      ]);
    return [...brackets, ...statements];
  }
}
