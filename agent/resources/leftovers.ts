/** The changes of all resources that are left on the host: each resource's own undoing, in one list. */
import { CLIENTS } from '../clients/clients.ts';
import { keepsTime } from '../clients/dhcpcd/running.ts';
import { clientScripts } from '../clients/holders.ts';
import { mayTableOfCommandBeLeft } from '../depends/ledger/our-tables.ts';
import { isLedgerLeft } from '../depends/ledger/record.ts';
import { isDropped } from '../egress/note.ts';
import { fileLeftover } from '../hold/files/file-revert.ts';
import type { WayBack } from '../hold/journal/change-journal.ts';
import { type Original, Originals, resourceOf } from '../hold/originals/originals.ts';
import type { Leftover, Undoing } from '../hold/undoing.ts';
import type { Host } from '../host/host.ts';
import { EGRESS } from '../host/paths.ts';
import { isMasqueradeLeft, TABLE_KEY } from './masquerade/made.ts';
import { RESOLVER_UNDOING } from './resolver/way-back.ts';
import type { ResourceName } from './resource-names.ts';
import { hasRouteRecord } from './routes/made.ts';
import { RULES_UNDOING } from './rules/way-back.ts';
import { SPLIT_UNDOING } from './split/way-back.ts';
import { SYSCTL_UNDOING } from './sysctl/way-back.ts';

const OF_CLIENTS: Readonly<Record<ResourceName, Undoing>> = Object.fromEntries(
  CLIENTS.flatMap(({ resources }) => resources.map(({ name, undoing }) => [name, undoing] as const)),
);

export const UNDOING: Readonly<Record<ResourceName, Undoing>> = {
  ...OF_CLIENTS,
  hooks: {
    ...OF_CLIENTS.hooks,
    // Without the hooks no program brings back a default route that was taken away.
    others: (host) => (host.live && isDropped(host) ? [defaultRoute(host)] : []),
  },
  resolver: RESOLVER_UNDOING,
  sysctl: SYSCTL_UNDOING,
  routes: {
    putBackSnapshot: async (...kept) => (await import('./routes/snapshot.ts')).putBackRoutes(...kept),
    others: (host) => (hasRouteRecord(host) ? [routes(host)] : []),
  },
  rules: RULES_UNDOING,
  masquerade: {
    putBackSnapshot: async (...kept) => (await import('./masquerade/snapshot.ts')).putBackTable(...kept),
    others: (host) => (isMasqueradeLeft(host) ? [masquerade(host)] : []),
  },
  dnsmasq: {},
  split: SPLIT_UNDOING,
  egress: {
    putBackSnapshot: async (...kept) => (await import('./egress/snapshot.ts')).putBackDefaults(...kept),
    others: (host) => (host.live && host.lstat(EGRESS) !== null ? [defaultRoute(host)] : []),
  },
  ledger: {
    others: (host) => (host.live && (isLedgerLeft(host) || mayTableOfCommandBeLeft(host)) ? [ledger(host)] : []),
  },
};

/** Each leftover once, in no order. Damaged originals are left out. */
export function leftovers(host: Host, only: readonly ResourceName[]): Leftover[] {
  const ofOriginals = new Originals(host).all().flatMap((original) => {
    const name = resourceOf(original);
    return only.includes(name) ? (leftoverOf(host, UNDOING[name] ?? {}, original) ?? []) : [];
  });
  const others = new Map(only.flatMap((name) => UNDOING[name]?.others?.(host) ?? []).map((one) => [one.key, one]));
  return [...ofOriginals, ...others.values()];
}

/** Informs every program that has read one of these restored files. */
export async function tellOfFiles(host: Host, files: readonly string[]): Promise<void> {
  for (const { told } of Object.values(UNDOING)) await told?.(host, files);
}

function putBackLink(host: Host, name: string, record: string | null): void {
  for (const undoing of Object.values(UNDOING)) undoing.putBackLink?.(host, name, record);
}

async function putBackSnapshot(
  host: Host,
  resource: string,
  snapshot: unknown,
  kernel: boolean,
): Promise<string | null> {
  return (await UNDOING[resource]?.putBackSnapshot?.(host, snapshot, kernel)) ?? null;
}

/** The parts by which the journal of a change puts the change back. */
export const WAY_BACK: WayBack = {
  keepsTime,
  hookRunsEnded: async (host) => (await import('../clients/hook-runs.ts')).hookRunsEnded(host, clientScripts(host)),
  tellOfFiles,
  putBackLink,
  putBackSnapshot,
};

function leftoverOf(host: Host, undoing: Undoing, original: Original): Leftover | undefined {
  switch (original.kind) {
    case 'file':
      return (undoing.file ?? fileLeftover)(host, original);
    case 'sysctl':
      return undoing.sysctl?.(host, original);
    case 'link':
      return undoing.link?.(host, original);
  }
}

const KERNEL = { moment: 'now', original: null } as const;

function routes(host: Host): Leftover {
  const putBack = async () => (await import('./routes/way-back.ts')).revertRoutes(host);
  return { ...KERNEL, key: 'routes', turn: 'routes', putBack };
}

function masquerade(host: Host): Leftover {
  const putBack = async () => {
    const { removeTable } = await import('./masquerade/table.ts');
    return [{ resource: 'revert', key: TABLE_KEY, moment: 'now', ...(await removeTable(host)) } as const];
  };
  return { ...KERNEL, key: TABLE_KEY, turn: 'table', putBack };
}

function ledger(host: Host): Leftover {
  const putBack = async () => (await import('./ledger/way-back.ts')).revertWatchingTables(host);
  return { ...KERNEL, key: 'nftables tables that count', turn: 'table', putBack };
}

function defaultRoute(host: Host): Leftover {
  const putBack = async () => [await (await import('./egress/way-back.ts')).revertEgress(host)];
  return { ...KERNEL, key: 'IPv4 default route', turn: 'default route', putBack };
}
