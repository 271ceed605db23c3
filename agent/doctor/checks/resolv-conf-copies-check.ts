/**
 * Copies of resolv.conf that no program updates, in chroots and containers. A program there asks the name servers of
 * its copy.
 */
import { nullIfRefused } from '../../host/errors.ts';
import type { Host } from '../../host/host.ts';
import { effectiveValues } from '../../resolver/libc-reading.ts';
import { RESOLV_CONF } from '../../resolver/resolv-conf.ts';
import { caresForDns, type DoctorObservation, type DoctorSurroundings } from '../doctor-check.ts';

/** The places that packages and engines use; a `*` stands for each name in that folder. */
const PLACES = [
  '/var/spool/postfix*/etc/resolv.conf',
  '/var/named/chroot/etc/resolv.conf',
  '/var/lib/named/etc/resolv.conf',
  '/var/chroot/*/etc/resolv.conf',
  '/srv/chroot/*/etc/resolv.conf',
  '/var/lib/machines/*/etc/resolv.conf',
  '/var/lib/lxc/*/rootfs/etc/resolv.conf',
  '/var/lib/docker/containers/*/resolv.conf',
  '/var/lib/containers/storage/overlay-containers/*/userdata/resolv.conf',
];

/** The most copies that one finding names. */
const MOST = 8;

export function* resolvConfCopiesCheck(around: DoctorSurroundings): Iterable<DoctorObservation> {
  if (!caresForDns(around)) return;
  const { host, desired } = around;
  const wanted = desired?.dns?.nameservers ?? serversOf(host.readTextUnlessAstray(RESOLV_CONF) ?? '');
  const copies = [...placedCopies(host), ...copiesOfProcesses(host)].flatMap(({ where, text }) => {
    const others = serversOf(text).filter((server) => !wanted.includes(server) && !isLoopback(server));
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
  return PLACES.flatMap((place) => expanded(host, place)).flatMap((path) => {
    const text = nullIfRefused(() => host.readTextUnlessAstray(path));
    return text === null ? [] : [{ where: path, text }];
  });
}

function expanded(host: Host, place: string): string[] {
  const [before = '', after] = place.split('*');
  if (after === undefined) return [place];
  const folder = before.slice(0, before.lastIndexOf('/'));
  const start = before.slice(folder.length + 1);
  return host
    .list(folder)
    .filter((name) => name.startsWith(start))
    .map((name) => `${folder}/${name}${after}`);
}

/**
 * One copy for each root folder of a process that differs from this process's root folder. Only root sees the root
 * folders of other users' processes.
 */
function copiesOfProcesses(host: Host): Copy[] {
  if (!host.live) return [];
  const seen = new Set([rootOf(host, 'self')]);
  return host.list('/proc').flatMap((pid) => {
    if (!/^\d+$/.test(pid)) return [];
    const root = rootOf(host, pid);
    if (root === null || seen.has(root)) return [];
    seen.add(root);
    const path = `/proc/${pid}/root${RESOLV_CONF}`;
    // An absolute link would lead to a file of this host.
    const text = nullIfRefused(() => (host.readLink(path)?.startsWith('/') ? null : host.readTextUnlessAstray(path)));
    const name = nullIfRefused(() => host.readText(`/proc/${pid}/comm`))?.trim() ?? 'process';
    return text === null ? [] : [{ where: `${RESOLV_CONF} of ${name}[${pid}]`, text }];
  });
}

/** Identifies the file tree of a process; null if the process has ended, or is not visible to us. */
function rootOf(host: Host, pid: string): string | null {
  const link = (name: string) => nullIfRefused(() => host.readLink(`/proc/${pid}/${name}`));
  const [mounts, root] = [link('ns/mnt'), link('root')];
  return mounts === null || root === null ? null : `${mounts} ${root}`;
}

function serversOf(text: string): readonly string[] {
  return effectiveValues(text, 'nameserver') ?? [];
}

/** A forwarder inside the container, which asks other servers. */
function isLoopback(server: string): boolean {
  return server.startsWith('127.') || server === '::1';
}
