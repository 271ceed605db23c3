/**
 * Copies of resolv.conf that no program updates, in chroots and containers. A program there asks the name servers of
 * its copy.
 */
import { ofHost, readFiles } from '../../depends/files.ts';
import { isLoopbackAddress } from '../../depends/found-addresses.ts';
import { COPIES } from '../../depends/resolver/copies.ts';
import { Surroundings as DependsSurroundings } from '../../depends/surroundings.ts';
import { whoAre } from '../../depends/who.ts';
import type { Host } from '../../host/host.ts';
import { effectiveValues } from '../../resolver/libc-reading.ts';
import { RESOLV_CONF } from '../../resolver/resolv-conf.ts';
import { caresForDns, type DoctorObservation, type DoctorSurroundings } from '../doctor-check.ts';

/** The most copies that one finding names. */
const MOST = 8;

export function* resolvConfCopiesCheck(around: DoctorSurroundings): Iterable<DoctorObservation> {
  if (!caresForDns(around)) return;
  const { host, desired } = around;
  const wanted = desired?.dns?.nameservers ?? serversOf(host.readTextUnlessAstray(RESOLV_CONF) ?? '');
  const copies = [...placedCopies(host), ...copiesOfProcesses(host)].flatMap(({ where, text }) => {
    // A forwarder inside of a container asks other servers than the container's own.
    const others = serversOf(text).filter((server) => !wanted.includes(server) && !isLoopbackAddress(server));
    return others.length === 0 ? [] : [`${where} (${others.join(', ')})`];
  });
  if (copies.length === 0) return;
  const more = copies.length > MOST ? ` and ${copies.length - MOST} more` : '';
  yield {
    code: 'HF-RESOLV-COPIES',
    seen: `other name servers than ${wanted.join(', ') || 'none'} are in copies: ${copies.slice(0, MOST).join(', ')}${more}`,
  };
}

interface Copy {
  readonly where: string;
  readonly text: string;
}

function placedCopies(host: Host): Copy[] {
  return readFiles(ofHost(host), COPIES).files.map(({ path, text }) => ({ where: path, text }));
}

/** One copy for each resolv.conf that the programs of another mount namespace or root folder see. Only root sees them. */
function copiesOfProcesses(host: Host): Copy[] {
  const nothingHeld = { holding: async () => null, originals: [] };
  return new DependsSurroundings(host, nothingHeld).trees().flatMap(({ programs, isOurs, resolvConf }) => {
    if (isOurs || resolvConf === null) return [];
    return [{ where: `${RESOLV_CONF} of ${whoAre(host, programs)}`, text: resolvConf.text }];
  });
}

function serversOf(text: string): readonly string[] {
  return effectiveValues(text, 'nameserver') ?? [];
}
