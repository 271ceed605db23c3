/** Tells running forwarders of files that were put back, or are gone. */
import type { Host } from '../../host/host.ts';
import { udpListeners } from '../../host/process/port-listeners.ts';
import type { Process } from '../../host/process/processes.ts';
import { DNSMASQ_HEADER } from '../dnsmasq/dnsmasq-text.ts';
import { dnsmasqReaders } from '../dnsmasq/readers.ts';
import { isServersFile } from './dnsmasq-split.ts';
import { answersAgain, sendHangUp } from './tell-program.ts';
import { noteTold } from './told-programs.ts';
import { unboundSplitFile } from './unbound-conf.ts';
import { reloadUnbound } from './unbound-control.ts';

export async function tellForwarders(host: Host, files: readonly string[]): Promise<void> {
  const servers = files.filter(isServersFile);
  for (const file of servers) await tellDnsmasqs(host, file);
  for (const process of host.processes('unbound', 'network')) {
    const file = ofUnbound(host, process);
    if (file === null || !files.includes(file)) continue;
    await reloadUnbound(host, process, null, addressOf(process));
    noteTold(host, process, file);
  }
}

/** dnsmasq keeps the servers of a servers-file that is gone, so it reads an empty file before the file goes. */
async function tellDnsmasqs(host: Host, file: string): Promise<void> {
  const readers = dnsmasqReaders(host, file);
  if (readers.length === 0) return;
  const isGone = host.lstat(file) === null;
  if (isGone) host.replace(file, DNSMASQ_HEADER, 0o644);
  for (const { process } of readers) {
    sendHangUp(host, process);
    await answersAgain(addressOf(process));
    noteTold(host, process, file);
  }
  if (isGone) host.remove(file);
}

/** Where the process takes questions. */
function addressOf({ pid }: Process): string {
  const found = udpListeners(53).find(({ owner }) => owner?.pid === pid)?.address;
  return found === undefined || ['0.0.0.0', '::'].includes(found) ? '127.0.0.1' : found;
}

function ofUnbound(host: Host, process: Process): string | null {
  try {
    return unboundSplitFile(host, process);
  } catch {
    return null;
  }
}
