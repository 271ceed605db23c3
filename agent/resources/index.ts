/** The list of all resources. */
import { CLIENTS } from '../clients/clients.ts';
import { leaseHolders } from '../clients/holders.ts';
import { UnlessGone } from '../clients/orphans.ts';
import type { DesiredState } from '../config/desired.ts';
import type { KnownFiles } from '../hold/files/verified-files.ts';
import type { Resource } from '../hold/resource.ts';
import type { Host } from '../host/host.ts';
import { Dnsmasq } from './dnsmasq/dnsmasq.ts';
import { Egress } from './egress/egress.ts';
import { type LedgerOptions, LedgerResource } from './ledger/ledger.ts';
import { Masquerade } from './masquerade/masquerade.ts';
import { Resolver } from './resolver/resolver.ts';
import { RESOURCE_NAMES, type ResourceName } from './resource-names.ts';
import { Routes } from './routes/routes.ts';
import { Rules } from './rules/rules.ts';
import { Split } from './split/split.ts';
import { Sysctl } from './sysctl/sysctl.ts';

export function makeResources(
  host: Host,
  desired: DesiredState,
  {
    only = RESOURCE_NAMES,
    known,
    ledger = {},
  }: { only?: readonly ResourceName[] | undefined; known: KnownFiles; ledger?: LedgerOptions },
): Resource[] {
  const around = { known, holders: () => leaseHolders(host) };
  const ofClients = CLIENTS.flatMap((client) =>
    client.resources.map(({ name, make }, index) => {
      const one = () => make(host, desired, around);
      const { orphans } = client;
      if (orphans === undefined) return [name, one] as const;
      return [name, () => new UnlessGone(host, { ...client, orphans }, one(), index === 0)] as const;
    }),
  );
  const all: Record<ResourceName, () => Resource> = {
    ...Object.fromEntries(ofClients),
    split: () => new Split(host, desired.dns),
    resolver: () => new Resolver(host, desired.dns),
    sysctl: () => new Sysctl(host, desired.sysctl),
    routes: () => new Routes(host, desired),
    rules: () => new Rules(host, desired.rules),
    dnsmasq: () => new Dnsmasq(host, desired),
    masquerade: () => new Masquerade(host, desired.masquerade),
    egress: () => new Egress(host, desired),
    ledger: () => new LedgerResource(host, desired.ledger, ledger),
  };
  const names = RESOURCE_NAMES.filter((name) => only.includes(name));
  // A route that `egress` deleted is put back before the hooks go, because without hooks no program would put it back.
  // This also holds for --only hooks.
  const isLeft = desired.egress === null && (names.includes('egress') || names.includes('hooks'));
  const first: ResourceName[] = isLeft ? ['egress'] : [];
  return [...first, ...names.filter((name) => !first.includes(name))].map((name) => all[name]!());
}
