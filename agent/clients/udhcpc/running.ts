/**
 * The running udhcpc (busybox), and the script that it runs at each event. udhcpc itself sets nothing: the script sets
 * address and routes, and writes resolv.conf, from variables of the environment.
 */
import type { Host } from '../../host/host.ts';
import type { Process } from '../../host/process/processes.ts';
import type { LeaseHolder } from '../client.ts';

/** Alpine's and OpenWrt's script sources this file at each event. */
export const UDHCPC_CONF = '/etc/udhcpc/udhcpc.conf';

/** busybox's own place, and Debian's. The place is compiled in. */
const DEFAULT_SCRIPTS = ['/usr/share/udhcpc/default.script', '/etc/udhcpc/default.script'];

const PROGRAMS = ['/sbin/udhcpc', '/usr/sbin/udhcpc', '/bin/udhcpc', '/usr/bin/udhcpc'];

/** `busybox udhcpc` bears the name of busybox. */
function processes(host: Host): Process[] {
  const inBusybox = host.processes('busybox', 'network').filter(({ arguments: [, applet] }) => applet === 'udhcpc');
  return [...host.processes('udhcpc', 'network'), ...inBusybox];
}

export function udhcpcHolders(host: Host): LeaseHolder[] {
  return processes(host).map((process) => {
    const { pid, started } = process;
    return { program: 'udhcpc', pid, started, interfaces: [optionOf(process, 'i', 'interface') ?? 'eth0'] };
  });
}

/** Whether udhcpc runs, or is installed. */
export function udhcpcIsHere(host: Host): boolean {
  return PROGRAMS.some((path) => host.stat(path) !== null) || processes(host).length > 0;
}

/** null if it has ended. */
export function udhcpcProcess(host: Host, pid: number): Process | null {
  return processes(host).find((process) => process.pid === pid) ?? null;
}

/** The script of a running udhcpc; of the next one for null. Undefined if it names none, and none is in a usual place. */
export function eventScriptOf(host: Host, process: Process | null): string | undefined {
  const named = process === null ? null : optionOf(process, 's', 'script');
  return named ?? DEFAULT_SCRIPTS.find((path) => host.stat(path) !== null);
}

/** The scripts of the running udhcpcs; if none runs, that of the next one. */
export function eventScripts(host: Host): string[] {
  const running = processes(host).map((process) => eventScriptOf(host, process));
  const all = running.length > 0 ? running : [eventScriptOf(host, null)];
  return [...new Set(all.filter((path) => path !== undefined))];
}

/** The value of an option in any form that busybox's getopt32 takes: `-i eth0`, `-ieth0`, `-qi eth0`, `--interface=eth0`. */
function optionOf({ arguments: words }: Process, letter: string, long: string): string | null {
  for (const [at, word] of words.entries()) {
    if (word === `--${long}` || new RegExp(`^-[a-zA-Z]*${letter}$`).test(word)) return words[at + 1] ?? null;
    const joined = new RegExp(`^(?:-${letter}|--${long}=)(.+)$`).exec(word)?.[1];
    if (joined !== undefined) return joined;
  }
  return null;
}
