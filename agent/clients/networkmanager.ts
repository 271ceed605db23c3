/** The running NetworkManager(8), by its process and what it leaves in /run about its devices. */
import type { Host } from '../host/host.ts';
import type { LeaseHolder } from './holder.ts';
import { linkNames } from './links.ts';

const DEVICES = '/run/NetworkManager/devices';

export function networkManagerHolders(host: Host): LeaseHolder[] {
  const [process] = host.processes('NetworkManager', 'network');
  if (process === undefined) return [];
  const { pid, started } = process;
  return [{ program: 'NetworkManager', pid, started, interfaces: managed(host) }];
}

/** Devices that it has brought up itself; others it only watches (`managed=false`, or no connection of its own). */
function managed(host: Host): string[] {
  const names = linkNames(host);
  return host.list(DEVICES).flatMap((index) => {
    const text = host.readText(`${DEVICES}/${index}`) ?? '';
    const name = names.get(index);
    const ours = /^managed=(?:true|1)$/m.test(text) && /^connection-uuid=./m.test(text);
    return ours && name !== undefined ? [name] : [];
  });
}
