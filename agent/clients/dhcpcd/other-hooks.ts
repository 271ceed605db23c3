/**
 * Other hooks of dhcpcd. dhcpcd-run-hooks(8) sources three parts into one shell: the enter hook, which holds our part,
 * a folder of hooks, and the exit hook.
 */
import type { Host } from '../../host/host.ts';
import { findBlock } from '../../resolver/marked-block.ts';
import { type Deed, deeds, lasting, type NeighbourHook, unknown } from '../hook-deeds.ts';
import { endings } from '../hook-endings.ts';
import { ENTER_HOOK } from './running.ts';

const EXIT_HOOK = '/etc/dhcpcd.exit-hook';
const FOLDERS = ['/usr/lib/dhcpcd/dhcpcd-hooks', '/lib/dhcpcd/dhcpcd-hooks', '/usr/libexec/dhcpcd-hooks'];

/**
 * The hooks that dhcpcd ships (hooks/ of 8 to 10). Only 20-resolv.conf writes resolv.conf, and our part skips that
 * hook.
 */
const OWN =
  /^\d\d-(test|mtu|wpa_supplicant|timezone|resolv\.conf|lookup-hostname|hostname(\.sh)?|yp(bind)?(\.conf)?|(ntp-common|ntp|chrony|timesyncd|openntpd)\.conf)$/;

/** Functions that dhcpcd-run-hooks defines for its hooks and that change nothing. */
const OF_DHCPCD =
  /^it runs (\$\{?if_(up|down|configured)\}?|syslog|list_interfaces|uniqify|trim|valid_\w+|key_get_value|service_\w+)$/;

/** Why the work of our hook may not last, one sentence each. `hook`: the whole enter hook, with our part in it. */
export function dhcpcdDoubts(host: Host, hook: string): string[] {
  const { before = '', after = '' } = findBlock(hook) ?? {};
  const above: NeighbourHook = { file: ENTER_HOOK, text: before, when: 'enter', after: false };
  // Line numbers are those of the whole file.
  const below = hook.slice(0, hook.length - after.length).replace(/[^\n]+/g, '') + after;
  const later: NeighbourHook[] = [{ file: ENTER_HOOK, text: below, when: 'enter', after: true }, ...others(host)];
  return [
    ...endings(host, above, 'sh').map(({ seen }) => `it may end dhcpcd-run-hooks before Holdfast's lines (${seen})`),
    ...lasting(host, above).map(({ seen }) => `a hook may change it after Holdfast's (${seen})`),
    ...later.flatMap((one) => [
      ...deeds(one)
        .filter(({ deed }) => deed === 'writes' || one.when === 'enter')
        .map(({ seen }) => `what comes after Holdfast's hook has the last word (${seen})`),
      ...doubts(host, one).map(({ seen }) => `a hook may change it after Holdfast's (${seen})`),
    ]),
  ];
}

function doubts(host: Host, hook: NeighbourHook): Deed[] {
  const redefines = hook.text.split('\n').flatMap((row, index): Deed[] => {
    const isOne = /^\s*(function\s+)?change_file\s*(\(\s*\)|\{|$)/.test(row);
    return isOne ? [{ deed: 'perhaps', seen: `${hook.file}:${index + 1}: ${row.trim()}` }] : [];
  });
  return [...redefines, ...unknown(host, hook).filter(({ seen }) => !OF_DHCPCD.test(seen.replace(/^.*?:\d+: /, '')))];
}

function others(host: Host): NeighbourHook[] {
  const folders = FOLDERS.filter((folder) => host.list(folder).length > 0);
  const real = folders.filter(
    (folder, at) => folders.findIndex((one) => host.target(one) === host.target(folder)) === at,
  );
  const files = real.flatMap((folder) =>
    host
      .list(folder)
      .filter((name) => !OWN.test(name) && !name.endsWith('~'))
      .map((name) => `${folder}/${name}`),
  );
  return [...files, EXIT_HOOK]
    .filter((file) => host.stat(file)?.isFile())
    .map((file) => ({ file, text: host.readText(file) ?? '', when: 'exit', after: true }));
}
