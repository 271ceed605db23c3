/** The settings that dhclient takes from a dhclient.conf as it stands, for status, plan and init. */
import type { DesiredDhcp } from '../../../config/desired.ts';
import { DHCP4, DHCP6 } from '../../../config/notation/dhcp-option-table.ts';
import { decider, effectsOn, type Requested, requestLists, scopesOf } from './effects.ts';
import { parseConf } from './grammar/grammar.ts';
import { notationFor, sameValues } from './grammar/option-values.ts';
import { type Conf, type Statement, wordsOf } from './grammar/statement.ts';
import { wantedIn, wantedRequest } from './wanted.ts';

/** One wanted setting, with the file's present value. */
export interface ConfSetting {
  /** `supersede.domain-name-servers`, `request.without`, `request.also`. */
  readonly setting: string;
  /** null if the setting is for all interfaces. */
  readonly iface: string | null;
  readonly wanted: string;
  /** The value that dhclient would take from this file; null if the file says nothing about the setting. */
  readonly actual: string | null;
  /** The line of the statement that decides, from 1. */
  readonly line: number | null;
  readonly ok: boolean;
  /**
   * Set if the file cannot say the setting without doing harm. The edit leaves the setting alone, and the hook holds
   * it.
   */
  readonly reason?: string;
}

export interface EffectiveConf {
  /** The superseded values by option name. An option that may keep the server's value is left out. */
  readonly supersede: ReadonlyMap<
    string,
    { readonly value: string; readonly values: readonly string[]; readonly line: number }
  >;
  /** The names in order; dhclient's own list if the file has none. */
  readonly request: readonly string[];
}

/** dhclient's behaviour on this interface; null for an interface that the file does not name. */
export function readConf(text: string, iface: string | null): EffectiveConf {
  const { live, statementsFor } = viewOf(parseConf(text));
  const statements = statementsFor(iface);
  const supersede = new Map<string, { value: string; values: readonly string[]; line: number }>();
  for (const key of new Set(statements.map((statement) => statement.option?.key ?? ''))) {
    const statement = decider(effectsOn(key, statements));
    if (!statement?.values) continue;
    const name = NAMES.get(key) ?? statement.tokens[1]!.text;
    supersede.set(name, { value: statement.values.join(', '), values: statement.values, line: statement.line });
  }
  const lists = requestLists(live);
  const request = (iface !== null && lists.interfaces.get(iface)) || lists.global;
  return { supersede, request: request.map(({ key, name }) => NAMES.get(key) ?? name) };
}

/** The interfaces that have a block in the file, written by Holdfast or by another author. */
export function namedInterfaces(conf: Conf): Set<string> {
  return new Set(conf.statements.flatMap(({ kind, name }) => (kind === 'interface' && name !== null ? [name] : [])));
}

/** Every wanted setting, and the setting once more for each interface whose block overrides it. */
export function confSettings(conf: Conf, wanted: DesiredDhcp, mayName: readonly string[] = []): ConfSetting[] {
  const { live, scopes, statementsFor } = viewOf(conf);
  const lists = requestLists(live);
  const settings: ConfSetting[] = [];
  const named = namedInterfaces(conf);
  const unnamed = (iface: string | null) =>
    iface !== null && !named.has(iface) && !mayName.includes(iface)
      ? { reason: `naming ${iface} in this file would make every dhclient that reads it configure ${iface} too` }
      : {};
  for (const iface of [null, ...new Set([...wanted.interfaces.keys(), ...scopes.interfaces.keys()])]) {
    for (const { key, definition, values, inherited } of wantedIn(wanted, iface)) {
      const own = (iface !== null && scopes.interfaces.get(iface)?.statements) || [];
      if (inherited && effectsOn(key, own).length === 0) continue;
      const effects = effectsOn(key, statementsFor(iface));
      const statement = decider(effects);
      const notation = notationFor(definition, values, conf.options.formatOf(key) ?? definition.format);
      const last = effects.at(-1)?.statement;
      settings.push({
        setting: `supersede.${definition.name}`,
        iface,
        wanted: values.join(', '),
        actual: statement ? (statement.values?.join(', ') ?? wordsOf(statement)) : last ? wordsOf(last) : null,
        line: (statement ?? last)?.line ?? null,
        ok: notation !== null && !!statement?.values && sameValues(notation.format, statement.values, notation.values),
        ...unnamed(iface),
      });
    }
    const list = (iface !== null && lists.interfaces.get(iface)) || lists.global;
    if (iface === null || wanted.interfaces.get(iface)?.request || lists.interfaces.has(iface))
      settings.push(...requestSettings(wanted, iface, list).map((setting) => ({ ...setting, ...unnamed(iface) })));
  }
  return settings;
}

function requestSettings(wanted: DesiredDhcp, iface: string | null, list: readonly Requested[]): ConfSetting[] {
  const { without, also } = wantedRequest(wanted, iface);
  const names = new Set(list.map(({ key, name }) => NAMES.get(key) ?? name));
  const common = {
    iface,
    actual: [...names].join(', '),
    line: list.findLast(({ statement }) => statement)?.statement?.line ?? null,
  };
  const one = (setting: string, options: readonly { name: string }[], has: boolean): ConfSetting[] =>
    options.length === 0
      ? []
      : [
          {
            setting: `request.${setting}`,
            ...common,
            wanted: options.map(({ name }) => name).join(', '),
            ok: options.every(({ name }) => names.has(name) === has),
          },
        ];
  return [...one('without', without, false), ...one('also', also, true)];
}

/** The statements that dhclient really reads, however broken the file is. */
function viewOf(conf: Conf) {
  const isSeen = ({ live, problems, values, kind }: Statement) =>
    live && (problems.length === 0 || values !== null || kind === 'interface' || kind === 'conditional');
  const live = conf.statements
    .filter(isSeen)
    .map((statement) => (statement.body.length ? { ...statement, body: statement.body.filter(isSeen) } : statement));
  const scopes = scopesOf(live);
  const statementsFor = (iface: string | null) => [
    ...scopes.global,
    ...((iface !== null && scopes.interfaces.get(iface)?.statements) || []),
  ];
  return { live, scopes, statementsFor };
}

/** dhclient's own name of each option, by the option's key. */
const NAMES = new Map<string, string>();
for (const [space, prefix, rows] of [
  ['dhcp', '', DHCP4],
  ['dhcp6', 'dhcp6.', DHCP6],
] as const)
  for (const row of rows.trim().split('\n')) {
    const [code, name] = row.split(' ') as [string, string];
    NAMES.set(`${space}:${code}`, prefix + name);
  }
NAMES.set('dhcp:121', 'rfc3442-classless-static-routes')
  .set('dhcp:249', 'ms-classless-static-routes')
  .set('dhcp:252', 'wpad');
