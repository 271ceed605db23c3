import type { Host } from '../host/host.ts';

/** The network interfaces' names by index, for files in which programs write the index. */
export function linkNames(host: Host): Map<string, string> {
  return new Map(
    host.list('/sys/class/net').flatMap((name) => {
      const index = host.readText(`/sys/class/net/${name}/ifindex`)?.trim();
      return index === undefined ? [] : [[index, name]];
    }),
  );
}
