/** Network interfaces by their index, for files in which programs write the index. */
import type { Host } from '../host/host.ts';

/** The interfaces' names by index. */
export function linkNames(host: Host): Map<string, string> {
  return new Map(
    host.list('/sys/class/net').flatMap((name) => {
      const index = linkIndex(host, name);
      return index === null ? [] : [[index, name]];
    }),
  );
}

/** null if there is no such interface. */
export function linkIndex(host: Host, iface: string): string | null {
  return host.readText(`/sys/class/net/${iface}/ifindex`)?.trim() ?? null;
}
