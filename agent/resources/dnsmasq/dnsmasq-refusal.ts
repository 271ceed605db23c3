import type { Host } from '../../host/host.ts';

/**
 * dnsmasq's own complaint about a text of ours; null if there is none. The installed dnsmasq knows best what it accepts.
 * With `--conf-file=-` it reads no other file, and it gets no other options: `--test` runs a `conf-script` as root.
 */
export function dnsmasqRefusal(host: Host, text: string): string | null {
  const { status, stderr, error } = host.run('dnsmasq', ['--test', '--conf-file=-'], { input: text });
  if (status === 0) return null;
  if (error?.includes('ENOENT')) return 'dnsmasq is missing, so the file cannot be checked: install dnsmasq';
  const said = stderr
    .trim()
    .split('\n')
    .find((line) => line !== '');
  return `dnsmasq refuses the file: ${error ?? said?.replace(/^dnsmasq: /, '')}`;
}
