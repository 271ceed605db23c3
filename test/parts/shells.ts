/** Every shell that may run dhclient-script: Debian's dash, RHEL's bash, and busybox. */
export const SHELLS = { dash: 'dash', bash: 'bash', busybox: 'busybox sh' } as const;

export type ShellName = keyof typeof SHELLS;
export const SHELL_NAMES = Object.keys(SHELLS) as ShellName[];

/** A literal for sh. */
export function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
