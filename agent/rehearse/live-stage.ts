/**
 * The stage of a DHCP client that runs by itself: as script-stage.ts, but with the real client in it, and with a DHCP
 * server of ours at the far side of the wire. The server is a process outside the stage, so nothing on the stage can end it.
 * A parent-death signal (prctl(2)) ends stage and server if we are killed.
 */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface, type Interface } from 'node:readline';
import type { Readable } from 'node:stream';
import type { Answering } from '../clients/stage-plan.ts';
import { HostError } from '../host/errors.ts';
import { LIVE_STAGE_SCRIPT } from './live-stage-script.ts';
import { explainStage, STAGE_NAMESPACES } from './script-stage.ts';
import { partToText, type ServerPart } from './server/protocol.ts';

/** One run of the client's script. */
export interface ScriptRun {
  readonly reason: string;
  readonly interface: string;
  readonly status: number;
  readonly muted: boolean;
}

export interface LiveScene {
  /** The command line that starts our server: `agent rehearse serve`. */
  readonly server: readonly string[];
  /** The client's command line; it must stay in the foreground. */
  readonly client: readonly string[];
  /** The script that the client runs at its events; null if it runs none. */
  readonly script: string | null;
  readonly atBoot: boolean;
  /** A folder in /run that stays at a boot; null: none. */
  readonly keptInRun: string | null;
  /** The file that is looked at in place of resolv.conf. */
  readonly resolvConf: string;
}

/** Milliseconds: a stage that does not end by then is ended. */
const TIME_LIMIT = 120_000;
/** Milliseconds for one step that waits for no client. */
const STEP_LIMIT = 20_000;
const ENVIRONMENT = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' };

type Child = ChildProcessWithoutNullStreams;

function start(argv: readonly string[], env: Readonly<Record<string, string>> = {}): Child {
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', ...argv], {
    stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
    timeout: TIME_LIMIT,
    killSignal: 'SIGKILL',
    cwd: '/',
    env: { ...ENVIRONMENT, ...env },
  }) as unknown as Child;
  child.stdin.on('error', () => {}); // it ended early; its own error says why
  child.on('error', () => {});
  return child;
}

export class LiveStage implements AsyncDisposable {
  readonly #stage: Child;
  readonly #server: Child;
  readonly #sections = new Map<string, string>();
  readonly #runs: ScriptRun[] = [];
  readonly #served: string[] = [];
  /** Called at each line of stage, script or server, and at the stage's end. */
  readonly #waiting = new Set<() => void>();
  #stepsDone = 0;
  #ended: HostError | 'well' | null = null;
  #stderr = '';

  /**
   * The server must be in its own network namespace before the stage takes that namespace for the far side. Throws
   * HostError if this process may not make namespaces.
   */
  static async open(scene: LiveScene): Promise<LiveStage> {
    const server = start(['unshare', '--net', ...scene.server]);
    let stderr = '';
    server.stderr.setEncoding('latin1').on('data', (data: string) => {
      stderr = (stderr + data).slice(-2000);
    });
    const [hello] = await Promise.race([once(server.stdout, 'data'), once(server, 'close').then(() => [null])]);
    if (hello === null) throw new HostError('ESTAGE', `cannot rehearse: ${explainStage(stderr.trim(), null, null, 0)}`);
    return new LiveStage(server, scene);
  }

  private constructor(server: Child, { client, script, atBoot, keptInRun, resolvConf }: LiveScene) {
    this.#server = server;
    const shell = ['sh', '-euc', LIVE_STAGE_SCRIPT, 'rehearsal', ...client];
    this.#stage = start(['unshare', ...STAGE_NAMESPACES, ...shell], {
      agent: String(process.pid),
      server: String(server.pid),
      script: script ?? '',
      boot: atBoot ? 'yes' : '',
      kept: keptInRun ?? '',
      resolv: resolvConf,
    });
    this.#listen(this.#server.stdout, (line) => this.#served.push(line));
    this.#listen(this.#stage.stdout, (line) => this.#read(line));
    this.#listen(this.#stage.stdio[3] as Readable, (line) => {
      const [reason = '', name = '', status, muted] = line.split(' ');
      this.#runs.push({ reason, interface: name, status: Number(status), muted: muted === 'muted' });
    });
    this.#stage.stderr.setEncoding('latin1').on('data', (data: string) => {
      this.#stderr = (this.#stderr + data).slice(-2000);
    });
    this.#stage.on('error', ({ message }) => this.#end(new HostError('ESTAGE', `cannot rehearse: ${message}`)));
    this.#stage.on('close', (code, signal) => {
      const why = explainStage(this.#stderr.trim(), code, signal, TIME_LIMIT);
      this.#end(code === 0 ? 'well' : new HostError('ESTAGE', `cannot rehearse: ${why}`));
    });
  }

  #listen(stream: Readable, take: (line: string) => void): Interface {
    return createInterface({ input: stream.setEncoding('latin1') }).on('line', (line) => {
      take(line);
      for (const wake of this.#waiting) wake();
    });
  }

  #read(line: string): void {
    const at = line.indexOf(' ');
    const name = line.slice(0, at);
    if (name === 'done') this.#stepsDone += 1;
    else if (at !== -1) this.#sections.set(name, Buffer.from(line.slice(at + 1), 'base64').toString('latin1'));
  }

  #end(how: HostError | 'well'): void {
    this.#ended ??= how;
    for (const wake of this.#waiting) wake();
  }

  /** null if `found` finds nothing in time. Throws HostError if the stage ends. */
  async #until<T>(found: () => T | null, limit: number): Promise<T | null> {
    const deadline = AbortSignal.timeout(limit);
    for (;;) {
      const result = found();
      if (result !== null) return result;
      if (this.#ended !== null)
        throw this.#ended === 'well' ? new HostError('ESTAGE', 'the rehearsal ended early') : this.#ended;
      if (deadline.aborted) return null;
      await new Promise<void>((resolve) => {
        const wake = () => {
          this.#waiting.delete(wake);
          deadline.removeEventListener('abort', wake);
          resolve();
        };
        this.#waiting.add(wake);
        deadline.addEventListener('abort', wake);
      });
    }
  }

  /** Has the stage carry these lines out. No text from the host that could contain a line break is in them. */
  async do(...lines: readonly string[]): Promise<void> {
    const clean = lines.filter((line) => !/[\n\0]/.test(line));
    const all = this.#stepsDone + clean.length;
    this.#stage.stdin.write(clean.map((line) => `${line}\n`).join(''));
    const done = await this.#until(() => (this.#stepsDone >= all ? true : null), STEP_LIMIT);
    if (done === null) throw new HostError('ESTAGE', `the rehearsal hangs at ${clean.at(-1)}`);
  }

  async startServer(part: ServerPart): Promise<void> {
    this.#server.stdin.write(`${partToText(part)}\n`);
    const ready = await this.#until(() => (this.#served.includes('ready') ? true : null), STEP_LIMIT);
    if (ready === null) throw new HostError('ESTAGE', 'the DHCP server of the rehearsal did not start');
  }

  async answer(answering: Answering, family: 4 | 6): Promise<void> {
    const from = this.#served.length;
    const line = `${answering} ${family}`;
    this.#server.stdin.write(`${line}\n`);
    await this.#until(() => (this.#served.slice(from).includes(`now ${line}`) ? true : null), STEP_LIMIT);
  }

  /** The first run of the script for one of these reasons; null if none comes in time. */
  nextRun(
    { reasons, muted }: { readonly reasons: readonly string[]; readonly muted: boolean },
    limit: number,
  ): Promise<ScriptRun | null> {
    return this.#until(
      () => this.#runs.find((run) => run.muted === muted && reasons.includes(run.reason)) ?? null,
      limit,
    );
  }

  /** As a run of a script: the server's next answer of this kind, counted from `from`; null if none comes in time. */
  nextAnswer(kind: string, from: number, limit: number): Promise<ScriptRun | null> {
    const run = { reason: kind, interface: '', status: 0, muted: false };
    return this.#until(() => (this.#served.slice(from).includes(kind) ? run : null), limit);
  }

  /** What the server heard and answered: `broadcast 3 5` is a request that it acknowledged. */
  get served(): readonly string[] {
    return this.#served;
  }

  /** latin1; null if the stage has not printed it. */
  section(name: string): string | null {
    return this.#sections.get(name) ?? null;
  }

  /** Ends all programs of the stage. */
  async close(): Promise<void> {
    this.#stage.stdin.end();
    await this.#until(() => (this.#sections.has('end') ? true : null), STEP_LIMIT);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stage.kill('SIGKILL');
    this.#server.kill('SIGKILL');
  }
}
