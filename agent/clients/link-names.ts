import type { Host } from '../host/host.ts';

/** The network interfaces' names by their index, as programs write it down. */
export function linkNames(host: Host): Map<string, string> {
  return new Map(
    host.list('/sys/class/net').flatMap((name) => {
      const index = host.readText(`/sys/class/net/${name}/ifindex`)?.trim();
      return index === undefined ? [] : [[index, name]];
    }),
  );
}
