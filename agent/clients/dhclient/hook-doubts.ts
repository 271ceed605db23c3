/** Reasons why a lease may undo the work of installed hooks. Loaded only if the settings are asked for. */
import type { DesiredDhcp, DesiredState } from '../../config/desired.ts';
import type { Host } from '../../host/host.ts';
import { RESOLV_CONF } from '../../resolver/resolv-conf.ts';
import { briefly } from '../hook-deeds.ts';
import { endings } from '../hook-endings.ts';
import { MTU, mtuOf, presentMtu } from '../link-mtu.ts';
import { resolvedLinks } from '../resolved.ts';
import { type ScriptInUse, scriptsInUse } from './dhclient-scripts.ts';
import { type HookPlaces, whyDeaf } from './hooks/hook-places.ts';
import { hookShell, neighbours, overrulingHooks } from './hooks/other-hooks.ts';
import { clientName, dhcpClients } from './running.ts';
import { type ScriptDoubt, scriptDoubts } from './script/script-verdict.ts';

export interface HookDoubts {
  readonly all: readonly string[];
  readonly dns: readonly string[];
  readonly routes: readonly string[];
}

/** Reasons why an installed hook may not hold its settings, or only those of DNS, or only the routes. */
export function doubtsOf(host: Host, { dns }: DesiredState, places: HookPlaces): HookDoubts {
  const scripts = scriptsInUse(host).map((script) => ({ script, why: whyDeaf(host, script.path, places) }));
  const deaf = scripts.flatMap(({ script, why }) => (why === null ? [] : [told(script, why)]));
  const own = scripts.flatMap(({ script, why }) => {
    if (why !== null) return [];
    return scriptDoubts(host, script.path, places, script.family).map((doubt) => ({ ...doubt, script }));
  });
  const about = (what: ScriptDoubt['about']) =>
    own.filter((doubt) => doubt.about === what).map(({ script, why, certain }) => told(script, why) + advice(certain));
  const others = overrulingHooks(host, places);
  const shell = hookShell(host);
  const ended = (['enter', 'exit'] as const)
    .flatMap((when) => neighbours(host, places, when))
    .flatMap((hook) => endings(host, hook, shell))
    .map(({ seen }) => `a neighbouring hook may end dhclient-script before its time (${seen})`);
  const sure = (wanted: boolean) =>
    others
      .filter(({ deed }) => deed !== 'perhaps' && (deed === 'sets') === wanted)
      .map(({ seen }) => `a hook that comes after Holdfast's has the last word (${seen})`);
  const perhaps = briefly(others.filter(({ deed }) => deed === 'perhaps')).map(
    (seen) => `a hook may change it after Holdfast's (${seen}): \`agent rehearse\` plays it`,
  );
  // The program that generates resolv.conf owns the file. We cannot say what that program makes of our servers.
  const generated = dns?.symlink === 'refuse' && resolvedLinks(host, dns).length === 0;
  const link = generated ? host.readLink(RESOLV_CONF) : null;
  return {
    all: [...deaf, ...about('all'), ...ended, ...sure(true)],
    routes: about('routes'),
    dns: [
      ...about('dns'),
      ...sure(false),
      ...perhaps,
      ...(link === null ? [] : [`${RESOLV_CONF} is a symbolic link to ${link}, which the hook leaves to its owner`]),
    ],
  };
}

/**
 * dhclient-script sets the MTU only beside a new address, so a renewal leaves the link as it is. null if each link of the
 * scope has its MTU. `iface`: null for the links without an MTU of their own.
 */
export function mtuDoubt(host: Host, dhclient: DesiredDhcp, iface: string | null): string | null {
  const waiting = dhcpClients(host)
    .filter(({ owner, family }) => owner === null && family === 4)
    .flatMap((client) =>
      client.interfaces
        .filter((name) => (dhclient.interfaces.get(name)?.supersede.has(MTU) ? name === iface : iface === null))
        .flatMap((name) => {
          const present = presentMtu(host, name);
          return present === null || present === mtuOf(dhclient, name)
            ? []
            : [{ client, has: `${name} has ${present}` }];
        }),
    );
  if (waiting.length === 0) return null;
  const clients = [...new Set(waiting.map(({ client }) => clientName(client)))];
  const has = waiting.map((one) => one.has).join(', ');
  return `pending until the next start of ${clients.join(', ')}: dhclient-script sets the MTU of a link only with a new address, and ${has}`;
}

function told({ path, named, who }: ScriptInUse, why: string): string {
  const script = `${path}${named === null ? '' : ` (${named})`}`;
  return who === null ? `${script} ${why}` : `${who} runs ${script}, which ${why}`;
}

function advice(certain: boolean): string {
  return certain ? ": change that script, or let dhclient run the distribution's" : ': `agent rehearse lease` plays it';
}
