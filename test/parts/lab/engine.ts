/** The real Podman and Docker on a throw-away host, with an image of busybox, without any registry. */
import { existsSync } from 'node:fs';
import type { LabHost } from './host.ts';

/** Below /sys/fs/cgroup: the groups that the engines make for their containers. */
const GROUPS = ['libpod_parent', 'docker'];
/** busybox is linked dynamically in Debian. */
const IMAGE = `mkdir -p /run/lab/image/bin; cp /bin/busybox /run/lab/image/bin/
for name in sh sleep nslookup; do ln -s busybox /run/lab/image/bin/$name; done
for library in $(ldd /bin/busybox | grep -o '/[^ ]*'); do mkdir -p /run/lab/image/\${library%/*}; cp -L $library /run/lab/image/$library; done`;

export interface Engine {
  readonly name: 'Podman' | 'Docker';
  /** Why the engine is not here; false if it is. */
  readonly missing: string | false;
  /** Shell that makes the engine and its image ready. */
  readonly start: string;
  /** The command, with what an engine needs that may not limit its containers. */
  readonly run: string;
  readonly command: string;
  readonly stop: string;
}

const missing = (file: string, from: string) => (existsSync(file) ? false : `needs ${file} (Debian package ${from})`);
const imported = (command: string) => `tar -C /run/lab/image -c . | ${command} import - box:1 >/dev/null 2>&1`;
const PODMAN = '/usr/bin/podman --cgroup-manager=cgroupfs';
/** Debian's own client: a machine may have another one earlier in its PATH. */
const DOCKER = '/usr/bin/docker';

export const ENGINES: readonly Engine[] = [
  {
    name: 'Podman',
    missing: missing('/usr/bin/podman', 'podman') || missing('/usr/bin/crun', 'crun'),
    start: imported(PODMAN),
    // Without the right to raise limits and without controllers, as in a container, nothing may be limited.
    run: `${PODMAN} run --detach --privileged --pids-limit=-1`,
    command: PODMAN,
    stop: `${PODMAN} rm --all --force --time 0 >/dev/null`,
  },
  {
    name: 'Docker',
    missing: missing('/usr/sbin/dockerd', 'docker.io'),
    start: `setsid dockerd --exec-opt native.cgroupdriver=cgroupfs >/run/lab/dockerd.log 2>&1 </dev/null &
      until ${DOCKER} info >/dev/null 2>&1; do sleep 0.2; done; ${imported(DOCKER)}`,
    run: `${DOCKER} run --detach`,
    command: DOCKER,
    stop: `${DOCKER} ps --all --quiet | xargs -r ${DOCKER} rm --force >/dev/null; pkill -x dockerd; while pgrep -x 'dockerd|containerd' >/dev/null; do sleep 0.1; done`,
  },
];

/** The engine with its image; ends with everything that it made in the machine's control groups. */
export async function engineOn(host: LabHost, engine: Engine): Promise<AsyncDisposable> {
  await host.sh(`mountpoint -q /sys/fs/cgroup || mount -t cgroup2 none /sys/fs/cgroup
    for folder in containers docker; do mkdir -p /var/lib/$folder; mount -t tmpfs $folder /var/lib/$folder; done
    ${IMAGE}
    ${engine.start}`);
  return {
    async [Symbol.asyncDispose]() {
      const groups = GROUPS.map((name) => `/sys/fs/cgroup/${name}`).join(' ');
      await host.sh(`${engine.stop}; find ${groups} -depth -type d -exec rmdir {} ';' 2>/dev/null || true`);
    },
  };
}
