/**
 * Request lists: names are removed and added in the lists of the file. The marked block takes the rest. It says `also
 * request` for a name if the file has no list. It says a whole new `request` if a list that cannot be edited has an
 * unwanted name. Two lists cannot be edited: dhclient's compiled-in list, and the list that an interface copied from
 * the outermost level.
 */
import type { DesiredDhcp } from '../../../config/desired.ts';
import type { OptionDefinition } from '../../../config/notation/dhcp-options.ts';
import type { BlockContent } from './block.ts';
import { type Edit, listEdits } from './edits.ts';
import { namesOf, type Requested, requestLists, scopesOf } from './effects.ts';
import type { Statement } from './grammar/statement.ts';
import { optionKey, type WantedRequest, wantedRequest } from './wanted.ts';

export interface RequestEdits {
  readonly edits: readonly Edit[];
  /** The options that the block requests, and so may have to define. */
  readonly names: readonly OptionDefinition[];
  readonly warnings: readonly string[];
}

/** `isDefined` says whether the file may name an option at that place. */
export function editRequests(
  text: string,
  statements: readonly Statement[],
  desired: DesiredDhcp,
  content: BlockContent,
  isDefined: (option: OptionDefinition, place: number) => boolean,
): RequestEdits {
  const gone = new Map<Statement, Set<string>>();
  const added = new Map<Statement, OptionDefinition[]>();
  const names: OptionDefinition[] = [];
  const warnings: string[] = [];
  const read = (statement: Statement): Requested[] => [
    ...namesOf(statement).filter(({ key }) => !gone.get(statement)?.has(key)),
    ...(added.get(statement) ?? []).map((option) => ({ key: optionKey(option), name: option.name, statement })),
  ];

  /** Edits the lists in `own` as far as possible; returns the statements that the block must add. */
  const edit = (wanted: WantedRequest, own: readonly Statement[], list: () => readonly Requested[]): string[] => {
    if (wanted.without.length + wanted.also.length === 0) return [];
    const mine = new Set(own);
    const unwanted = new Set(wanted.without.map(optionKey));
    const asking = new Set(list().map(({ statement }) => statement));
    for (const { key, statement } of list())
      if (statement && mine.has(statement) && unwanted.has(key))
        gone.set(statement, (gone.get(statement) ?? new Set()).add(key));

    const left = list();
    const missing = wanted.also.filter((option) => !left.some(({ key }) => key === optionKey(option)));
    if (left.some(({ key }) => unwanted.has(key))) {
      names.push(...missing);
      const kept = left.filter(({ key }) => !unwanted.has(key));
      return [`request ${[...kept, ...missing].map(({ name }) => name).join(', ')};`];
    }
    const hidden = own.findLast(({ kind }) => kind === 'include' || kind === 'request');
    const isHidden = hidden?.kind === 'include';
    if (isHidden && unwanted.size)
      warnings.push(`line ${hidden.line}: what ${hidden.name} requests cannot be seen here and is not changed`);
    const last = own.findLast((statement) => asking.has(statement));
    const inBlock: OptionDefinition[] = [];
    for (const option of missing)
      if (last && !(isHidden && last.start < hidden.start) && isDefined(option, last.start))
        added.set(last, [...(added.get(last) ?? []), option]);
      else inBlock.push(option);
    names.push(...inBlock);
    return inBlock.length ? [`also request ${inBlock.map(({ name }) => name).join(', ')};`] : [];
  };

  const scopes = scopesOf(statements);
  const lines = edit(wantedRequest(desired, null), scopes.global, () => requestLists(statements, read).global);
  content.global.push(...lines);
  for (const name of new Set([...scopes.interfaces.keys(), ...desired.interfaces.keys()])) {
    const own = scopes.interfaces.get(name)?.statements;
    const wanted = wantedRequest(desired, name);
    const copied = () => requestLists(statements, read).interfaces.get(name) ?? afterBlock();
    const afterBlock = () => listAfter(requestLists(statements, read).global, wantedRequest(desired, null), lines);
    if (own || desired.interfaces.get(name)?.request) into(content, name).push(...edit(wanted, own ?? [], copied));
  }

  const touched = new Set([...gone.keys(), ...added.keys()]);
  const edits = [...touched].flatMap((statement) =>
    listEdits(
      text,
      statement,
      gone.get(statement) ?? new Set(),
      (added.get(statement) ?? []).map(({ name }) => name),
    ),
  );
  return { edits, names, warnings };
}

/** The outermost list after the block has been read. An interface without a block copies this list. */
function listAfter(list: readonly Requested[], wanted: WantedRequest, lines: readonly string[]): Requested[] {
  const unwanted = new Set(lines[0]?.startsWith('request ') ? wanted.without.map(optionKey) : []);
  const kept = list.filter(({ key }) => !unwanted.has(key));
  const missing = wanted.also.filter((option) => !kept.some(({ key }) => key === optionKey(option)));
  return [...kept, ...missing.map((option) => ({ key: optionKey(option), name: option.name, statement: null }))];
}

function into(content: BlockContent, name: string): string[] {
  const lines = content.interfaces.get(name) ?? [];
  content.interfaces.set(name, lines);
  return lines;
}
