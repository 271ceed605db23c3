/** The container of a process, by the names that engines give to control groups. */

export interface Container {
  /** `docker`, `podman`, `pod`, `lxc`, `machine`. */
  readonly engine: string;
  /** The engine's id or name. */
  readonly id: string;
}

const NAMES: readonly (readonly [engine: string, pattern: RegExp])[] = [
  ['docker', /\/docker[-/]([0-9a-f]{12,64})/],
  ['podman', /\/libpod-([0-9a-f]{12,64})/],
  ['pod', /\/(?:cri-containerd|crio|cri-o)-([0-9a-f]{12,64})/],
  ['pod', /\/kubepods[^\n]*\/([0-9a-f]{64})/],
  ['lxc', /\/lxc(?:\.payload)?[./]([^/\n]+)/],
  ['machine', /\/machine-([^/\n]+)\.scope/],
  ['machine', /\/systemd-nspawn@([^/\n]+)\.service/],
];

/** `groups`: the text of proc_pid_cgroup(5). null if no known engine made any of the groups. */
export function containerOf(groups: string): Container | null {
  for (const [engine, pattern] of NAMES) {
    const id = pattern.exec(groups)?.[1];
    if (id !== undefined) return { engine, id: id.replaceAll('\\x2d', '-') };
  }
  return null;
}
