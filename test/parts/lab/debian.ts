/**
 * Minimal Debian systems to try the executable on, as `debootstrap --variant=minbase` installs them: each is made once,
 * from the archive that apt uses on this machine, and never written to afterwards.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';

export const suites = { bullseye: 'Debian 11', bookworm: 'Debian 12', trixie: 'Debian 13' } as const;
export type Suite = keyof typeof suites;
/** With what no release has yet. It changes every day, so no test of every run uses it. */
export type AnySuite = Suite | 'sid';

/** Shell: makes the system in the first folder and renames it to the second. */
const MAKE = `
  unfinished=$0 folder=$1
  shift
  debootstrap "$@"
  rm -r "$unfinished/var/cache/apt"
  mv -T "$unfinished" "$folder"`;

/** Shell: makes the layer of `nextRelease` in the first folder and renames it to the second. */
const FETCH = `
  unfinished=$0 folder=$1 system=$2 release=$3
  mount -t tmpfs tmpfs /mnt
  mkdir /mnt/upper /mnt/work /mnt/system
  mount -t overlay overlay -o "lowerdir=$system,upperdir=/mnt/upper,workdir=/mnt/work" /mnt/system
  mount -t proc proc /mnt/system/proc
  cd /mnt/system
  rm -f etc/resolv.conf
  cp /etc/resolv.conf etc/resolv.conf
  sed -i "s/ [a-z]* main/ $release main/" etc/apt/sources.list
  mkdir -p var/cache/apt/archives/partial
  chroot . apt-get -q update
  chroot . apt-get -qy --download-only dist-upgrade
  cp -a --parents var/cache/apt/archives var/lib/apt/lists etc/apt/sources.list "$unfinished"
  mv -T "$unfinished" "$folder"`;

const cache = join(import.meta.dirname, '../../../node_modules/.cache/holdfast');

/** Why no system can be made here, or null. */
export function unableToMake(): string | null {
  if (process.getuid?.() !== 0) return 'making a Debian system needs root';
  if (spawnSync('debootstrap', ['--version']).error) return 'debootstrap is not installed';
  return archive() === undefined ? 'apt has no Debian archive on this machine' : null;
}

/**
 * The root folder of the system, with further packages of Debian's where they are named. Throws with debootstrap's last
 * lines where it cannot be made.
 */
export function debianSystem(suite: AnySuite, packages: readonly string[] = []): string {
  const list = [...packages].sort().join();
  const content = ['--variant=minbase', ...(list === '' ? [] : [`--include=${list}`])];
  return madeOnce(systemFolder(suite, list), MAKE, [...content, suite, UNFINISHED, archive() ?? '']);
}

/** A layer to put above `debianSystem` of these: the packages of another release, fetched for `apt-get --no-download dist-upgrade`. */
export function nextRelease(suite: AnySuite, packages: readonly string[], release: Suite): string {
  const folder = `${systemFolder(suite, [...packages].sort().join())}-to-${release}`;
  return madeOnce(folder, FETCH, [debianSystem(suite, packages), release]);
}

function systemFolder(suite: AnySuite, list: string): string {
  const key = createHash('sha256').update(list).digest('hex').slice(0, 12);
  return join(cache, list === '' ? `debian-${suite}` : `systems/${suite}-${key}`);
}

/** Stands for the folder in which something is made. */
const UNFINISHED = Symbol('unfinished');

/** The folder, which the script makes if there is none: its arguments are an unfinished folder, this one, and `args`. */
function madeOnce(folder: string, script: string, args: readonly (string | typeof UNFINISHED)[]): string {
  if (existsSync(folder)) return folder;
  mkdirSync(dirname(folder), { recursive: true });
  const unfinished = mkdtempSync(`${folder}.`);
  try {
    // Tests that run side by side wait for the first of them that makes this folder.
    const once = [`${folder}.lock`, 'sh', '-c', '[ -d "$0" ] || exec "$@"', folder];
    // The namespaces end with the script, so an interrupted run leaves no mount and no process behind.
    const isolated = [
      'unshare',
      '--mount',
      '--pid',
      '--fork',
      '--kill-child',
      'sh',
      '-euc',
      script,
      unfinished,
      folder,
    ];
    const words = args.map((word) => (word === UNFINISHED ? unfinished : word));
    const made = spawnSync('flock', [...once, ...isolated, ...words], { encoding: 'utf8' });
    if (made.status !== 0) throw new Error(`${made.stdout}${made.stderr}${debootstrapLog(unfinished)}`.slice(-1500));
  } finally {
    rmSync(unfinished, { recursive: true, force: true });
  }
  return folder;
}

/** Runs `executable` as /usr/bin/agent on a throw-away copy of the system, in namespaces of its own. */
export function runOn(suite: Suite, executable: string, args: string[]) {
  const script = `
    mount -t tmpfs tmpfs /mnt && mkdir /mnt/upper /mnt/work /mnt/host
    mount -t overlay overlay -o "lowerdir=$1,upperdir=/mnt/upper,workdir=/mnt/work" /mnt/host
    cp "$2" /mnt/host/usr/bin/agent
    mount -t proc proc /mnt/host/proc
    shift 2
    exec chroot /mnt/host /usr/bin/agent "$@"`;
  return spawnSync(
    'unshare',
    ['--mount', '--net', '--pid', '--fork', 'sh', '-euc', script, 'sh', debianSystem(suite), executable, ...args],
    { encoding: 'utf8', env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' } },
  );
}

function archive(): string | undefined {
  const format = '$(LABEL) $(COMPONENT) $(SITE)';
  try {
    const lines = execFileSync('apt-get', ['indextargets', '--format', format, 'Created-By: Packages'], {
      encoding: 'utf8',
    });
    return /^Debian main (\S+)/m.exec(lines)?.[1];
  } catch {
    return undefined;
  }
}

function debootstrapLog(folder: string): string {
  const log = join(folder, 'debootstrap/debootstrap.log');
  return existsSync(log) ? readFileSync(log, 'utf8') : '';
}
