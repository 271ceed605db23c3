import type { Host } from '../../host/host.ts';

/**
 * dnsmasq's own complaint about a configuration; null if there is none. The installed dnsmasq knows best what it
 * accepts. `args`: further options of dnsmasq.
 */
export function dnsmasqRefusal(host: Host, text: string, args: readonly string[] = []): string | null {
  const { status, stderr, error } = host.run('dnsmasq', ['--test', ...args, '--conf-file=-'], { input: text });
  if (status === 0) return null;
  if (error?.includes('ENOENT')) return 'dnsmasq is missing, so the file cannot be checked: install dnsmasq';
  const said = stderr
    .trim()
    .split('\n')
    .find((line) => line !== '');
  return `dnsmasq refuses the file: ${error ?? said?.replace(/^dnsmasq: /, '')}`;
}
