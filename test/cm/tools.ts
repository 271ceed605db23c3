/** What the tests of configuration management share: the real tools, the package that they install, and a host for them. */
import { execFileSync } from 'node:child_process';
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeDeb } from '../../packaging/deb.ts';
import { LabHost, unavailable as noLab, REPOSITORY } from '../lab/host.ts';
import type { RunResult } from '../lab/system.ts';

/** Where `packaging/setup.sh cm` puts Ansible and Salt. */
const TOOLS = join(REPOSITORY, 'node_modules/.cache/holdfast/cm/bin');
/** Where the host has the package, as an operator would have copied it. */
export const PACKAGE = '/srv/holdfast.deb';

export const PACKAGING = join(REPOSITORY, 'packaging');

/** The path of a tool, which may not be there: see `unavailable`. */
export function tool(name: 'ansible-playbook' | 'salt-call'): string {
  return join(TOOLS, name);
}

/** Why there can be no test with this program, as one sentence, or false: fits the `skip` of node:test. */
export function unavailable(program: string): string | false {
  if (program.startsWith('/')) return existsSync(program) ? noLab() : `needs ${program}: sh packaging/setup.sh cm`;
  return noLab({ [program]: `${program}-agent: sh packaging/setup.sh cm` });
}

/** A host that has the package as a file, and nothing of Holdfast's installed. */
export async function bareHost(): Promise<LabHost> {
  const host = await LabHost.create();
  try {
    const program = await host.read('/usr/local/bin/agent');
    await host.sh('rm /usr/local/bin/agent; dpkg --purge holdfast 2>/dev/null || :');
    await host.write(PACKAGE, packaged() ?? standIn(program));
    await host.write('/etc/resolv.conf', 'nameserver 192.0.2.1\n');
    return host;
  } catch (error) {
    await host.close();
    throw error;
  }
}

/** What `npm run package` made, where it did. */
function packaged(): Buffer | null {
  const [architecture] = process.arch === 'arm64' ? ['arm64'] : ['amd64'];
  const [file] = globSync(`dist/holdfast_*_${architecture}.deb`, { cwd: REPOSITORY });
  return file === undefined ? null : readFileSync(join(REPOSITORY, file));
}

/** Made by the same code, with the same scripts: but its executable is the sources of this checkout. */
function standIn(program: string): Buffer {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-cm-'));
  try {
    const output = join(folder, 'holdfast.deb');
    makeDeb({
      version: '0.0.1',
      architecture: execFileSync('dpkg', ['--print-architecture'], { encoding: 'utf8' }).trim(),
      time: 0,
      tree: [
        { path: 'etc/holdfast/agent.yaml.example', content: { text: '' }, mode: 0o644, configuration: true },
        { path: 'usr/bin/agent', content: { text: program }, mode: 0o755 },
      ],
      output,
    });
    return readFileSync(output);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/**
 * Everything that Holdfast holds or needs on this host, with modes, inodes and times: what a run that changes nothing leaves.
 * Of folders no times: Salt writes the candidate of a configuration beside it at every run, and removes it.
 */
export function state(host: LabHost): Promise<string> {
  return host.sh(`
    for f in /etc/resolv.conf /etc/dhcp /etc/sysctl.d /etc/holdfast /usr/bin/agent /var/lib/holdfast/originals /var/cache/holdfast; do
      find $f ! -type d -exec stat -c '%n %F %a %i %y' {} + -o -exec stat -c '%n %F %a' {} + 2>&1 || :
      find $f -type f -exec cksum {} + 2>&1 || :
    done; dpkg-query -W holdfast 2>&1 || :; sysctl -n net.ipv4.ip_forward`);
}

export function said({ stdout, stderr, code }: RunResult): string {
  return `exit status ${code}\n${stdout}${stderr}`;
}
