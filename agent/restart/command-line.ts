/** How a dhclient was started, so that we can start it the same way again; or the reason why we must not. */
import { namesOtherInterfaces } from '../clients/dhclient/conf/named-interfaces.ts';
import { scriptOf } from '../clients/dhclient/dhclient-scripts.ts';
import { hookPlaces, whyDeaf } from '../clients/dhclient/hooks/hook-places.ts';
import { dhcpClients, type RunningDhclient } from '../clients/dhclient/running.ts';
import { scriptDoubts } from '../clients/dhclient/script/script-verdict.ts';
import { HostError } from '../host/errors.ts';
import type { Host } from '../host/host.ts';
import type { ProcessOrigin } from '../host/process/origin.ts';

export interface CommandLine {
  /** Absolute path of the program. */
  readonly executable: string;
  /** Arguments without the program's name. */
  readonly arguments: readonly string[];
  readonly folder: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly umask: string;
  readonly oomScoreAdjust: string;
  /** Soft limit of open files; null if unlimited. */
  readonly openFiles: number | null;
  /** `cgroup.procs` of each control group that dhclient is in and the agent is not in. */
  readonly cgroups: readonly string[];
}

/**
 * Throws HostError EOBSTACLE, with the reason as a sentence, if only the program that started this dhclient may restart
 * it.
 */
export function commandLineOf(host: Host, client: RunningDhclient): CommandLine {
  const origin = host.originOf(client.pid);
  const self = host.originOf('self');
  if (origin === null || self === null) throw obstacle('it cannot be seen how it was started');
  const problem = howItRuns(host, client) ?? whoRunsIt(host, client, origin, self) ?? whatHolds(host, client);
  if (problem !== null) throw obstacle(problem);
  return {
    executable: origin.executable,
    arguments: client.arguments.slice(1),
    folder: origin.folder,
    environment: origin.environment,
    umask: origin.umask,
    oomScoreAdjust: origin.oomScoreAdjust,
    openFiles: origin.openFiles,
    cgroups: cgroupsOf(host, origin, self),
  };
}

const obstacle = (message: string) => new HostError('EOBSTACLE', message);

function howItRuns(host: Host, client: RunningDhclient): string | null {
  const { owner, family, interfaces, arguments: words } = client;
  if (owner !== null) return `it is run by ${owner}, which starts it when it wants`;
  if (family === 6 || words.includes('-4o6')) return 'it is one of DHCPv6, whose lease cannot be rehearsed';
  if (interfaces.length === 0)
    return 'it was started without the name of an interface, so a new start might also take other interfaces';
  if (words.includes('-d')) return 'it runs in the foreground (-d), and its parent would take its end for a failure';
  const others = dhcpClients(host).filter((other) => other.pid !== client.pid && other.family === 4);
  const shared = others.find((other) => {
    return other.interfaces.length === 0 || other.interfaces.some((name) => interfaces.includes(name));
  });
  if (shared !== undefined) return `another dhclient (${shared.pid}) is on the same interface`;
  if (!client.confFile.startsWith('/') || /["\\\n]/.test(client.confFile))
    return 'the path of its configuration is an odd one';
  const further = namesOtherInterfaces(host.readText(client.confFile) ?? '', interfaces);
  if (further.length > 0)
    return `${client.confFile} names ${further.join(', ')}, which a new start would also configure`;
  return null;
}

/** We restart only a process of root. Otherwise any user could make root start a program of theirs. */
function whoRunsIt(host: Host, client: RunningDhclient, origin: ProcessOrigin, self: ProcessOrigin): string | null {
  const { executable, users, namespaces, confinement, isText } = origin;
  const file = executable.endsWith('/dhclient') ? host.stat(executable) : null;
  const isRoots = file?.isFile() === true && file.uid === 0 && (file.mode & 0o022) === 0;
  if (users.length === 0 || users.some((user) => user !== 0)) return 'it does not run as root';
  if (!isRoots) return `${executable} is no dhclient that belongs to root alone`;
  if (!isText) return 'its arguments or its environment are no text';
  const other = Object.keys(self.namespaces).filter((name) => namespaces[name] !== self.namespaces[name]);
  if (other.length > 0) return `it runs in other namespaces than the agent (${other.join(', ')})`;
  if (confinement !== self.confinement)
    return `it runs with other rights (${confinement}) than the agent (${self.confinement})`;
  return serviceOf(host, client, origin);
}

/** systemd takes the end of a main process as the end of its service, and then runs the service's stop commands. */
function serviceOf(host: Host, { pid }: RunningDhclient, { cgroups }: ProcessOrigin): string | null {
  const unit = cgroups.map(({ path }) => /\/([^/]+\.service)$/.exec(path)?.[1]).find((name) => name !== undefined);
  if (unit === undefined || host.stat('/run/systemd/system') === null) return null;
  const { status, stdout } = host.run('systemctl', ['show', '--property=MainPID', '--', unit]);
  if (status !== 0) return `systemd does not say whether it is the main process of ${unit}`;
  return stdout.trim() === `MainPID=${pid}` ? `it is the main process of ${unit}: systemctl restart does that` : null;
}

/** The hooks must be in place: they keep the address during a restart, and record the result. */
function whatHolds(host: Host, client: RunningDhclient): string | null {
  const places = hookPlaces(host);
  const script = scriptOf(host, client);
  if (places === null || script === null) return 'it has no script that sources hooks';
  const deaf = whyDeaf(host, script.path, places);
  if (deaf !== null) return `its script ${script.path} ${deaf}`;
  const own = scriptDoubts(host, script.path, places, 4).find(({ about }) => about === 'all');
  if (own !== undefined) return `its script ${script.path} ${own.why}`;
  const missing = [places.enter, places.exit].find((path) => host.stat(path) === null);
  return missing === undefined ? null : `${missing} is not there`;
}

function cgroupsOf(host: Host, origin: ProcessOrigin, self: ProcessOrigin): string[] {
  const own = new Map(self.cgroups.map(({ hierarchy, path }) => [hierarchy, path]));
  const differing = origin.cgroups.filter(({ hierarchy, path }) => own.get(hierarchy) !== path);
  if (differing.length === 0) return [];
  const mounts = parseMounts(host.readText('/proc/self/mountinfo') ?? '');
  return differing.map(({ hierarchy, path }) => {
    const mount = mounts.find(({ controllers }) => {
      return hierarchy === '' ? controllers === null : hierarchy.split(',').every((one) => controllers?.includes(one));
    });
    const file = mount === undefined ? null : `${mount.folder}${path === '/' ? '' : path}/cgroup.procs`;
    if (file === null || path.includes('/..') || host.stat(file) === null)
      throw obstacle(`its control group ${path} cannot be entered, and in the agent's own it would end with the agent`);
    return file;
  });
}

/**
 * Mounted control group hierarchies, from /proc/self/mountinfo (proc_pid_mountinfo(5)); `controllers` is null for
 * cgroup v2.
 */
function parseMounts(text: string): { folder: string; controllers: string[] | null }[] {
  return text.split('\n').flatMap((line) => {
    const [left = '', right = ''] = line.split(' - ');
    const [, , , root, folder = ''] = left.split(' ');
    const [type, , options = ''] = right.split(' ');
    if (root !== '/' || (type !== 'cgroup' && type !== 'cgroup2')) return [];
    return [{ folder, controllers: type === 'cgroup2' ? null : options.split(',') }];
  });
}
