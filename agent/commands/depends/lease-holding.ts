/** What Holdfast puts in place of the name servers that a DHCP client's next lease offers. */
import type { IpAddress } from '../../address/accepted.ts';
import type { LeaseProgram } from '../../clients/client.ts';
import { CLIENTS } from '../../clients/clients.ts';
import { canonicalAddress } from '../../depends/found-addresses.ts';
import type { HeldByHoldfast } from '../../depends/surroundings.ts';
import { Originals } from '../../hold/originals/originals.ts';
import type { Resource } from '../../hold/resource.ts';
import { errorMessage } from '../../host/errors.ts';
import type { Host } from '../../host/host.ts';
import { readAsLibc } from '../../resolver/libc-reading.ts';
import { RESOLV_CONF } from '../../resolver/resolv-conf.ts';
import type { ResourceName } from '../../resources/resource-names.ts';
import type { CommonOptions } from '../common-options.ts';
import { openContext } from '../context/context.ts';

/** The resource that holds a client's leases. */
const HOLDERS = new Map(
  CLIENTS.flatMap(({ program, resources: [first] }) => (first === undefined ? [] : [[program, first.name] as const])),
);

const SETTING = 'dns.nameservers';

/** Never throws. Without a valid configuration, nothing counts as held. `problem`: why the configuration is not used. */
export async function heldHere(
  host: Host,
  options: CommonOptions,
): Promise<HeldByHoldfast & { readonly problem: string | null }> {
  const originals = originalServers(host);
  try {
    const { resources, desired } = await openContext({ ...options, only: [...HOLDERS.values()] }, { optional: true });
    const servers = desired.dns?.nameservers ?? null;
    const known = new Map<LeaseProgram, Promise<readonly string[] | null>>();
    const holding = (client: LeaseProgram) => {
      const looked =
        known.get(client) ?? held(resources, HOLDERS.get(client) ?? '').then((ok) => (ok ? servers : null));
      known.set(client, looked);
      return looked;
    };
    return { originals, holding: servers === null ? async () => null : holding, problem: null };
  } catch (error) {
    return { originals, holding: async () => null, problem: errorMessage(error) };
  }
}

/** Whether the resource holds the name servers at the next lease, as `agent status` would say. */
async function held(resources: readonly Resource[], name: ResourceName): Promise<boolean> {
  try {
    const findings = (await resources.find((one) => one.name === name)?.inspect()) ?? [];
    const states = (await Promise.all(findings.map((finding) => finding.settings()))).flat();
    const ours = states.filter(({ setting, moment }) => setting === SETTING && moment === 'lease');
    return ours.length > 0 && ours.every(({ state }) => state === 'ok');
  } catch {
    return false; // what cannot be looked at is not known to hold anything
  }
}

function originalServers(host: Host): IpAddress[] {
  try {
    const before = new Originals(host).find('file', RESOLV_CONF)?.before ?? '';
    return readAsLibc(before).nameserver.flatMap((server) => canonicalAddress(server) ?? []);
  } catch {
    return []; // unknown to a user who may not read the record
  }
}
