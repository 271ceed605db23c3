/** What the tests of configuration management share: the real tools, and a host for them. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { LabHost, unavailable as noLab } from '../parts/lab/host.ts';
import type { LabSystem, RunResult } from '../parts/lab/system.ts';
import { REPOSITORY } from '../parts/repository.ts';
import { AGENT } from '../systems/machine.ts';
import { bringPackage } from './package.ts';

/** Where `packaging/setup.sh cm` puts Ansible and Salt. */
const TOOLS = join(REPOSITORY, 'node_modules/.cache/holdfast/cm/bin');

export const PACKAGING = join(REPOSITORY, 'packaging');

/** The path of a tool, which may not be there: see `unavailable`. */
export function tool(name: 'ansible-playbook' | 'salt-call'): string {
  return join(TOOLS, name);
}

/** Why there can be no test with this program, as one sentence, or false: fits the `skip` of node:test. */
export function unavailable(program: string): string | false {
  if (!existsSync(AGENT)) return `needs ${AGENT}, which npm run build makes`;
  if (program.startsWith('/')) return existsSync(program) ? noLab() : `needs ${program}: sh packaging/setup.sh cm`;
  return noLab({ [program]: `${program}-agent: sh packaging/setup.sh cm` });
}

/** A host that has the package as a file, and nothing of Holdfast's installed. */
export async function bareHost(): Promise<LabHost> {
  const host = await LabHost.create();
  try {
    await host.sh(
      'umount -q /usr/local/bin/agent || :; rm /usr/local/bin/agent; dpkg --purge holdfast 2>/dev/null || :',
    );
    await bringPackage(host);
    await host.write('/etc/resolv.conf', 'nameserver 192.0.2.1\n');
    return host;
  } catch (error) {
    await host.close();
    throw error;
  }
}

/**
 * Everything that Holdfast holds or needs on this host, with modes, inodes and times: what a run that changes nothing leaves.
 * Of folders no times: Salt writes the candidate of a configuration beside it at every run, and removes it.
 */
export function state(host: LabSystem): Promise<string> {
  return host.sh(`
    for f in /etc/resolv.conf /etc/dhcp /etc/sysctl.d /etc/holdfast /usr/bin/agent /var/lib/holdfast/originals /var/cache/holdfast; do
      find $f ! -type d -exec stat -c '%n %F %a %i %y' {} + -o -exec stat -c '%n %F %a' {} + 2>&1 || :
      find $f -type f -exec cksum {} + 2>&1 || :
    done; dpkg-query -W holdfast 2>&1 || :; sysctl -n net.ipv4.ip_forward`);
}

export function said({ stdout, stderr, code }: RunResult): string {
  return `exit status ${code}\n${stdout}${stderr}`;
}
