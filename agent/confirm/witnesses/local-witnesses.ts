/** Witnesses that need no program of ours on their side: name servers, TCP ports, addresses that answer a ping. */
import type { IpAddress, ServerAddress } from '../../address/accepted.ts';
import { type Family, hostInUrl } from '../../address/address.ts';
import { ipAddress } from '../../address/address-checks.ts';
import { askNameServer } from '../../dns/ask.ts';
import type { DnsQuestion } from '../../dns/dns-message.ts';
import { errorMessage } from '../../host/errors.ts';
import type { Host } from '../../host/host.ts';
import { connectAny } from '../../report/delivery/connect.ts';
import { ANSWERS, type ConfirmWitness, type Hearing, makeWitness, silent } from './confirm-witness.ts';
import { pinged } from './ping.ts';
import { FAMILY_NAMES, familiesOf, placesOf, wayTo } from './places.ts';

/** Milliseconds for the answer of a name server. */
const DNS_LIMIT = 4_000;

/** Any DNS answer counts, because `dns.verify` proves what the answers say. */
export function nameServerWitness(server: ServerAddress, name: string | null): ConfirmWitness {
  const question: DnsQuestion = name === null ? { name: '', type: 'NS' } : { name, type: 'A' };
  const [address = '', zone] = server.split('%');
  const own = ipAddress(address);
  return makeWitness({
    name: `name server ${server}`,
    kind: 'nameserver',
    places: async (signal) => {
      const way = zone !== undefined ? `dev ${zone}` : own === null ? null : await wayTo(own, signal);
      return [{ address: server, way }];
    },
    hear: async (_, __, signal) => {
      const [answer] = await askNameServer(server, [question], { timeout: DNS_LIMIT, signal });
      if (answer!.kind === 'silent') return silent(`no answer within ${DNS_LIMIT / 1000} s`);
      if (answer!.kind !== 'unreachable') return ANSWERS;
      return { reached: /^ECONN(REFUSED|RESET)$/.test(answer!.code), why: `cannot be asked (${answer!.code})` };
    },
    astray: 'it has no address',
  });
}

/** One witness for each family that the host may have. `name`: an address without brackets, or a name. */
export function tcpWitnesses(host: Host, { host: name, port }: { host: string; port: number }): ConfirmWitness[] {
  const families = familiesOf(name);
  return families.map((family) =>
    makeWitness({
      name: `tcp ${hostInUrl(name)}:${port}${families.length > 1 ? ` (${FAMILY_NAMES[family]})` : ''}`,
      kind: 'tcp',
      places: (signal) => placesOf(host, name, family, signal),
      hear: (places, _, signal) =>
        connected(
          places.map(({ address }) => address),
          port,
          signal,
        ),
      astray: notFound(name, family),
    }),
  );
}

async function connected(addresses: readonly string[], port: number, signal: AbortSignal): Promise<Hearing> {
  try {
    const socket = await connectAny({ host: '', port }, signal, null, { resolve: async () => addresses });
    socket.on('error', () => {}).destroy();
    return ANSWERS;
  } catch (error) {
    if (signal.aborted) return silent('no connection in time');
    return { reached: /\bECONN(REFUSED|RESET)\b/.test(errorMessage(error)), why: errorMessage(error) };
  }
}

export function pingWitness(host: Host, address: IpAddress): ConfirmWitness {
  return makeWitness({
    name: `ping ${address}`,
    kind: 'ping',
    places: async (signal) => [{ address, way: await wayTo(address, signal) }],
    hear: (_, __, signal) => pinged(host, address, signal),
    astray: 'it has no address',
  });
}

export function notFound(name: string, family: Family): string {
  return `${name} has no ${FAMILY_NAMES[family]} address here`;
}
