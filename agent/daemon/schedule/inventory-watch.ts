/** Takes the machine's inventory at the start and once a day, in a separate process. Emits an event when it changed. */
import { nullIfRefused } from '../../host/errors.ts';
import {
  INVENTORY,
  type Inventory,
  inventoryLines,
  type ToldInventory,
  toldInventory,
} from '../../host/hardware-inventory.ts';
import type { Host } from '../../host/host.ts';
import { STATE_FOLDER } from '../../host/paths.ts';
import { EVENTS, occurrence, type Tell } from '../daemon-events.ts';

/** Milliseconds. */
const DAY = 86_400_000;
const TIME_LIMIT = 60_000;
/** Milliseconds after which an unchanged inventory is emitted again. A collector forgets events after 14 days. */
const AGAIN = 7 * DAY;

export class InventoryWatch {
  readonly #host: Host;
  readonly #command: readonly string[];
  readonly #tell: Tell;
  readonly #ended = new AbortController();
  #timer: NodeJS.Timeout | undefined;

  /** `command`: a program with its arguments that prints `{ "inventory": … }`. */
  constructor(host: Host, command: readonly string[], tell: Tell) {
    this.#host = host;
    this.#command = command;
    this.#tell = tell;
  }

  start(): void {
    this.#timer = setTimeout(() => this.start(), DAY);
    this.#timer.unref();
    void this.look();
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#ended.abort();
  }

  /** Never throws. After a failure it tries again the next day. */
  async look(): Promise<void> {
    const [program = '', ...args] = this.#command;
    const options = { timeLimit: TIME_LIMIT, signal: this.#ended.signal };
    const { status, stdout } = await this.#host.runBeside(program, args, options);
    const found = status === 0 ? readIn(stdout) : null;
    if (found === null || this.#ended.signal.aborted) return;
    const { lines } = found;
    const before = toldInventory(this.#host);
    const changes = before === null ? [] : differences(before.lines, lines);
    if (before !== null && changes.length === 0 && Date.now() - before.time < AGAIN) return;
    const attributes = Object.fromEntries(Object.entries(lines).map(([key, text]) => [`inventory.${key}`, text]));
    if (changes.length > 0) {
      this.#tell(
        occurrence(EVENTS.inventoryChanged, 'warn', `the machine has changed: ${changes.join('; ')}`, attributes),
      );
    } else this.#tell(occurrence(EVENTS.inventory, 'info', 'the inventory of the machine', attributes));
    nullIfRefused(() => {
      this.#host.makeFolder(STATE_FOLDER, 0o755);
      const text = Buffer.from(JSON.stringify({ time: Date.now(), ...found })).toString('latin1');
      this.#host.replaceOwn(INVENTORY, text, 0o600);
    });
  }
}

/** Leaves out interfaces of virtual machines and containers, and the speed of links. */
function readIn(json: string): Omit<ToldInventory, 'time'> | null {
  try {
    const { inventory } = JSON.parse(json) as { inventory: Inventory };
    const network = inventory.network.filter(({ driver }) => driver !== null && driver !== 'veth');
    return { lines: inventoryLines({ ...inventory, network }), memory: inventory.memory };
  } catch {
    return null;
  }
}

/** One text for each line that was added, removed or changed. Values that a link negotiates are left out. */
function differences(before: Readonly<Record<string, string>>, now: Readonly<Record<string, string>>): string[] {
  const lasting = (text: string | undefined) => text?.replace(/, \d+ Mb\/s|, MTU \d+/g, '');
  return [...new Set([...Object.keys(before), ...Object.keys(now)])].sort().flatMap((key) => {
    if (lasting(before[key]) === lasting(now[key])) return [];
    return [`${key}: ${before[key] ?? '(none)'} → ${now[key] ?? '(none)'}`];
  });
}
