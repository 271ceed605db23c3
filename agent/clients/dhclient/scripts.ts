/** Which dhclient-script(8) a dhclient runs: its configuration's, its command line's, or the one that it was built with. */
import { nullIfRefused } from '../../host/errors.ts';
import type { Host } from '../../host/host.ts';
import { clientName, DEFAULT_CONF, type DhcpClient, dhcpClients } from './clients.ts';

const SCRIPTS = ['/sbin/dhclient-script', '/usr/sbin/dhclient-script'];

/** The first dhclient-script that is there, where dhclient runs it without being told another. */
export const defaultScript = (host: Host) => SCRIPTS.find((path) => host.stat(path) !== null) ?? null;

/** A script, and what names it: `file:line` of a statement, or `-sf`; null: it is the default. */
export interface Script {
  readonly path: string;
  readonly named: string | null;
}

/** What this dhclient runs at each event; null: it names none, and none is there. */
export function scriptOf(host: Host, client: Pick<DhcpClient, 'confFile' | 'script' | 'interfaces'>): Script | null {
  const stated = scriptInConf(host, client.confFile, client.interfaces);
  if (stated !== null) return stated;
  if (client.script !== null) return { path: client.script, named: '-sf' };
  const path = defaultScript(host);
  return path === null ? null : { path, named: null };
}

/**
 * The scripts of the dhclients that run and that no other program runs, each with who runs it; where none runs, the script
 * of the next start, with null.
 */
export function scriptsInUse(host: Host): (Script & { readonly who: string | null })[] {
  const running = dhcpClients(host)
    .filter(({ owner }) => owner === null)
    .flatMap((client) => {
      const script = scriptOf(host, client);
      return script === null ? [] : [{ ...script, who: clientName(client) }];
    });
  if (running.length > 0) return running;
  const conf = [DEFAULT_CONF, '/etc/dhcp3/dhclient.conf', '/etc/dhclient.conf'].find((file) =>
    host.stat(file)?.isFile(),
  );
  const script = scriptOf(host, { confFile: conf ?? DEFAULT_CONF, script: null, interfaces: [] });
  return script === null ? [] : [{ ...script, who: null }];
}

/** Why dhclient cannot run the script, after its name (execve(2)): it then sets neither address nor name servers. null: it can. */
export function whyNotRun(host: Host, path: string): string | null {
  if (!path.startsWith('/')) return 'is no absolute path';
  const stats = host.stat(path);
  if (stats === null) return host.lstat(path) === null ? 'does not exist' : 'is a symbolic link that leads nowhere';
  if (!stats.isFile()) return 'is no regular file';
  if ((stats.mode & 0o111) === 0) return `lacks the run bit (chmod +x ${path})`;
  const text = nullIfRefused(() => host.readText(path));
  if (text === null || text.startsWith('\x7fELF')) return null;
  const [, interpreter] = /^#![ \t]*(\S+)/.exec(text) ?? [];
  if (interpreter === undefined) return 'has no first line "#!/bin/sh"';
  if (host.stat(interpreter) === null && host.live) return `needs ${interpreter}, which does not exist`;
  return null;
}

/** Files that include each other end here. */
const DEEPEST = 8;

const TOKENS = /#[^\n]*|"((?:[^"\\]|\\.)*)"|[\w-]+|[{};]/gs;

/**
 * Of `script "/path";`, in the file or one that it includes, the last; it wins over `-sf`, and that of an interface's block over
 * that of the whole file (client/clparse.c). Read without the grammar, which an apply that changes nothing does not load.
 * `interfaces`: those of the client; none: every block counts. null: there is no such statement.
 */
function scriptInConf(host: Host, file: string, interfaces: readonly string[]): Script | null {
  const found = scriptsIn(host, file, null, 0).filter(({ of }) => {
    return of === null || interfaces.length === 0 || interfaces.includes(of);
  });
  const last = found.findLast(({ of }) => of !== null) ?? found.at(-1);
  return last === undefined ? null : { path: last.path, named: last.named };
}

/** `of`: the interface whose block it stands in, or null. */
function scriptsIn(host: Host, file: string, scope: string | null, depth: number): (Script & { of: string | null })[] {
  const text = file.startsWith('/') ? (nullIfRefused(() => host.readText(file)) ?? '') : '';
  if (depth >= DEEPEST || !/\b(?:script|include)\b/i.test(text)) return [];
  const tokens = [...text.matchAll(TOKENS)].filter(([token]) => !token.startsWith('#'));
  const blocks: (string | null)[] = [scope];
  return tokens.flatMap(([token, quoted], at) => {
    const word = tokens[at - 1]?.[0].toLowerCase();
    if (token === '{')
      blocks.push(
        tokens[at - 2]?.[0].toLowerCase() === 'interface'
          ? (unescaped(tokens[at - 1]) ?? null)
          : (blocks.at(-1) ?? null),
      );
    if (token === '}' && blocks.length > 1) blocks.pop();
    if (quoted === undefined || tokens[at + 1]?.[0] !== ';') return [];
    const of = blocks.at(-1) ?? null;
    const name = unescaped(tokens[at]) ?? '';
    if (word === 'include') return scriptsIn(host, name, of, depth + 1);
    if (word !== 'script') return [];
    return [{ path: name, named: `${file}:${text.slice(0, tokens[at]?.index).split('\n').length}`, of }];
  });
}

/** What a quoted token says; undefined: it is not quoted. */
function unescaped(token: RegExpMatchArray | undefined): string | undefined {
  return token?.[1]?.replace(/\\(.)/gs, '$1');
}
