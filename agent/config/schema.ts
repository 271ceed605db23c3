/**
 * The configuration's one definition: the loader checks with it, and the JSON Schema for editors is made from it. A
 * check's text is the whole error message. zod/mini, since it is a tenth of zod's size and loads in a fifth of its time.
 */
import * as z from 'zod/mini';
import { checkOptionValues, findOption, optionNames } from '../dhclient/options.ts';
import { checkNameserver, checkSortlistPair } from './addresses.ts';
import { type Checked, show } from './errors.ts';
import { DOMAIN_PATTERN, domainProblem, INTERFACE_PATTERN, interfaceNameProblem } from './names.ts';
import { RESOLV_OPTION_PATTERN, resolvOptionProblem } from './resolv-options.ts';
import { didYouMean } from './suggest.ts';
import { checkSysctlKey, sysctlTextProblem } from './sysctl.ts';

/** MAXNS and MAXRESOLVSORT of resolv.h. */
export const MAX_NAMESERVERS = 3;
export const MAX_SORTLIST = 10;

type Meta = { description?: string; examples?: unknown[]; pattern?: string; enum?: string[]; [key: string]: unknown };

const domainName = text(domainProblem, { pattern: DOMAIN_PATTERN, maxLength: 253 });
const optionName = text(optionNameProblem, { enum: optionNames() });

const dns = section(
  {
    domain: field(domainName, 'The host’s own domain: `domain` of resolv.conf, option domain-name.', ['example.com']),
    search: field(
      list(domainName, { least: 1, empty: 'is empty; write a domain, or leave the key out' }),
      'Domains to try for a short name, in this order.',
      [['dev.example.com', 'example.com']],
    ),
    nameservers: field(
      list(
        text((value) => problemOf(checkNameserver(value)), { pattern: '^[0-9a-fA-F.:]+(%.+)?$' }),
        { least: 1, empty: 'is empty, and the host would have no DNS; write an address, or leave the key out' },
        {
          most: MAX_NAMESERVERS,
          full: `has more than ${MAX_NAMESERVERS} servers, and libc reads only so many; take some out`,
        },
      ),
      'Addresses of at most 3 name servers, IPv4 or IPv6; a link-local one with its interface (fe80::1%eth0).',
      [['10.34.56.78', '10.34.56.79']],
    ),
    sortlist: field(
      list(
        text((value) => problemOf(checkSortlistPair(value)), { pattern: '^[0-9.]+(/[0-9.]+)?$' }),
        { least: 0, empty: '' },
        { most: MAX_SORTLIST, full: `has more than ${MAX_SORTLIST} pairs, and libc reads only so many; take some out` },
      ),
      'Networks whose addresses come first in an answer: at most 10 IPv4 networks with prefix or netmask.',
      [['10.72.52.100/32', '10.72.0.0/255.255.0.0']],
    ),
    options: field(
      list(text(resolvOptionProblem, { pattern: RESOLV_OPTION_PATTERN }), { least: 0, empty: '' }),
      'Options of resolv.conf(5).',
      [['timeout:1', 'rotate']],
    ),
    symlink: field(
      z.enum(['refuse', 'replace', 'follow']),
      'What to do where /etc/resolv.conf is a symbolic link: refuse (default), replace the link by a file, or follow it.',
    ),
  },
  'Held in dhclient.conf, in dhclient’s hooks and in resolv.conf alike. What is left out stays as it is.',
);

const scalars = [z.string(), z.int(), z.boolean()] as const;
const supersede = z
  .record(
    optionName,
    z.union([...scalars, z.array(z.union(scalars, { error: 'write a text, a whole number, true or false' }))], {
      error: 'write a value or a list of values',
    }),
  )
  .check(everyEntry(optionValuesProblem));

const scope = {
  supersede: field(supersede, 'Values that replace what the DHCP server offers, by option name (dhcp-options(5)).', [
    { 'ntp-servers': ['10.34.56.80'] },
  ]),
  request: section(
    {
      without: field(list(optionName, { least: 0, empty: '' }), 'Options not to ask the server for.', [['routers']]),
      also: field(list(optionName, { least: 0, empty: '' }), 'Options to ask the server for beside the usual ones.', [
        ['interface-mtu'],
      ]),
    },
    'Changes to the list of options that dhclient asks for.',
  ),
};

const dhclient = section(
  {
    ...scope,
    interfaces: field(
      z.record(
        text(interfaceNameProblem, { pattern: INTERFACE_PATTERN }),
        z.strictObject(scope, { error: unknownKeys(scope) }),
      ),
      'Settings for one interface, which win over the general ones.',
      [{ eth1: { request: { without: ['routers'] } } }],
    ),
  },
  'Further settings of ISC dhclient.',
);

const number = z.int();
const line = text(sysctlTextProblem, { minLength: 1 });

const sysctlRule = {
  value: field(
    z.union([number, line], { error: orZeroOne('write a number or a text, such as 1 or "4096 131072 6291456"') }),
    'The value to hold.',
    [262144],
  ),
  atLeast: field(
    z
      .int({ error: 'write a whole number that is not negative, without quotes' })
      .check(z.gte(0, 'write a number that is not negative')),
    'Raised to this where it is lower, and left alone where it is higher.',
    [4194304],
  ),
  optional: field(
    z.boolean({ error: 'write true or false' }),
    'A key that this kernel does not have is no failure (its module may not be loaded).',
    [true],
  ),
};

const sysctl = field(
  z.record(
    text((key) => problemOf(checkSysctlKey(key)), {
      pattern: '^[A-Za-z0-9_@+:][A-Za-z0-9_.@+:/-]*[./][A-Za-z0-9_.@+:/-]+$',
    }),
    z.union(
      [
        number,
        line,
        z.strictObject(sysctlRule, { error: unknownKeys(sysctlRule) }).check(
          problem((rule: object) => {
            if ('value' in rule !== 'atLeast' in rule) return undefined;
            return 'value' in rule
              ? 'has both value and atLeast; keep one of them'
              : 'write value or atLeast beside it';
          }),
          z.meta({ oneOf: [{ required: ['value'] }, { required: ['atLeast'] }] }),
        ),
      ],
      {
        error: orZeroOne('write a number, a text, { value: 1, optional: true } or { atLeast: 4096 }'),
      },
    ),
  ),
  'Kernel settings by name, with dots or slashes; the first of the two is the separator (sysctl.d(5)).',
  [{ 'net.ipv4.ip_forward': 1, 'net.ipv6.route.max_size': { atLeast: 4194304 } }],
);

const sections = { dns, dhclient, sysctl };

export const configSchema = z
  .strictObject(sections, { error: unknownKeys(sections) })
  .check(z.meta({ title: 'Holdfast agent', description: 'What this host’s network settings are to be.' }));

export type Config = z.infer<typeof configSchema>;

/** JSON Schema (draft 2020-12) of one configuration file. It knows the shapes; whether an address fits only the loader does. */
export function jsonSchema(): object {
  return z.toJSONSchema(configSchema, { target: 'draft-2020-12', io: 'input' });
}

// ---- the parts that the definition is made of

/** A map of known keys, any of which may be left out. */
function section<Shape extends z.core.$ZodLooseShape>(shape: Shape, description: string) {
  return z.optional(z.strictObject(shape, { error: unknownKeys(shape) }).check(z.meta({ description })));
}

function field<Type extends z.ZodMiniType>(type: Type, description: string, examples?: unknown[]) {
  return z.optional(type.check(z.meta(examples ? { description, examples } : { description })));
}

function text(wrong: (value: string) => string | undefined, meta: Meta) {
  return z.string().check(problem(wrong), z.meta(meta));
}

function list<Item extends z.core.SomeType>(
  item: Item,
  { least, empty }: { least: number; empty: string },
  limit?: { most: number; full: string },
) {
  const checks = [z.minLength(least, empty), everyItemOnce()];
  if (limit) checks.push(z.maxLength(limit.most, limit.full));
  return z.array(item).check(...checks);
}

/** What to say of a value of the wrong type, where a boolean is most likely meant as a number. */
function orZeroOne(otherwise: string) {
  return ({ input }: { input?: unknown }) =>
    typeof input === 'boolean' ? `${input}: write ${Number(input)}` : otherwise;
}

/** The message of zod's issue carries the keys that are known, which `explain` compares with the unknown one. */
function unknownKeys(shape: object) {
  return ({ code }: { code?: string }) => (code === 'unrecognized_keys' ? Object.keys(shape).join(' ') : undefined);
}

function problem<T>(wrong: (value: T) => string | undefined) {
  return z.check<T>((context) => {
    const message = wrong(context.value);
    if (message !== undefined) context.issues.push({ code: 'custom', input: context.value, message });
  });
}

function everyItemOnce() {
  return evenIfWrong<unknown[]>(Array.isArray, ({ value, issues }) => {
    const seen = new Set<unknown>();
    for (const [i, item] of value.entries()) {
      if (typeof item === 'string' && seen.has(item)) {
        const message = `${show(item)} stands already above; keep one of them`;
        issues.push({ code: 'custom', input: item, path: [i], message });
      }
      seen.add(item);
    }
  });
}

function everyEntry(wrong: (key: string, value: unknown) => string | undefined) {
  const isMap = (value: unknown) => value !== null && typeof value === 'object' && !Array.isArray(value);
  return evenIfWrong<Record<string, unknown>>(isMap, ({ value, issues }) => {
    for (const [key, entry] of Object.entries(value)) {
      const message = wrong(key, entry);
      if (message !== undefined) issues.push({ code: 'custom', input: entry, path: [key], message });
    }
  });
}

/** zod leaves a list or map that has something wrong in it unchecked; here all errors are to come at once. */
function evenIfWrong<T>(fits: (value: unknown) => boolean, check: z.core.CheckFn<T>) {
  return z.check<T>(check, { when: ({ value }: z.core.ParsePayload) => fits(value) } as object);
}

function problemOf(checked: Checked): string | undefined {
  return 'problem' in checked ? checked.problem : undefined;
}

function optionNameProblem(name: string): string | undefined {
  return findOption(name)
    ? undefined
    : `${show(name)} is no option of dhcp-options(5)${didYouMean(name, optionNames())}`;
}

/** Of an entry whose name is known and whose value has the right shape; the rest is said by the schema itself. */
function optionValuesProblem(name: string, entry: unknown): string | undefined {
  const option = findOption(name);
  const values = optionValues(entry);
  const message = option && values ? checkOptionValues(option, values) : undefined;
  return message && `${show(values!.join(', '))}: ${message}`;
}

/** A value or a list of values as texts; null where it is neither. */
export function optionValues(entry: unknown): string[] | null {
  const values = Array.isArray(entry) ? entry : [entry];
  return values.every((item) => ['string', 'number', 'boolean'].includes(typeof item)) ? values.map(String) : null;
}
