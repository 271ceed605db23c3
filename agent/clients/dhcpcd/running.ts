/** The running dhcpcd(8), by its processes and its lease files. */
import { mayBeSinceStart } from '../../host/files/file-times.ts';
import type { Host } from '../../host/host.ts';
import type { Process } from '../../host/process/processes.ts';
import type { LeaseHolder } from '../client.ts';
import { linksWithDynamicSix } from '../dynamic-six.ts';

export const ENTER_HOOK = '/etc/dhcpcd.enter-hook';
export const DHCPCD_CONF = '/etc/dhcpcd.conf';

/** dhcpcd writes a lease file at every lease, also at renewals: IF.lease, IF-SSID.lease, IF.lease6. */
const LEASES = '/var/lib/dhcpcd';
/** Debian's dhcpcd 9 and 10 use the first folder; dhcpcd 8 and earlier the second. */
export const DHCPCD_LEASES = [LEASES, '/var/lib/dhcpcd5'];

/**
 * Whether a file must be written with its present modification time. dhcpcd expires its leases and drops address and
 * routes when dhcpcd.conf has a new time (agent/clients/dhcpcd/conf.ts).
 */
export function keepsTime(host: Host, path: string): boolean {
  return path.includes('dhcpcd') && path === host.target(DHCPCD_CONF);
}

/** The script that sources the enter hook at each event. */
export const DHCPCD_SCRIPTS = ['dhcpcd-run-hooks'];

export function dhcpcdRuns(host: Host): boolean {
  return host.processes('dhcpcd', 'network').length > 0;
}

/** Whether dhcpcd runs, or is installed. */
export function dhcpcdIsHere(host: Host): boolean {
  return dhcpcdRuns(host) || ['/usr/sbin/dhcpcd', '/sbin/dhcpcd'].some((path) => host.stat(path) !== null);
}

/** The script that dhcpcd runs at its events, unless dhcpcd.conf names another one; null if it is not found. */
export function runHooks(host: Host): string | null {
  const folders = ['/usr/lib/dhcpcd', '/lib/dhcpcd', '/usr/libexec'];
  const paths = folders.map((folder) => `${folder}/dhcpcd-run-hooks`);
  return paths.find((path) => host.stat(path)?.isFile()) ?? null;
}

/**
 * One entry for each dhcpcd, without its helpers. A manager serves many interfaces, any other dhcpcd the interface of
 * its command line.
 */
export function dhcpcdHolders(host: Host): LeaseHolder[] {
  const all = host.processes('dhcpcd', 'network');
  return all.filter(isMain).map((process) => {
    const { pid, started } = process;
    const own = ownInterface(process);
    const served = own ?? leased(host, process);
    const only6 = own === null ? hearing(host, process, served) : [];
    return {
      program: 'dhcpcd',
      pid,
      started,
      interfaces: [...served, ...only6],
      ...(familyOption(process)[0] === '-6' ? { family: 6 } : {}),
      ...(only6.length === 0 ? {} : { only6 }),
    };
  });
}

/**
 * dhcpcd 9 and later separate privileges. The helpers' titles are `dhcpcd: [privileged proxy] eth0` and `[BPF ARP] …`.
 * The main process' title is `dhcpcd: eth0 [ip4]` or, for all interfaces, `dhcpcd: [master]` (10: `[manager]`).
 */
function isMain({ arguments: [title = ''] }: Process): boolean {
  return !/^dhcpcd: \[(?!master\]|manager\])/.test(title);
}

/**
 * The option of a dhcpcd that serves one family, which has a control socket of its own. Its title names the families, as
 * `dhcpcd: eth0 [ip4] [ip6]`.
 */
export function familyOption({ arguments: [title = ''] }: Pick<Process, 'arguments'>): ('-4' | '-6')[] {
  const [has4, has6] = [title.includes(' [ip4]'), title.includes(' [ip6]')];
  return has4 === has6 ? [] : [has4 ? '-4' : '-6'];
}

/** The interface that the process names as its own. */
function ownInterface({ arguments: [title = ''] }: Process): string[] | null {
  const name = /^dhcpcd: ([^\s[]+)/.exec(title)?.[1];
  return name === undefined ? null : [name];
}

/** The interfaces whose lease is newer than the process. */
function leased(host: Host, process: Process): string[] {
  const names = host
    .list(LEASES)
    .filter(
      (file) => /\.lease6?$/.test(file) && mayBeSinceStart(host, host.stat(`${LEASES}/${file}`)?.mtimeMs ?? 0, process),
    )
    .map((file) => file.replace(/\.lease6?$/, ''));
  const links = host.list('/sys/class/net');
  // An SSID may follow the name.
  return links.filter((link) => names.some((name) => name === link || name.startsWith(`${link}-`)));
}

/** The interfaces without a lease on which it heard a router. */
function hearing(host: Host, process: Process, leased: readonly string[]): string[] {
  const others = [...linksWithDynamicSix(host)].filter((name) => !leased.includes(name));
  const byRouter = (name: string) => `\ninterface=${name}\nprotocol=ra\n`;
  return others.filter((name) => printedLeases(host, name, familyOption(process))?.includes(byRouter(name)) === true);
}

/**
 * The values that the running dhcpcd prints of an interface, each with its event (`dhcpcd -U`). `family`: as dhcpcd was
 * started. null if dhcpcd does not answer.
 */
export function printedLeases(host: Host, iface: string, family: readonly string[]): string | null {
  const { status, stdout } = host.run('dhcpcd', [...family, '-U', iface]);
  return status === 0 ? stdout : null;
}
