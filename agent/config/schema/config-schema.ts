/**
 * The only definition of the configuration. The loader checks with it, and the JSON Schema for editors is made from it.
 * A check's text is the whole error message. We use zod/mini, because it has a tenth of zod's size and loads in a fifth
 * of the time.
 */
import * as z from 'zod/mini';
import { show } from '../config-error.ts';
import { LEDGER_MODES } from '../desired.ts';
import { didYouMean } from '../hints/suggest.ts';
import { checkNameserver, checkRetired } from '../notation/addresses.ts';
import { checkOptionValues, findOption, optionNames } from '../notation/dhcp-options.ts';
import { MAX_NAMESERVERS, MOST_RETIRED } from '../notation/limits.ts';
import {
  DOMAIN_PATTERN,
  INTERFACE_PATTERN,
  interfaceNameProblem,
  oneDomainProblem,
  SEARCH_PATTERN,
  searchProblem,
} from '../notation/names.ts';
import { RESOLV_OPTION_PATTERN, resolvOptionProblem } from '../notation/resolv-options.ts';
import { checkSysctlKey } from '../notation/sysctl-keys.ts';
import { flow } from '../yaml-text.ts';
import { confirm } from './confirm-section.ts';
import { expect, probes, report } from './daemon-section.ts';
import { egress } from './egress-section.ts';
import { forwarding } from './forwarding-section.ts';
import { metadata } from './metadata-section.ts';
import {
  everyEntry,
  field,
  listField,
  onOrOff,
  orZeroOne,
  problem,
  problemOf,
  section,
  textField,
  unknownKeys,
} from './parts.ts';
import { routes } from './routes-section.ts';
import { rules } from './rules-section.ts';
import { sortlist } from './sortlist-section.ts';
import { split } from './split-section.ts';
import { verify } from './verify-section.ts';

const ownDomain = textField(oneDomainProblem, { pattern: DOMAIN_PATTERN, maxLength: 253 });
const optionName = textField(optionNameProblem, { id: 'dhclient-option', enum: optionNames() });

const dns = section(
  {
    domain: field(ownDomain, 'The host’s own domain: `domain` of resolv.conf, option domain-name.', ['example.com']),
    search: field(
      listField(textField(searchProblem, { pattern: SEARCH_PATTERN, maxLength: 253 }), {
        empty: 'is empty; write a domain, or leave the key out',
      }),
      'Domains to try for a short name, in this order; "." stands for the name itself.',
      [['dev.example.com', 'example.com']],
    ),
    nameservers: field(
      listField(
        textField((value) => problemOf(checkNameserver(value)), { pattern: '^[0-9a-fA-F.:]+(%.+)?$' }),
        {
          empty: 'is empty, and the host would have no DNS; write an address, or leave the key out',
          most: MAX_NAMESERVERS,
          full: `has more than ${MAX_NAMESERVERS} servers, and libc reads only so many; take some out`,
        },
      ),
      'Addresses of at most 3 name servers, IPv4 or IPv6; a link-local address needs its interface (fe80::1%eth0).',
      [['10.34.56.78', '10.34.56.79']],
    ),
    sortlist,
    options: field(
      listField(textField(resolvOptionProblem, { pattern: RESOLV_OPTION_PATTERN })),
      'Options of resolv.conf(5).',
      [['timeout:1', 'rotate']],
    ),
    symlink: field(
      z.enum(['refuse', 'replace', 'follow']),
      'What to do if /etc/resolv.conf is a symbolic link: refuse (default), replace the link by a file, or follow the link.',
    ),
    split,
    verify,
  },
  'DNS settings, held in resolv.conf, in dhclient.conf and in the hooks of DHCP clients. A setting that is left out stays as it is.',
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

/** `ignore`: the field of the offers that can be ignored in this section. */
const scopeOf = <Ignore extends z.ZodMiniType>(ignore: Ignore) => ({
  supersede: field(supersede, 'Values that replace what the DHCP server offers, by option name (dhcp-options(5)).', [
    { 'ntp-servers': ['10.34.56.80'] },
  ]),
  request: section(
    {
      without: field(listField(optionName), 'Options that the client does not request.', [['routers']]),
      also: field(listField(optionName), 'Options that the client requests beside the usual ones.', [
        ['interface-mtu'],
      ]),
    },
    'Changes to the list of options that the client asks for.',
  ),
  ignore,
});

const interfacesOf = <Scope extends ReturnType<typeof scopeOf<z.ZodMiniType>>>(scope: Scope) =>
  field(
    z.record(
      textField(interfaceNameProblem, { pattern: INTERFACE_PATTERN }),
      z.strictObject(scope, { error: unknownKeys(scope) }),
    ),
    'Settings for one interface, which take precedence over the general settings.',
    [{ eth1: { request: { without: ['routers'] } } }],
  );

const ofAnyClient = scopeOf(
  field(
    listField(z.enum(['routers', 'classless-routes', 'router-advertisements'])),
    'Offers that the client does not carry out: routers (option 3), classless-routes (121 and 249), router-advertisements (IPv6).',
    [['routers', 'classless-routes']],
  ),
);

const dhcp = section(
  {
    ...ofAnyClient,
    interfaces: interfacesOf(ofAnyClient),
    restart: field(
      z.enum(['never', 'whenSafe']),
      'Whether dhclient or systemd-networkd is restarted for settings that a running one cannot take: never (default), or whenSafe, if the server answers and nothing is lost.',
    ),
  },
  'Settings of the DHCP client, whichever program takes the lease.',
);

const ofDhclient = scopeOf(
  field(
    listField(z.enum(['routers', 'classless-routes'])),
    'Offers of a DHCP server that dhclient-script does not carry out: routers (option 3), classless-routes (121 and 249).',
    [['routers', 'classless-routes']],
  ),
);

const dhclient = section(
  {
    ...ofDhclient,
    interfaces: interfacesOf(ofDhclient),
    restart: field(
      z.enum(['never', 'whenSafe']),
      'Whether a dhclient is restarted for settings that a running dhclient cannot take: never (default), or whenSafe, if the server answers and nothing is lost.',
    ),
  },
  'Further settings of ISC dhclient only, which win over `dhcp`.',
);

const number = z.int();
/** The checks of the text depend on its key: conflicts-sysctl.ts. */
const line = z.string();

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
    'The least value: a lower value is raised, a higher value is left alone.',
    [4194304],
  ),
  optional: field(
    onOrOff(),
    'If true, a key that this kernel does not have is no failure (its module may not be loaded).',
    [true],
  ),
};

const sysctl = field(
  z.record(
    textField((key) => problemOf(checkSysctlKey(key)), {
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
        error: ({ input }) =>
          isListOfScalars(input)
            ? `is a list; write ${flow(input.length === 1 ? input[0] : input.join(' '))}`
            : orZeroOne('write a number, a text, { value: 1, optional: true } or { atLeast: 4096 }')({ input }),
      },
    ),
  ),
  'Kernel settings by name, with dots or slashes. The first dot or slash of a name decides which is the separator (sysctl.d(5)).',
  [{ 'net.ipv4.ip_forward': 1, 'net.ipv6.route.max_size': { atLeast: 4194304 } }],
);

function isListOfScalars(value: unknown): value is readonly (string | number)[] {
  return Array.isArray(value) && value.length > 0 && value.every((one) => ['string', 'number'].includes(typeof one));
}

const hold = field(
  z.literal('nothing', { error: 'write nothing, or leave the key out' }),
  'nothing: says on purpose that no setting is held. Settings that Holdfast held keep their values.',
);

const reload = field(
  z.enum(['auto', 'manual']),
  'When `agent run` takes a changed configuration: manual (default), only at SIGHUP; or auto, as soon as the edit has settled, if it is valid. Tokens and certificates are always read again.',
);

const ledger = field(
  z.enum(LEDGER_MODES),
  'Whether the kernel counts who asks which name server: always, retiring (default: only those of `retire`), or off.',
);

const retire = field(
  listField(
    textField((value) => problemOf(checkRetired(value)), { pattern: '^[0-9a-fA-F.:]+$' }),
    {
      empty: 'is empty; write an address, or leave the key out',
      most: MOST_RETIRED,
      full: `has more than ${MOST_RETIRED} addresses; take some out`,
    },
  ),
  'Addresses of name servers that will be switched off. The host counts the programs that still ask them.',
  [['10.34.56.78']],
);

const sections = {
  dns,
  dhcp,
  dhclient,
  sysctl,
  routes,
  rules,
  metadata,
  forwarding,
  egress,
  ledger,
  retire,
  report,
  confirm,
  probes,
  expect,
  hold,
  reload,
};

/** The keys of each section with fixed keys. */
export const SECTIONS: Readonly<Record<string, readonly string[]>> = Object.fromEntries(
  Object.entries(sections).map(
    ([
      name,
      {
        _zod: { def },
      },
    ]) => {
      return [name, def.innerType instanceof z.ZodMiniObject ? Object.keys(def.innerType._zod.def.shape) : []];
    },
  ),
);

export const configSchema = z.strictObject(sections, { error: unknownKeys(sections) }).check(
  z.meta({
    title: 'Holdfast agent',
    description: 'The network settings of this host, and what it reports.',
  }),
);

export type Config = z.infer<typeof configSchema>;

/**
 * JSON Schema (draft 2020-12) of one configuration file. It knows the shapes; only the loader checks values such as
 * addresses.
 */
export function jsonSchema(): object {
  return z.toJSONSchema(configSchema, {
    target: 'draft-2020-12',
    io: 'input',
    override: ({ jsonSchema: node }) => {
      // zod's limits of an integer are JavaScript's; the loader takes a longer integer as text.
      if (node.maximum === Number.MAX_SAFE_INTEGER) delete node.maximum;
      if (node.minimum === Number.MIN_SAFE_INTEGER) delete node.minimum;
    },
  });
}

function optionNameProblem(name: string): string | undefined {
  return findOption(name)
    ? undefined
    : `${show(name)} is no option of dhcp-options(5)${didYouMean(name, optionNames())}`;
}

/** Checks an entry with a known name and a value of the right shape. The schema itself reports all other errors. */
function optionValuesProblem(name: string, entry: unknown): string | undefined {
  const option = findOption(name);
  const values = optionValues(entry);
  const message = option && values ? checkOptionValues(option, values) : undefined;
  if (message === undefined || option === undefined || values === null) return undefined;
  const words = values.join(' ').split(/[\s,;]+/);
  const isList = words.length > 1 && values.length === 1 && checkOptionValues(option, words) === undefined;
  return `${show(values.join(', '))}: ${isList ? `write a list: ${flow(words)}` : message}`;
}

/** A value or a list of values as texts; null if the entry is neither. */
export function optionValues(entry: unknown): string[] | null {
  const values = Array.isArray(entry) ? entry : [entry];
  return values.every((item) => ['string', 'number', 'boolean'].includes(typeof item)) ? values.map(String) : null;
}
