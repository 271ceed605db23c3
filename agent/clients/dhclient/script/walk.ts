/**
 * A walk through a dhclient-script in the order in which a shell carries out its commands at one event. It notes where
 * the script sources the hooks, where it ends, and which of its commands act on make_resolv_conf or resolv.conf.
 */
import type { Host } from '../../../host/host.ts';
import { RESOLV_CONF } from '../../../resolver/resolv-conf.ts';
import { doubt } from '../../shell/harmless.ts';
import type { ShellCommand } from '../../shell/shell-types.ts';
import type { HookPlaces } from '../hooks/hook-places.ts';
import { allHold, type Truth } from './conditions.ts';
import {
  commandText,
  DISTRIBUTION,
  HARMLESS,
  isFollowed,
  leadsTo,
  MAKER,
  OF_EVENT,
  READERS,
  type ScriptEvent,
} from './events.ts';
import { filesOf, isShellProgram, type ScriptFile, type ScriptStep, scriptFile, stepsOf } from './script-files.ts';
import { ShellValues } from './shell-words.ts';

/** Limits for functions that call each other, for files, and for all commands of a walk. */
const DEEPEST = 24;
const DEEPEST_FILE = 4;
const MOST_STEPS = 20_000;

interface Known {
  readonly file: ScriptFile;
  readonly index: number;
}

interface Surrounding {
  readonly file: ScriptFile;
  readonly depth: number;
  /** Whether the commands run in another process, or only perhaps. */
  readonly apart: boolean;
  readonly sure: boolean;
}

export class ScriptWalk {
  readonly events: ScriptEvent[] = [];
  private readonly host: Host;
  private readonly places: HookPlaces;
  /** resolv.conf and, if it is a link, the file behind it. */
  private readonly resolvConf: readonly string[];
  private values: ShellValues;
  private functions = new Map<string, Known>();
  private readonly running = new Set<string>();
  private readonly traps: ScriptFile[] = [];
  private left = MOST_STEPS;
  private over = false;
  private files = 0;

  constructor(host: Host, places: HookPlaces, reason: string) {
    this.host = host;
    this.places = places;
    this.values = new ShellValues([['reason', [reason]]]);
    const isLink = host.lstat(RESOLV_CONF)?.isSymbolicLink() === true;
    this.resolvConf = isLink ? [RESOLV_CONF, host.target(RESOLV_CONF)] : [RESOLV_CONF];
  }

  /** The whole script. */
  run(path: string): readonly ScriptEvent[] {
    this.source(path, { depth: 0, apart: false, sure: true });
    this.over = false;
    for (const file of this.traps) this.steps(file.steps.get(null) ?? [], { file, depth: 0, apart: true, sure: false });
    return this.events;
  }

  private source(path: string, around: Omit<Surrounding, 'file'>): void {
    const file = scriptFile(this.host, path);
    if (file === null) return;
    if (file === 'too long' || this.files >= DEEPEST_FILE) {
      this.note('perhaps', around.sure, `${path}: it is too long to be read, or sources itself`);
      return;
    }
    this.files += 1;
    this.steps(file.steps.get(null) ?? [], { ...around, file });
    this.files -= 1;
  }

  private steps(steps: readonly ScriptStep[], around: Surrounding): void {
    for (const step of steps) {
      if (this.over) return;
      this.left -= 1;
      if (this.left < 0) {
        this.note('perhaps', true, `${around.file.path}: it has too many steps to be followed`);
        this.over = true;
        return;
      }
      const { guards } = step.command ?? step.definition;
      const truth = allHold(guards, {
        host: this.host,
        values: this.values,
        isPlace: (path) => this.placed(path) !== null,
      });
      if (truth === false) continue;
      if (step.command === undefined) this.define(step, truth, around);
      else if (this.command(step.command, truth, around) === 'return') return;
    }
  }

  private define({ definition, index }: ScriptStep & { definition: object }, truth: Truth, around: Surrounding): void {
    const { name, line, inSubshell } = definition;
    if (inSubshell || around.apart) return;
    this.functions.set(name, { file: around.file, index });
    if (name === MAKER) this.note('defines', around.sure && truth === true, `${around.file.path}:${line}: ${name}()`);
  }

  private command(command: ShellCommand, truth: Truth, outer: Surrounding): 'return' | undefined {
    const { words, sets } = command;
    const sure = outer.sure && truth === true;
    const apart = outer.apart || command.inSubshell || command.inPipeline || command.inBackground === true;
    const around = { ...outer, sure, apart };
    const seen = this.seen(command, around);
    this.assign(command, truth === true && !apart);
    this.effects(command, around);
    const [first = '', ...rest] = words;
    if (first === '' || sets.length + words.length === 0) return undefined;
    for (const name of this.values.expand(first)) {
      if (name === 'return' && !apart && truth === true) return 'return';
      if (name === '.' || name === 'source') this.sources(rest[0] ?? '', around, seen);
      else if (name === 'exit' || (name === 'exec' && rest.length > 0)) {
        this.ends(name, rest, around, seen);
        if (!apart && truth === true) return 'return';
      } else if (name === 'unset' && !apart && rest.includes(MAKER)) this.note('defines', sure, seen);
      else if (name === 'trap') this.later(rest, around, command.line);
      else if (/^[A-Za-z_]\w*$/.test(name) && !READERS.test(name)) this.call(name, rest, around, seen);
    }
    return undefined;
  }

  /** The action of `trap` runs at the end, or at any moment. */
  private later(words: readonly string[], { file }: Surrounding, line: number): void {
    const [action = '-'] = words.filter((word) => word !== '--');
    if (action.startsWith('-')) return;
    const path = `${file.path}:${line} (trap)`;
    this.traps.push({ path, steps: stepsOf(action.replace(/^(["'])(.*)\1$/s, '$2')) });
  }

  /** The variables that the command sets in the script. */
  private assign({ words: [first = '', ...rest], sets }: ShellCommand, sure: boolean): void {
    const named = /^(?:local|export|declare|readonly|typeset)$/.test(first) ? rest : [];
    for (const word of [...sets, ...named]) {
      const [, name = '', plus = '', value = ''] = /^([A-Za-z_]\w*)(\+?)=(.*)$/s.exec(word) ?? [];
      if (name !== '' && !(plus === '' && name === 'reason'))
        this.values.set(name, plus === '' ? this.values.expand(value) : [`$${name}`], sure);
    }
    const [variable = '', , ...items] = rest;
    if (first === 'for' || first === 'select')
      this.values.set(variable, [this.values.expand(items.join(' ')).join(' ')], true);
    if (first === 'read')
      for (const name of rest) if (/^[A-Za-z_]\w*$/.test(name)) this.values.set(name, [`$${name}`], sure);
  }

  /** What the command does to resolv.conf, by the judgement of neighbouring hooks. */
  private effects(command: ShellCommand, around: Surrounding): void {
    const { words, writes } = command;
    const own = words[0] ?? '';
    const judged = isFollowed(own) ? { words: [], writes } : command;
    const program = this.values.expand(own)[0] ?? '';
    const files = this.resolvConf;
    const names = new Set([...this.functions.keys(), ...(this.isOfOthers(own, program) ? [own] : [])]);
    const choices = Math.max(1, ...[...words, ...writes].map((word) => this.values.expand(word).length));
    for (let choice = 0; choice < choices; choice += 1) {
      const value = (word: string) => {
        const values = this.values.expand(word);
        return values[choice % values.length] ?? word;
      };
      const why = doubt(judged, names, value, files);
      if (why === null) continue;
      if (this.runs(program, around)) return;
      const certain = files.some((file) => why === `it writes ${file}` || why.endsWith(` on ${file}`));
      if (!certain && DISTRIBUTION.test(around.file.path)) continue;
      const seen = `${around.file.path}:${command.line}: `;
      this.note(certain ? 'writes' : 'perhaps', around.sure, seen + (certain ? commandText(command) : why));
      return;
    }
  }

  /** Whether the program is none of the script's that could do harm. */
  private isOfOthers(own: string, program: string): boolean {
    const [, variable] = /^"?\$\{?(\w+)\}?"?$/.exec(own) ?? [];
    // dhclient hands its script no other variables, so a variable without a value is empty.
    if (variable !== undefined && !this.values.knows(variable) && !OF_EVENT.test(variable)) return true;
    if (HARMLESS.test(program.replace(/^.*\//, ''))) return true;
    if (program === 'eval') return false;
    // RHEL's script calls a function of each file of dhclient.d: they are read as neighbours.
    return this.places.scripts !== null && /^\*_(?:config|restore)$/.test(program);
  }

  /** A shell program that the script starts is read like the script. */
  private runs(program: string, around: Surrounding): boolean {
    if (!isShellProgram(this.host, program) || around.depth >= DEEPEST_FILE) return false;
    const [values, functions, over] = [this.values, this.functions, this.over];
    const from = this.events.length;
    this.values = values.copy();
    this.functions = new Map();
    this.source(program, { depth: around.depth + 1, apart: false, sure: around.sure });
    this.values = values;
    this.functions = functions;
    this.over = over;
    const own = this.events.splice(from);
    // Only a script that sources the hooks has a part in their work.
    const isPart = own.some(({ kind }) => kind === 'enter' || kind === 'exit');
    this.events.push(...own.filter(({ kind }) => isPart || kind === 'writes' || kind === 'perhaps'));
    return true;
  }

  private sources(word: string, around: Surrounding, seen: string): void {
    for (const value of this.values.expand(word)) {
      const place = this.placed(value);
      if (place !== null && !(place === 'exit' && around.apart))
        this.note(around.apart ? 'lost' : place, around.sure, seen);
      if (this.isNeighbour(value)) continue;
      if (!value.startsWith('/') && !DISTRIBUTION.test(around.file.path))
        this.note('perhaps', around.sure, `${seen.replace(/: .*$/s, '')}: it sources ${word}`);
      const { enter, exit } = this.places;
      for (const path of filesOf(this.host, value).filter((file) => file !== enter && file !== exit)) {
        const isSure = around.sure && path === value;
        this.perhaps(isSure, () => this.source(path, { depth: around.depth, apart: around.apart, sure: isSure }));
      }
    }
  }

  /** Runs a part of the script. If the part may be left out, the former values of variables remain possible. */
  private perhaps(sure: boolean, run: () => void): void {
    const before = this.values.copy();
    run();
    if (!sure) this.values.add(before);
  }

  private ends(name: string, rest: readonly string[], around: Surrounding, seen: string): void {
    if (around.apart) return;
    const program = this.values.expand(rest[0] ?? '')[0] ?? '';
    const from = this.events.length;
    if (name === 'exec') this.runs(program, around);
    // A script that sources the hooks takes the place of this one.
    const isPart = this.events.slice(from).some(({ kind }) => kind === 'enter' || kind === 'exit');
    if (!isPart) this.note('end', around.sure, seen);
    this.over = around.sure;
  }

  /** A function of the script, or a name that no function has. */
  private call(name: string, rest: readonly string[], around: Surrounding, seen: string): void {
    const known = this.functions.get(name);
    const from = this.events.length;
    const args = rest.map((word) => this.values.expand(word));
    if (known !== undefined) {
      const isOurs = name === MAKER && this.events.some(({ kind }) => kind === 'enter');
      if (isOurs || this.running.has(name) || this.running.size >= DEEPEST) return;
      const steps = known.file.steps.get(known.index) ?? [];
      this.running.add(name);
      this.perhaps(around.sure, () => {
        this.values.withArguments(args, () => this.steps(steps, { ...around, file: known.file }));
      });
      this.running.delete(name);
    }
    const isGiven = args.some((values) => values.some((value) => this.placed(value) === 'enter'));
    const isSourced = this.events.slice(from).some(({ kind }) => kind === 'enter' || kind === 'lost');
    if (isGiven && !isSourced)
      this.note(
        'idle',
        around.sure,
        `${seen} (${name} ${known === undefined ? 'is not defined' : 'does not source them'})`,
      );
  }

  /** Which of our hooks the path leads to; null for none. */
  private placed(path: string): 'enter' | 'exit' | null {
    return (['enter', 'exit'] as const).find((when) => leadsTo(path, this.places[when])) ?? null;
  }

  /** Files that are judged as neighbours of our hooks. */
  private isNeighbour(path: string): boolean {
    const { enter, exit, scripts, shared } = this.places;
    const folders = shared ? [] : [enter, exit].map((file) => file.replace(/\/[^/]*$/, ''));
    return (
      folders.some((folder) => path.includes(folder) || path === folder.replace(/\.d$/, '')) ||
      (scripts !== null && path.startsWith(`${scripts}/`))
    );
  }

  private seen(command: ShellCommand, { file }: Surrounding): string {
    return `${file.path}:${command.line}: ${commandText(command)}`;
  }

  private note(kind: ScriptEvent['kind'], sure: boolean, seen: string): void {
    this.events.push({ kind, sure, seen });
  }
}
