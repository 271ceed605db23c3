/** Which dhclient-script(8) a dhclient runs: its configuration's, its command line's, or the one that it was built with. */
import { nullIfRefused } from '../host/errors.ts';
import type { Host } from '../host/host.ts';
import { clientName, DEFAULT_CONF, type DhcpClient, dhcpClients } from './clients.ts';

const SCRIPTS = ['/sbin/dhclient-script', '/usr/sbin/dhclient-script'];

/** The first dhclient-script that is there, where dhclient runs it without being told another. */
export const defaultScript = (host: Host) => SCRIPTS.find((path) => host.stat(path) !== null) ?? null;

/** What this dhclient runs at each event; null: it names none, and none is there. */
export function scriptOf(host: Host, client: Pick<DhcpClient, 'confFile' | 'script'>): string | null {
  return scriptInConf(host, client.confFile) ?? client.script ?? defaultScript(host);
}

/**
 * The scripts of the dhclients that run and that no other program runs, each with who runs it; where none runs, the script
 * of the next start, with null.
 */
export function scriptsInUse(host: Host): { readonly path: string; readonly who: string | null }[] {
  const running = dhcpClients(host)
    .filter(({ owner }) => owner === null)
    .flatMap((client) => {
      const path = scriptOf(host, client);
      return path === null ? [] : [{ path, who: clientName(client) }];
    });
  if (running.length > 0) return running;
  const conf = [DEFAULT_CONF, '/etc/dhcp3/dhclient.conf', '/etc/dhclient.conf'].find((file) =>
    host.stat(file)?.isFile(),
  );
  const path = scriptOf(host, { confFile: conf ?? DEFAULT_CONF, script: null });
  return path === null ? [] : [{ path, who: null }];
}

/** Files that include each other end here. */
const DEEPEST = 8;

/**
 * Of `script "/path";`, in the file or one that it includes, the last; it wins over `-sf` (client/clparse.c). Read without the
 * grammar, which an apply that changes nothing does not load. null: there is no such statement.
 */
function scriptInConf(host: Host, file: string, depth = 0): string | null {
  const text = file.startsWith('/') ? (nullIfRefused(() => host.readText(file)) ?? '') : '';
  if (depth >= DEEPEST || !/\b(?:script|include)\b/i.test(text)) return null;
  let found: string | null = null;
  const statement = /"(?:[^"\\]|\\.)*"|#[^\n]*|([\w-]+)\s*("(?:[^"\\]|\\.)*")\s*;/gs;
  for (const [, keyword, quoted] of text.matchAll(statement)) {
    if (keyword === undefined || quoted === undefined) continue;
    const name = quoted.slice(1, -1).replace(/\\(.)/gs, '$1');
    if (keyword.toLowerCase() === 'script') found = name;
    if (keyword.toLowerCase() === 'include') found = scriptInConf(host, name, depth + 1) ?? found;
  }
  return found;
}
