/**
 * The effect of a dhclient.conf: which statements decide an option's value, and which options are requested.
 *
 * Measured on 4.4.3: dhclient carries out the statements of the outermost level in order, and afterwards those of the
 * interface's blocks in order. Repeated blocks count as one, and the order of blocks and outer statements in the file
 * does not matter. `supersede` sets a value, `prepend` and `append` add to the present value, `default` sets a value
 * only if there is none. The request list differs: an interface's list is a copy of the outermost list, made when the
 * interface's first block opens.
 */
import type { Statement } from './grammar/statement.ts';

export interface InterfaceScope {
  readonly name: string;
  readonly statements: Statement[];
}

/** A file's statements by the scope in which they count. */
export interface Scopes {
  readonly global: Statement[];
  readonly interfaces: Map<string, InterfaceScope>;
  readonly pseudos: Statement[];
}

export function scopesOf(statements: readonly Statement[]): Scopes {
  const scopes: Scopes = { global: [], interfaces: new Map(), pseudos: [] };
  for (const statement of statements) {
    if (statement.kind === 'pseudo') scopes.pseudos.push(statement);
    else if (statement.kind === 'interface' && statement.name !== null) {
      const scope = scopes.interfaces.get(statement.name) ?? { name: statement.name, statements: [] };
      scope.statements.push(...statement.body);
      scopes.interfaces.set(statement.name, scope);
    } else scopes.global.push(statement);
  }
  return scopes;
}

/** One statement's part in an option's value. */
export interface Effect {
  readonly statement: Statement;
  /** False for a condition that may or may not hold, and for an included file that is not visible here. */
  readonly certain: boolean;
}

/** Every effect on this option, in order. */
export function effectsOn(key: string, statements: readonly Statement[]): Effect[] {
  const effects: Effect[] = [];
  for (const statement of statements) {
    if (sets(statement, key)) effects.push({ statement, certain: true });
    else if (statement.kind === 'include' || (statement.kind === 'conditional' && mayset(statement, key)))
      effects.push({ statement, certain: false });
  }
  return effects;
}

/**
 * The statement that decides the value, if no later effect changes it; null if there is none or the value is uncertain.
 */
export function decider(effects: readonly Effect[]): Statement | null {
  let deciding: Statement | null = null;
  let isSet = false;
  for (const { statement, certain } of effects) {
    if (!certain) deciding = null;
    else if (statement.kind === 'supersede') deciding = statement;
    else if (statement.kind !== 'default' || !isSet) deciding = null;
    isSet = true;
  }
  return deciding;
}

/**
 * A requested option, and the word of the statement that asks for it; null if dhclient's compiled-in list asks for it.
 */
export interface Requested {
  readonly key: string;
  readonly name: string;
  readonly statement: Statement | null;
}

/** The options that dhclient 4.4 requests if the file has no `request` (client/clparse.c; measured). */
export const DEFAULT_REQUEST: readonly Requested[] = [
  ['dhcp:1', 'subnet-mask'],
  ['dhcp:28', 'broadcast-address'],
  ['dhcp:2', 'time-offset'],
  ['dhcp:3', 'routers'],
  ['dhcp:15', 'domain-name'],
  ['dhcp:6', 'domain-name-servers'],
  ['dhcp:12', 'host-name'],
  ['dhcp6:23', 'dhcp6.name-servers'],
  ['dhcp6:24', 'dhcp6.domain-search'],
].map(([key, name]) => ({ key: key!, name: name!, statement: null }));

export interface RequestLists {
  readonly global: readonly Requested[];
  /** The lists of all interfaces that have a block. */
  readonly interfaces: ReadonlyMap<string, readonly Requested[]>;
}

/** `read` gives a list statement's options, so that a caller can try an edit before making it. */
export function requestLists(
  statements: readonly Statement[],
  read: (statement: Statement) => readonly Requested[] = namesOf,
): RequestLists {
  let global = DEFAULT_REQUEST;
  const interfaces = new Map<string, readonly Requested[]>();
  const after = (list: readonly Requested[], statement: Statement) => {
    if (statement.kind === 'request') return read(statement);
    // An included file may have replaced dhclient's own list.
    if (statement.kind === 'include') return list.filter((item) => item.statement !== null);
    return statement.kind === 'also request' ? [...list, ...read(statement)] : list;
  };
  for (const statement of statements)
    if (statement.kind === 'interface' && statement.name !== null)
      interfaces.set(statement.name, statement.body.reduce(after, interfaces.get(statement.name) ?? global));
    else global = after(global, statement);
  return { global, interfaces };
}

export function namesOf(statement: Statement): Requested[] {
  return (statement.values ?? []).map((key, at) => ({ key, name: statement.valueTokens[at]!.text, statement }));
}

function sets(statement: Statement, key: string): boolean {
  return ['supersede', 'default', 'prepend', 'append'].includes(statement.kind) && statement.option?.key === key;
}

function mayset(statement: Statement, key: string): boolean {
  return statement.body.some((inner) => sets(inner, key) || mayset(inner, key));
}
