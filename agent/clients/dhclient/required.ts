/**
 * Compares the `require` statements of a dhclient.conf (dhclient.conf(5)) with the options that are no longer to be
 * requested. dhclient refuses every offer that lacks a required option, and a server sends only requested options. The
 * next start would therefore get no lease at all.
 */
import type { DesiredDhcp } from '../../config/desired.ts';
import { nullIfRefused } from '../../host/errors.ts';
import type { Host } from '../../host/host.ts';
import { parseConf } from './conf/grammar/grammar.ts';
import type { Statement } from './conf/grammar/statement.ts';
import { optionKey, wantedRequest } from './conf/wanted.ts';

/** An option that a live statement requires. */
interface Required {
  readonly key: string;
  readonly file: string;
  readonly line: number;
}

/** Limit for files that include each other. */
const DEEPEST = 8;

/**
 * One sentence, with file and line, for each required option that the configuration no longer requests. Statements in
 * `text` (of `file`) and in its included files count.
 */
export function requiredUnasked(host: Host, file: string, text: string, wanted: DesiredDhcp): string[] {
  const { global, interfaces } = requiredIn(host, file, text);
  const scopes = [[null, global] as const, ...interfaces];
  const sentences = scopes.flatMap(([iface, required]) =>
    wantedRequest(wanted, iface).without.flatMap((option) => {
      const found = required.find(({ key }) => key === optionKey(option));
      return found === undefined ? [] : [sentence(option.name, found)];
    }),
  );
  return [...new Set(sentences)];
}

function sentence(name: string, { file, line }: Required): string {
  return (
    `${file}:${line} requires ${name}, which request.without takes out of the request: at its next start dhclient would ` +
    `refuse every offer and get no lease; take ${name} out of that line, or out of request.without`
  );
}

/**
 * The required options, read as dhclient reads them. A list replaces the earlier list, and an interface's list begins
 * as a copy of the outermost list.
 */
function requiredIn(host: Host, file: string, text: string) {
  const interfaces = new Map<string, Required[]>();
  let global: Required[] = [];
  const visit = (statements: readonly Statement[], from: string, iface: string | null, depth: number) => {
    for (const one of statements) {
      if (!one.live) continue;
      if (one.kind === 'interface' && one.name !== null) {
        if (!interfaces.has(one.name)) interfaces.set(one.name, global);
        visit(one.body, from, one.name, depth);
      } else if (one.kind === 'include' && one.name?.startsWith('/') && depth < DEEPEST) {
        const name = one.name;
        const included = nullIfRefused(() => host.readText(name));
        if (included !== null) visit(parseConf(included).statements, name, iface, depth + 1);
      } else if (one.kind === 'require' || one.kind === 'also require') {
        if (one.values === null) continue;
        const own = one.values.map((key) => ({ key, file: from, line: one.line }));
        const before = iface === null ? global : (interfaces.get(iface) ?? []);
        const list = one.kind === 'require' ? own : [...before, ...own];
        if (iface === null) global = list;
        else interfaces.set(iface, list);
      }
    }
  };
  visit(parseConf(text).statements, file, null, 0);
  return { global, interfaces };
}
