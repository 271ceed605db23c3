/** The packages that `npm run package` made: what these tests look at. */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { VERSION } from '../../agent/commands/context/version.ts';
import { debianSystem, type Suite, unableToMake } from '../parts/lab/debian.ts';
import { REPOSITORY } from '../parts/repository.ts';
import { noNamespaces } from '../parts/scratch.ts';

export const DIST = join(REPOSITORY, 'dist');
/** The package of this machine's architecture, which can be installed and run here. */
export const DEB = join(DIST, `holdfast_${VERSION}_${process.arch === 'arm64' ? 'arm64' : 'amd64'}.deb`);
export const RPM = join(DIST, `holdfast-${VERSION}-1.${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}.rpm`);

/** Why the packages cannot be looked at, or false: fits the `skip` of node:test. */
export function unbuilt(): string | false {
  return existsSync(join(DIST, 'SHA256SUMS')) && existsSync(DEB) ? false : `needs ${DEB}, which npm run package makes`;
}

/** Why they cannot be installed in a Debian system of their own here, or false. */
export function uninstallable(): string | false {
  return unbuilt() || noNamespaces() || (unableToMake() ?? false);
}

/** What it prints; its errors stand with ours. Throws if it fails. */
export function output(program: string, ...args: string[]): string {
  return execFileSync(program, args, { encoding: 'utf8', maxBuffer: 1 << 26, stdio: ['ignore', 'pipe', 'inherit'] });
}

/**
 * Runs a shell script in a throw-away copy of a minimal Debian, in namespaces of its own, without systemd. `files`: of this
 * machine, which lie in its /packages. Gives exit status and output.
 */
export function inDebian(suite: Suite, files: readonly string[], script: string) {
  const outer = `
    mount -t tmpfs -o mode=755 tmpfs /mnt && mkdir /mnt/upper /mnt/work /mnt/host
    mount -t overlay overlay -o "lowerdir=$1,upperdir=/mnt/upper,workdir=/mnt/work" /mnt/host
    mount -t proc proc /mnt/host/proc
    mount --bind /dev/null /mnt/host/dev/null
    script=$2; shift 2
    mkdir /mnt/host/packages; cp "$@" /mnt/host/packages
    exec chroot /mnt/host sh -euc "$script"`;
  const isolated = ['--mount', '--net', '--pid', '--fork', '--kill-child', 'sh', '-euc', outer, 'sh'];
  return spawnSync('unshare', [...isolated, debianSystem(suite), script, ...files], {
    encoding: 'utf8',
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C', DEBIAN_FRONTEND: 'noninteractive' },
  });
}
