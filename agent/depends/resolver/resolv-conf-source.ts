/** The resolv.conf of this host, and every other one that a running program sees: in containers, pods and chroots. */
import type { IpAddress } from '../../address/accepted.ts';
import { readAsLibc } from '../../resolver/libc-reading.ts';
import { RESOLV_CONF } from '../../resolver/resolv-conf.ts';
import type { Dependence, DependsSource, Unseen } from '../dependence.ts';
import { addressesIn, canonicalAddress } from '../found-addresses.ts';
import type { ProcessTree, Surroundings } from '../surroundings.ts';
import { whoAre } from '../who.ts';

const NAME = 'resolv.conf';
const TENSE = 'now';
/** What libc asks if the file names no server (resolv.conf(5)). */
const DEFAULT_SERVER = canonicalAddress('127.0.0.1')!;
/** The address of Docker's own resolver in a container. */
export const DOCKER_SERVER = '127.0.0.11';
/** glibc reads no more name servers (MAXNS of resolv.h). */
const MOST_SERVERS = 3;
const LIBC_USERS = 'every program of this host that uses libc';
/** The most trees that are named as unseen one by one. */
const MOST_UNSEEN = 5;

export function resolvConfSource(around: Surroundings): DependsSource {
  return {
    name: NAME,
    tense: TENSE,
    async look(addresses, signal) {
      const { host } = around;
      const own = host.readTextUnlessAstray(RESOLV_CONF) ?? '';
      const target = host.target(RESOLV_CONF);
      const found = named(own, addresses).map((one): Dependence => {
        const { address, line, reason } = one;
        return {
          address,
          tense: TENSE,
          source: NAME,
          who: LIBC_USERS,
          where: `${RESOLV_CONF}:${line}`,
          reason,
          cure: ownCure(target),
        };
      });
      const asksItself = readAsLibc(own).nameserver.length === 0 && addresses?.has(DEFAULT_SERVER) === true;
      if (asksItself) found.push(unnamedServer(target));
      const unseen: Unseen[] = [];
      signal.throwIfAborted();
      for (const tree of around.trees()) {
        signal.throwIfAborted();
        if (tree.isOurs) continue;
        if (tree.unseen !== null) unseen.push(notSeen(`${whoAre(host, tree.programs)}: ${tree.unseen}`));
        else found.push(...inTree(around, tree, addresses));
      }
      unseen.splice(MOST_UNSEEN, Number.POSITIVE_INFINITY, ...summary(unseen.slice(MOST_UNSEEN)));
      const hidden = around.programs().filter(({ tree }) => tree === null);
      if (hidden.length > 0)
        unseen.push(
          notSeen(`${whoAre(host, hidden)} may see another ${RESOLV_CONF}; only root outside of a container can tell`),
        );
      return { found, unseen };
    },
  };
}

function inTree({ host }: Surroundings, tree: ProcessTree, addresses: ReadonlySet<IpAddress> | null): Dependence[] {
  const [first] = tree.programs;
  const container = first?.container ?? null;
  const cure =
    container === null
      ? `correct the copy that ${first?.unit ?? first?.comm} reads, then restart the program`
      : 'correct the name servers of the container (or of its engine), then start the container again';
  return named(tree.resolvConf?.text ?? '', addresses).map((one) => ({
    address: one.address,
    tense: TENSE,
    source: NAME,
    who: whoAre(host, tree.programs),
    where: `/proc/${first?.pid}/root${RESOLV_CONF}:${one.line}`,
    reason: `${one.reason}; this is a copy of its own, which a change of ${RESOLV_CONF} on the host does not reach`,
    cure,
  }));
}

interface Named {
  readonly address: IpAddress;
  readonly line: number;
  readonly reason: string;
}

/** The lines of a resolv.conf that name one of the addresses. @param text latin1. */
export function named(text: string, addresses: ReadonlySet<IpAddress> | null): Named[] {
  const wanted = namedBesideLibc(text).filter(({ address }) => addresses?.has(address) !== false);
  return [...namedToLibc(text, addresses), ...wanted].sort((a, b) => a.line - b.line);
}

/** A line that libc passes over, as other programs read it; and what Docker notes of its own resolver. */
const INDENTED = /^[ \t]+nameserver[ \t]+(\S+)/;
const ENDED_BY_RETURN = /^nameserver[ \t]+(\S+?)\r/;
/** `# ExtServers: [10.0.0.1 host(10.0.0.2)]`, Docker 24 and later (libnetwork/internal/resolvconf). */
const DOCKERS = /^# ExtServers: \[(.*)\]/;

function namedBesideLibc(text: string): Named[] {
  const used = new Set(readAsLibc(text).lines.map(({ line }) => line));
  return text.split('\n').flatMap((row, index): Named[] => {
    const line = index + 1;
    const of = (address: IpAddress, reason: string) => ({ address, line, reason });
    const behind = DOCKERS.exec(row)?.[1];
    if (behind !== undefined)
      return addressesIn(behind).map(({ address }) =>
        of(address, `Docker's own resolver (${DOCKER_SERVER}) asks ${address} for the container`),
      );
    const word = used.has(line) ? undefined : (INDENTED.exec(row) ?? ENDED_BY_RETURN.exec(row))?.[1];
    const address = word === undefined ? null : canonicalAddress(word);
    return address === null
      ? []
      : [of(address, `libc passes over this line, but Go's resolver, dnsmasq and others take ${address} from it`)];
  });
}

function namedToLibc(text: string, addresses: ReadonlySet<IpAddress> | null): Named[] {
  const found: Named[] = [];
  let servers = 0;
  for (const { line, keyword, values } of readAsLibc(text).lines) {
    if (keyword === 'nameserver') {
      const address = canonicalAddress(values[0] ?? '');
      servers += 1;
      if (address === null || addresses?.has(address) === false) continue;
      const beyond = servers > MOST_SERVERS ? `, although libc itself reads only the first ${MOST_SERVERS}` : '';
      found.push({ address, line, reason: `the file names ${address} as a name server${beyond}` });
    } else if (keyword === 'sortlist' && addresses !== null) {
      for (const { address } of addressesIn(values.join(' '))) {
        if (addresses.has(address)) found.push({ address, line, reason: `the sortlist prefers ${address}` });
      }
    }
  }
  return found;
}

function unnamedServer(target: string): Dependence {
  return {
    address: DEFAULT_SERVER,
    tense: TENSE,
    source: NAME,
    who: LIBC_USERS,
    where: RESOLV_CONF,
    reason: `the file names no name server, so libc asks ${DEFAULT_SERVER}`,
    cure: ownCure(target),
  };
}

function ownCure(target: string): string {
  return target === RESOLV_CONF
    ? `write the new servers into dns.nameservers and run \`agent apply\`, or edit ${RESOLV_CONF}`
    : `write the new servers into dns.nameservers and run \`agent apply\`, or correct what makes ${target}`;
}

function notSeen(reason: string): Unseen {
  return { tense: TENSE, source: NAME, reason };
}

function summary(rest: readonly Unseen[]): Unseen[] {
  return rest.length === 0
    ? []
    : [notSeen(`${RESOLV_CONF} of ${rest.length} more containers or chroots could not be read`)];
}
