/**
 * Makes a dhclient.conf(5) say the wanted settings and leaves every other byte as it is. All functions are pure
 * functions on text. Decode and encode the file as latin1, so that bytes of any encoding pass through.
 *
 * An option may already be set at the outermost level or in an interface's block (supersede, prepend, append; default
 * if there is nothing else). The last such statement then becomes `supersede` with the wanted value, in its place.
 * Earlier statements have no effect and stay. An interface's statements beat the outermost statements. If such a
 * statement touches an option that is wanted globally, the statement also gets the wanted value.
 *
 * Conditions and includes stay as they are. They may set the option later, so the marked block at the end (block.ts)
 * says the option once more. The block also takes every option that the file sets nowhere. Request lists: names are
 * added and removed in place; the block gets the rest.
 *
 * The edit does not name an interface that the file does not name, unless the caller allows it. Every dhclient that
 * reads a file configures each interface that the file names, whatever its command line says (dhclient(8); measured).
 */
import type { DesiredDhcp } from '../../../config/desired.ts';
import type { OptionDefinition } from '../../../config/notation/dhcp-options.ts';
import { type BlockContent, blockEdits, findConfBlock } from './block.ts';
import { applyEdits, type Edit, removal, sortEdits, supersedeInPlace } from './edits.ts';
import { effectsOn, scopesOf } from './effects.ts';
import { parseConf } from './grammar/grammar.ts';
import { type Notation, notationFor, sameValues } from './grammar/option-values.ts';
import { BEGINNINGS } from './grammar/recovery.ts';
import { type Conf, lineOf, type Statement, wordsOf } from './grammar/statement.ts';
import { problemAt, type SyntaxProblem } from './grammar/syntax.ts';
import { type ConfSetting, confSettings, namedInterfaces } from './reader.ts';
import { editRequests } from './requests.ts';
import { optionKey, type WantedOptions, wantedIn } from './wanted.ts';

export type { Edit } from './edits.ts';
export type { SyntaxProblem } from './grammar/syntax.ts';
export { type ConfSetting, type EffectiveConf, readConf } from './reader.ts';

export interface EditedConf {
  readonly ok: true;
  /** The edited text; byte for byte the old text if nothing has to change. */
  readonly text: string;
  /** The state of each setting before the edit. */
  readonly settings: readonly ConfSetting[];
  /** Exactly the changes, in the order of the text; they do not overlap. */
  readonly edits: readonly Edit[];
  /** Doubts that this file alone cannot settle. */
  readonly warnings: readonly string[];
}

export interface NotEdited {
  readonly ok: false;
  /** In the order of the file. */
  readonly problems: readonly SyntaxProblem[];
}

/**
 * A file with syntax errors is not edited, unless each error lies wholly in a statement that is replaced anyway.
 * `mayName` lists interfaces that every dhclient with this file serves anyway, so naming them changes nothing.
 */
export function editConf(text: string, wanted: DesiredDhcp, mayName: readonly string[] = []): EditedConf | NotEdited {
  const conf = parseConf(text);
  const edit = new ConfEdit(text, conf, sayable(conf, wanted, mayName));
  const problems = conf.problems.filter((problem) => !edit.repaired.has(problem));
  if (problems.length || edit.conflicts.length) return { ok: false, problems: [...problems, ...edit.conflicts] };

  const result = applyEdits(text, edit.edits);
  const after = edit.edits.length ? parseConf(result) : conf;
  if (edit.edits.length > 0 && after.problems.length > 0)
    return { ok: false, problems: conf.problems.length ? conf.problems : after.problems };
  return {
    ok: true,
    text: result,
    settings: confSettings(conf, wanted, mayName),
    edits: edit.edits,
    warnings: [...edit.warnings, ...revived(conf, after)],
  };
}

/** Statements that dhclient skipped because of an earlier error, and that take effect once the error is repaired. */
function revived(before: Conf, after: Conf): string[] {
  const counted = (conf: Conf) => allOf(conf.statements).filter(({ kind }) => kind !== 'interface');
  const alive = counted(after).map(lineOf);
  return counted(before)
    .filter((one) => !one.live && one.problems.length === 0 && alive.includes(lineOf(one)))
    .map((one) => {
      const said = wordsOf(one).replace(/;$/, '');
      return `line ${one.line}: dhclient skips "${said}" today because of the error before it, and would carry it out after a repair of that error`;
    });
}

function allOf(statements: readonly Statement[]): Statement[] {
  return statements.flatMap((one) => [one, ...allOf(one.body)]);
}

/** The wanted settings without interfaces that the file must not name. */
function sayable(conf: Conf, wanted: DesiredDhcp, mayName: readonly string[]): DesiredDhcp {
  const named = namedInterfaces(conf);
  const interfaces = [...wanted.interfaces].filter(([name]) => named.has(name) || mayName.includes(name));
  return { global: wanted.global, interfaces: new Map(interfaces) };
}

class ConfEdit {
  readonly edits: readonly Edit[];
  readonly warnings: string[] = [];
  /** Problems that go away with the statement that has them. */
  readonly repaired = new Set<SyntaxProblem>();
  /** Definitions in the file that make a wanted setting impossible to write. */
  readonly conflicts: SyntaxProblem[] = [];
  private readonly text: string;
  private readonly conf: Conf;
  private readonly statements: readonly Statement[];
  private readonly inPlace: Edit[] = [];
  private readonly content: BlockContent = { definitions: [], global: [], interfaces: new Map() };

  constructor(text: string, conf: Conf, wanted: DesiredDhcp) {
    const block = findConfBlock(conf);
    this.text = text;
    this.conf = conf;
    this.statements = conf.statements.filter((statement) => !block?.own.includes(statement));
    for (const statement of block?.own ?? []) this.forgive(statement);
    const scopes = scopesOf(this.statements);
    for (const { line, kind, name } of this.statements)
      if (kind === 'include')
        this.warnings.push(`line ${line}: what ${name} sets in an interface block wins over this file`);

    for (const want of wantedIn(wanted, null)) this.supersede(want, scopes.global, this.content.global);
    for (const name of new Set([...wanted.interfaces.keys(), ...scopes.interfaces.keys()])) {
      const lines: string[] = [];
      this.content.interfaces.set(name, lines);
      for (const want of wantedIn(wanted, name))
        this.supersede(want, scopes.interfaces.get(name)?.statements ?? [], lines);
    }
    const requests = editRequests(text, this.statements, wanted, this.content, (option, place) =>
      this.isDefined(option, place),
    );
    for (const option of requests.names) this.define(option);
    this.warnings.push(...requests.warnings);
    for (const pseudo of scopes.pseudos)
      this.warnings.push(`line ${pseudo.line}: the pseudo interface on ${pseudo.name} is not looked into`);
    this.edits = sortEdits([...this.inPlace, ...requests.edits, ...blockEdits(text, conf, block, this.content)]);
  }

  /** Edits one scope's statements, and adds the block's lines for that scope to `lines`. */
  private supersede(want: WantedOptions, statements: readonly Statement[], lines: string[]): void {
    const { name } = want.definition;
    const notation = this.notation(want);
    if (notation === null) return;
    const value = notation.text;
    const effects = effectsOn(want.key, statements).filter((effect) => !this.isRemoved(effect.statement, want));
    const certain = effects.filter((effect) => effect.certain).map((effect) => effect.statement);
    // An interface's default has no effect if the option is superseded for all interfaces.
    const last = certain.findLast(({ kind }) => kind !== 'default') ?? (want.inherited ? undefined : certain.at(-1));
    for (const statement of certain) {
      const isBroken = statement.problems.length > 0;
      if (isBroken && !isRepairable(statement)) continue;
      if (isBroken || (statement === last && !isRight(statement, notation)))
        this.inPlace.push(...supersedeInPlace(this.text, statement, name, value));
      this.forgive(statement);
    }
    const unknown = effects.findLast((effect) => !effect.certain)?.statement;
    if (last ? unknown === undefined || unknown.start < last.start : want.inherited && unknown === undefined) return;
    lines.push(`supersede ${name} ${value};`);
    this.define(want.definition);
  }

  /** Removes a broken statement that names an option before its definition: no repair in its place is possible. */
  private isRemoved(statement: Statement, { definition }: WantedOptions): boolean {
    if (statement.problems.length === 0 || this.isDefined(definition, statement.start)) return false;
    if (!isRepairable(statement)) return false;
    this.inPlace.push(removal(this.text, statement));
    this.forgive(statement);
    return true;
  }

  private notation({ key, definition, values }: WantedOptions): Notation | null {
    const own = this.conf.options.formatOf(key) ?? definition.format;
    const notation = notationFor(definition, values, own);
    const place = this.conf.statements.find(({ kind, option }) => kind === 'definition' && option?.key === key);
    if (notation === null && place)
      this.conflicts.push(problemAt(place.keyword, `${definition.name} is defined here as another type than it has`));
    return notation;
  }

  private isDefined({ name, definition, ...rest }: OptionDefinition, place: number): boolean {
    if (definition === null) return true;
    const key = optionKey({ name, definition, ...rest });
    return this.statements.some(
      ({ kind, option, start }) => kind === 'definition' && option?.key === key && start < place,
    );
  }

  private define(option: OptionDefinition): void {
    const { definitions } = this.content;
    if (option.definition === null || this.isDefined(option, this.text.length)) return;
    if (!definitions.includes(option.definition)) definitions.push(option.definition);
  }

  private forgive({ problems, body }: Statement): void {
    for (const problem of problems) this.repaired.add(problem);
    for (const inner of body) this.forgive(inner);
  }
}

function isRight({ kind, values }: Statement, wanted: Notation): boolean {
  return kind === 'supersede' && values !== null && sameValues(wanted.format, values, wanted.values);
}

/** Whether all problems are inside this statement. */
function isRepairable({ tokens, problems }: Statement): boolean {
  const [, , ...rest] = tokens;
  return (
    problems.length > 0 &&
    rest.every(({ kind, text, problem }) => {
      if (kind === 'string') return problem === undefined && !text.includes('\n');
      return !'{}'.includes(text) && !(kind === 'word' && BEGINNINGS.has(text.toLowerCase()));
    })
  );
}
