/** Which dhclient-script(8) a dhclient runs: its configuration's, its command line's, or its compiled-in default. */
import { HostError, nullIfRefused } from '../../host/errors.ts';
import type { Host } from '../../host/host.ts';
import { clientName, DEFAULT_CONF, dhcpClients, type RunningDhclient } from './running.ts';

const SCRIPTS = ['/sbin/dhclient-script', '/usr/sbin/dhclient-script'];

/** The dhclient-script that dhclient runs by default; null if no such file exists. */
export const defaultScript = (host: Host) => SCRIPTS.find((path) => host.stat(path) !== null) ?? null;

/** A script, and what names it: `file:line` of a statement, or `-sf`; null if the script is the default. */
export interface Script {
  readonly path: string;
  readonly named: string | null;
}

export interface ScriptInUse extends Script {
  /** The dhclient that runs the script; null if none runs now. */
  readonly who: string | null;
  readonly family: 4 | 6;
}

/** The script that this dhclient runs at each event; null if it names none and no default exists. */
export function scriptOf(
  host: Host,
  client: Pick<RunningDhclient, 'confFile' | 'script' | 'interfaces'>,
): Script | null {
  const stated = scriptInConf(host, client.confFile, client.interfaces);
  if (stated !== null) return stated;
  if (client.script !== null) return { path: client.script, named: '-sf' };
  const path = defaultScript(host);
  return path === null ? null : { path, named: null };
}

/**
 * The scripts of running dhclients that no other program runs, each with its dhclient. If no dhclient runs: the script
 * of the next start, with null.
 */
export function scriptsInUse(host: Host): ScriptInUse[] {
  const running = dhcpClients(host)
    .filter(({ owner }) => owner === null)
    .flatMap((client) => {
      const script = scriptOf(host, client);
      return script === null ? [] : [{ ...script, who: clientName(client), family: client.family }];
    });
  if (running.length > 0) return running;
  const conf = [DEFAULT_CONF, '/etc/dhcp3/dhclient.conf', '/etc/dhclient.conf'].find((file) =>
    host.stat(file)?.isFile(),
  );
  const script = scriptOf(host, { confFile: conf ?? DEFAULT_CONF, script: null, interfaces: [] });
  return script === null ? [] : [{ ...script, who: null, family: 4 }];
}

export function scriptPaths(host: Host): string[] {
  return scriptsInUse(host).map(({ path }) => path);
}

/**
 * Why dhclient cannot run the script, as a phrase after its name (execve(2)); null if it can. Without the script,
 * dhclient sets neither address nor name servers.
 */
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

/** Limit for files that include each other. */
const DEEPEST = 8;

const TOKENS = /#[^\n]*|"((?:[^"\\]|\\.)*)"|[\w-]+|[{};]/gs;

/**
 * The last `script "/path";` in the file or its included files; null if there is none. It beats `-sf`, and a statement
 * in an interface's block beats one for the whole file (client/clparse.c). It is read without the grammar, so that an
 * apply that changes nothing need not load the grammar. `interfaces`: the client's interfaces; if empty, every block
 * counts.
 */
function scriptInConf(host: Host, file: string, interfaces: readonly string[]): Script | null {
  const found = scriptsIn(host, file, null, 0).filter(({ of }) => {
    return of === null || interfaces.length === 0 || interfaces.includes(of);
  });
  const last = found.findLast(({ of }) => of !== null) ?? found.at(-1);
  return last === undefined ? null : { path: last.path, named: last.named };
}

/** `of`: the interface whose block holds the statement; null if no block does. */
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

/** The text of a quoted token; undefined if the token is not quoted. */
function unescaped(token: RegExpMatchArray | undefined): string | undefined {
  return token?.[1]?.replace(/\\(.)/gs, '$1');
}

/** The script that a rehearsal plays. Throws HostError if there is none, or it belongs to another program. */
export function ownDhclientScript(host: Host, client: RunningDhclient): string {
  if (client.owner !== null)
    throw new HostError(
      'EOWNER',
      `${clientName(client)} is run by ${client.owner}, and its script passes the lease to ${client.owner}, so its events cannot be rehearsed`,
    );
  const script = scriptOf(host, client) ?? { path: '/sbin/dhclient-script', named: null };
  const why = whyNotRun(host, script.path);
  const named = script.named === null ? '' : ` (${script.named})`;
  if (why !== null) throw new HostError('ENOENT', `${clientName(client)}: its script ${script.path}${named} ${why}`);
  return script.path;
}
