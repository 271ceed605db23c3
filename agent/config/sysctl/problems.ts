/** The problem of a text as the value of a kernel setting, and a right value. The kernel itself only says EINVAL. */
import { show } from '../config-error.ts';
import { sysctlTextProblem } from '../notation/sysctl-keys.ts';
import { fields, numbersOf, type SysctlKind, sysctlKind, sysctlMeaning } from './kinds.ts';
import { isSecretSysctl } from './secret-sysctls.ts';

/** Keys that hold several numbers. Each bound was measured (Linux 6.18): the kernel refuses numbers outside it. */
interface NumberList {
  readonly count: number;
  readonly example: string;
  readonly least?: number;
  readonly most?: number;
  readonly rising?: true;
}

const PORTS: NumberList = { count: 2, example: '32768 60999', least: 1, most: 65_535, rising: true };
const GROUPS: NumberList = { count: 2, example: '0 2147483647', least: 0, most: 2_147_483_647 };
const BUFFERS: NumberList = { count: 3, example: '4096 131072 6291456', least: 1, most: 2_147_483_647 };
const PAGES: NumberList = { count: 3, example: '190000 250000 380000' };

const LISTS: readonly (readonly [RegExp, NumberList])[] = [
  [/^net\/ipv4\/ip_local_port_range$/, PORTS],
  [/^net\/ipv4\/ping_group_range$/, GROUPS],
  [/^net\/ipv4\/tcp_[rw]mem$/, BUFFERS],
  [/^net\/ipv4\/(tcp|udp)_mem$|^net\/sctp\/sctp_([rw]?mem)$|^net\/tipc\/tipc_rmem$/, PAGES],
  [/^net\/ipv4\/vs\/sync_threshold$/, { count: 2, example: '3 50' }],
  [/^kernel\/printk$/, { count: 4, example: '4 4 1 7' }],
  [/^kernel\/sem$/, { count: 4, example: '32000 1024000000 500 32000' }],
];
/** All other number keys below these paths hold a single number. */
const SINGLE = /^net\/(ipv[46]|core)\//;
const NUMBERS: readonly SysctlKind[] = ['numbers', 'milliseconds', 'hundredths'];

/** Why `atLeast` does not suit this key; undefined if it does. */
export function atLeastProblem(path: string): string | undefined {
  if (!NUMBERS.includes(sysctlKind(path))) return 'is for numbers, and this key holds none; write value';
  const list = listOf(path);
  return list === null || list.count === 1
    ? undefined
    : `is for one number, and this key holds ${list.count}; write value: ${show(list.example)}`;
}

/** Names of network interfaces may have dots, so dots cannot separate the parts of such keys. */
const DOTTED = /^(net\/ipv[46]\/(?:conf|neigh))\/(.+\/.+)\/([^/]+)$/;

/** The problem of a key, whatever its value; undefined if there is none. */
export function sysctlKeyProblem(path: string): string | undefined {
  if (sysctlKind(path) === 'command')
    return 'is a command, and a command holds no value: the kernel acts on it once. Take it out, and run it with sysctl -w';
  const [, folder, name, rest] = DOTTED.exec(path) ?? [];
  if (name === undefined) return undefined;
  const dotted = name.replaceAll('/', '.');
  return `names no interface; for the interface ${dotted} write ${folder}/${dotted}/${rest}`;
}

/** The problem of a text as the value of this key; undefined if there is none. */
export function sysctlValueProblem(path: string, value: string): string | undefined {
  if (isSecretSysctl(path)) return secretProblem(path, value);
  const kind = sysctlKind(path);
  if (value.trim() === '') return MAY_BE_EMPTY.includes(kind) ? undefined : 'is empty; write a value, such as 1';
  const list = NUMBERS.includes(kind) ? listOf(path) : null;
  return sysctlTextProblem(value) ?? (list === null ? formProblem(kind, value) : numbersProblem(value, list));
}

const MAY_BE_EMPTY: readonly SysctlKind[] = ['ranges', 'mask'];

/** The message does not quote any part of the value. */
function secretProblem(path: string, value: string): string | undefined {
  const kind = sysctlKind(path) as 'key' | 'address';
  if (sysctlTextProblem(value) === undefined && sysctlMeaning(kind, value) !== null) return undefined;
  const { is, example } = FORMS[kind];
  return `the value is not ${is}; write one such as ${example}`;
}

const FORMS = {
  ranges: { is: 'a list as the kernel reads it', example: '"8080,30000-30010", without blanks', separator: ',' },
  mask: {
    is: 'a mask of CPUs as the kernel reads it',
    example: '"3" or "ff,00000000", hexadecimal without 0x',
    separator: ',',
  },
  key: { is: 'a key as the kernel reads it', example: '"00112233-44556677-8899aabb-ccddeeff"', separator: ',' },
  address: { is: 'an IPv6 address', example: '"2001:db8::1"', separator: '' },
  names: { is: 'a list of names as the kernel reads it', example: '"reno cubic", without commas', separator: ' ' },
} as const;

function formProblem(kind: SysctlKind, value: string): string | undefined {
  if (!(kind in FORMS) || isOfKind(kind, value)) return undefined;
  const { is, example, separator } = FORMS[kind as keyof typeof FORMS];
  const tidy = value
    .split(/[\s,;]+/)
    .map((part) => (kind === 'mask' ? part.replace(/^0x/i, '') : part))
    .filter((part) => part !== '')
    .join(separator);
  return `${show(value)} is not ${is}; write ${tidy !== '' && isOfKind(kind, tidy) ? show(tidy) : `one such as ${example}`}`;
}

function isOfKind(kind: SysctlKind, value: string): boolean {
  return sysctlMeaning(kind, value) !== null && (kind !== 'names' || /^[\w -]+$/.test(value));
}

/** null if the number of values of the key is unknown. */
function listOf(path: string): NumberList | null {
  const list = LISTS.find(([pattern]) => pattern.test(path))?.[1];
  return list ?? (SINGLE.test(path) ? { count: 1, example: '1' } : null);
}

/** A later kernel may accept a word for a single value. A text that begins as a number can only mean a number. */
function numbersProblem(value: string, list: NumberList): string | undefined {
  const { count, example, least, most } = list;
  const isNumber = /^["']?[-+]?\d/.test(value);
  if (!isNumber && count === 1) return undefined;
  const numbers = numbersOf(value) ?? [];
  // Before a comment, the kernel expects every number of the key.
  const isWhole = numbers.length === count || numbers.length === value.trim().split(/\s+/).length;
  if (isWhole && fits(numbers, list)) return undefined;
  const meant = isNumber ? tidied(value, count) : [];
  const guesses = [meant, meant.toSorted((a, b) => Number(a) - Number(b)), meant.slice(0, count)];
  const guess = guesses.find((all) => fits(all, list)) ?? (count === 1 ? [] : example.split(' '));
  const range = least === undefined ? '' : ` from ${least} to ${most}`;
  const holds = count === 1 ? 'one number' : `${count} numbers${range}, with blanks between them`;
  return `${show(value)}: the key holds ${holds}; write ${written(guess)}`;
}

function fits(numbers: readonly string[], { count, least = -Infinity, most = Infinity, rising }: NumberList): boolean {
  const values = numbers.map(Number);
  const isSorted = values.every((one, index) => index === 0 || one >= (values[index - 1] ?? one));
  return (
    values.length > 0 &&
    values.length <= count &&
    values.every((one) => one >= least && one <= most) &&
    (isSorted || rising !== true)
  );
}

function written(numbers: readonly string[]): string {
  if (numbers.length === 0) return 'a whole number, without a unit';
  return numbers.length === 1 ? `${numbers[0]}` : show(numbers.join(' '));
}

const UNITS: Readonly<Record<string, number>> = { k: 2 ** 10, m: 2 ** 20, g: 2 ** 30 };

/** `1024-65000`, `4096,131072`, `4K`, `16,777,216`: the numbers that are meant, without the unclear ones. */
function tidied(value: string, count: number): string[] {
  const bare = value
    .replace(/\s+[#;].*$/, '')
    .replace(/["']/g, '')
    .replace(/^\+/, '');
  const isGrouped = count === 1 && /^\d{1,3}([,._' ]\d{3})+$/.test(bare);
  const parts = isGrouped ? [bare.replace(/\D/g, '')] : bare.split(/\s*[,;:]\s*|\s+|(?<=\w)-/);
  return parts.flatMap((part) => {
    const [, digits, unit = ''] = /^(-?\d[\d_]*)(?:([kmg])i?b?)?$/i.exec(part) ?? [];
    if (digits === undefined) return numbersOf(part) ?? [];
    const number = Number(digits.replaceAll('_', '')) * (UNITS[unit.toLowerCase()] ?? 1);
    return Number.isSafeInteger(number) ? [String(number)] : [];
  });
}

/**
 * The problem of a value, judged by the value that the running kernel shows for a key below net; null if the value may
 * be written.
 */
export function misfit(path: string, shown: string, wanted: string): string | null {
  if (shown === wanted) return null;
  const held = numbersOf(shown)?.length;
  if (!path.startsWith('net/') || !NUMBERS.includes(sysctlKind(path))) return null;
  if (held === undefined || held !== shown.trim().split(/\s+/).length) return null;
  const count = numbersOf(wanted)?.length ?? 0;
  if (count > 0 && count <= held) return null;
  return `${show(wanted)} is not what the kernel holds there (${held === 1 ? 'one number' : `${held} numbers`}, now "${fields(shown)}")`;
}
