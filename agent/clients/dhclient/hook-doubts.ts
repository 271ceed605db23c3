/** Reasons why a lease may undo the work of installed hooks. Loaded only if the settings are asked for. */

import { briefly, endings, neighbours } from '../../clients/dhclient/hooks/other-hooks.ts';
import { resolvedLinks } from '../../clients/resolved.ts';
import type { DesiredState } from '../../config/desired.ts';
import type { Host } from '../../host/host.ts';
import { RESOLV_CONF } from '../../resolver/resolv-conf.ts';
import { scriptsInUse } from './dhclient-scripts.ts';
import { type HookPlaces, whyDeaf } from './hooks/hook-places.ts';
import { overrulingHooks } from './hooks/other-hooks.ts';

/** Reasons why an installed hook may not hold its settings, or only those of DNS. */
export function doubtsOf(host: Host, { dns }: DesiredState, places: HookPlaces): { all: string[]; dns: string[] } {
  const deaf = scriptsInUse(host).flatMap(({ path, named, who }) => {
    const why = whyDeaf(host, path, places);
    const script = `${path}${named === null ? '' : ` (${named})`}`;
    if (why === null) return [];
    return [who === null ? `${script} ${why}` : `${who} runs ${script}, which ${why}`];
  });
  const others = overrulingHooks(host, places);
  const ended = (['enter', 'exit'] as const)
    .flatMap((when) => neighbours(host, places, when))
    .flatMap((hook) => endings(host, hook))
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
    all: [...deaf, ...ended, ...sure(true)],
    dns: [
      ...sure(false),
      ...perhaps,
      ...(link === null ? [] : [`${RESOLV_CONF} is a symbolic link to ${link}, which the hook leaves to its owner`]),
    ],
  };
}
