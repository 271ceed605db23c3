/**
 * The stage of a rehearsal: the real dhclient-script with the real hooks in private mount, network, process, name and
 * IPC namespaces. Its files are written to memory, and its packets end at the far side of a wire that leads nowhere.
 * All its processes end with it. They also end if we are killed, by the parent-death signal (prctl(2)).
 *
 * Node cannot unshare, so util-linux does, with the script of script-stage-script.ts. Values from a server or from the host
 * are passed as data (arguments, environment, standard input), never as text of the script.
 */
import { spawn } from 'node:child_process';
import { HostError } from '../host/errors.ts';
import type { SeenOnStage } from './result.ts';
import { STAGE_SCRIPT } from './script-stage-script.ts';

export interface Scene {
  readonly interface: string;
  /** The path of dhclient-script, or the script that `-sf` names. */
  readonly script: string;
  /** The variables that dhclient puts into the script's environment. */
  readonly variables: ReadonlyMap<string, string>;
  /** NAME=value of every event (`-e` of dhclient). */
  readonly always: readonly string[];
  /** Whether dhclient also runs PREINIT: before the event at its start, and after it when a lease has ended. */
  readonly preinit: 'before' | 'after' | null;
  /** Lines of `ip -batch` that make links, addresses and routes; `netns peer` is the far side of a wire. */
  readonly network: readonly string[];
  /** Lines of `ip -batch` for the far side. */
  readonly peer: readonly string[];
  /** Paths below /proc/sys and values, in the order of writing. */
  readonly sysctls: readonly (readonly [path: string, value: string])[];
  /** true: a machine that has just started, with nothing in /run and /tmp. */
  readonly atBoot: boolean;
  /** The file that our exit hook writes at the event's end; null if the hook is not in its place. */
  readonly record: string | null;
}

export interface StageView extends SeenOnStage {
  /** Exit status of dhclient-script for the event itself. 137 means that a hook or the time limit killed it. */
  readonly status: number;
  /** false: dhclient-script ended before our exit hook. */
  readonly ended: boolean;
}

/** Flags of unshare(1). */
export const STAGE_NAMESPACES = ['--mount', '--net', '--pid', '--uts', '--ipc', '--fork', '--kill-child'];

/** Milliseconds: two events at their time limits, and the rest. */
const TIME_LIMIT = 60_000;
const LARGEST = 16 * 1024 * 1024;

/** Throws HostError if this process may not make namespaces, or the stage cannot be made. */
export async function play(scene: Scene): Promise<StageView> {
  const sections = parse(await run(scene));
  const text = (name: string) => sections.get(name)?.toString('latin1') ?? null;
  const must = (name: string) => {
    const found = text(name);
    if (found === null) throw new HostError('ESTAGE', `the rehearsal ended early, without a result for ${name}`);
    return found;
  };
  must('end');
  const statuses = must('statuses').trim().split(' ').map(Number);
  return {
    status: (scene.preinit === 'before' ? statuses[1] : statuses[0]) ?? 1,
    families: [
      {
        family: 4,
        addresses: { before: must('addresses.before'), after: must('addresses.after') },
        routes: { before: must('routes.before'), after: must('routes.after') },
      },
    ],
    resolvConf: { before: text('resolvConf.before'), after: text('resolvConf.after') },
    ended: must('ended').trim() === 'yes',
    hidden: must('hidden').split('\n').filter(Boolean).sort(),
    left: Number(must('left')),
    output: must('output'),
  };
}

function run(scene: Scene): Promise<string> {
  const variables = [...scene.variables].map(([name, value]) => `${name}=${value}`);
  const shell = ['sh', '-euc', STAGE_SCRIPT, 'rehearsal', ...variables, ...scene.always];
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', 'unshare', ...STAGE_NAMESPACES, ...shell], {
    stdio: ['pipe', 'pipe', 'pipe'],
    timeout: TIME_LIMIT,
    killSignal: 'SIGKILL',
    cwd: '/',
    env: {
      PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
      LC_ALL: 'C',
      interface: scene.interface,
      script: scene.script,
      preinit: scene.preinit ?? '',
      boot: scene.atBoot ? 'yes' : '',
      count: String(variables.length),
      pid: scene.variables.get('pid') ?? '0',
      record: scene.record ?? '',
    },
  });
  child.stdin.on('error', () => {}); // the script ended early; its own error says why
  child.stdin.end(input(scene));
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('latin1').on('data', (data: string) => {
    stdout += data;
    if (stdout.length > LARGEST) child.kill('SIGKILL');
  });
  child.stderr.setEncoding('latin1').on('data', (data: string) => {
    stderr = (stderr + data).slice(-2000);
  });
  return new Promise((resolve, reject) => {
    child.on('error', (error) => reject(new HostError('ESTAGE', `cannot rehearse: ${error.message}`)));
    child.on('close', (code, signal) => {
      if (code === 0) resolve(stdout);
      else reject(new HostError('ESTAGE', `cannot rehearse: ${explainStage(stderr.trim(), code, signal, TIME_LIMIT)}`));
    });
  });
}

/** Why a stage ended without a result. `limit`: milliseconds that it had. */
export function explainStage(stderr: string, code: number | null, signal: string | null, limit: number): string {
  const last = stderr.split('\n').at(-1) ?? '';
  if (/^unshare: .*(not permitted|denied|no space|invalid)/i.test(last)) {
    return `this process may not make namespaces, which needs root with CAP_SYS_ADMIN (${last})`;
  }
  if (signal !== null) return `it did not end within ${limit / 1000} s`;
  return last === '' ? `exit status ${code}` : last;
}

/** The script's standard input, one line each. No text from the host that could contain a line break is in it. */
function input({ network, peer, sysctls }: Scene): string {
  return [
    ...network.map((line) => `network ${line}`),
    ...peer.map((line) => `peer ${line}`),
    ...sysctls.map(([path, value]) => `sysctl ${path} ${value}`),
  ]
    .filter((line) => !/[\n\0]/.test(line))
    .map((line) => `${line}\n`)
    .join('');
}

function parse(stdout: string): Map<string, Buffer> {
  const sections = new Map<string, Buffer>();
  for (const line of stdout.split('\n')) {
    const at = line.indexOf(' ');
    if (at !== -1) sections.set(line.slice(0, at), Buffer.from(line.slice(at + 1), 'base64'));
  }
  return sections;
}
