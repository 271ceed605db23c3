/** Random dhclient.conf texts that dhclient accepts, laid out in many ways, and random wishes. */
import fc from 'fast-check';
import type { DesiredDhcp, DhcpScope } from '../../agent/config/desired.ts';
import { accepted } from './accepted.ts';

const address = fc.tuple(fc.nat(223), fc.nat(255), fc.nat(255), fc.nat(255)).map((bytes) => bytes.join('.'));
const domain = fc.stringMatching(/^[a-z][a-z0-9]{0,7}\.(example|test)$/);
const VALUES: Readonly<Record<string, fc.Arbitrary<string[]>>> = {
  'domain-name-servers': fc.array(address, { minLength: 1, maxLength: 3 }),
  'domain-search': fc.array(domain, { minLength: 1, maxLength: 3 }),
  'domain-name': fc.array(domain, { minLength: 1, maxLength: 1 }),
  'ntp-servers': fc.array(address, { minLength: 1, maxLength: 2 }),
  'interface-mtu': fc.integer({ min: 576, max: 9000 }).map((mtu) => [String(mtu)]),
  'dhcp6.name-servers': fc.constant(['2001:db8::53']),
};
const REQUESTED = [
  'subnet-mask',
  'routers',
  'domain-name',
  'domain-search',
  'interface-mtu',
  'ntp-servers',
  'host-name',
];

const blank = fc.constantFrom(' ', ' ', ' ', '  ', '\t', '\n  ', ' # "note; {\n  ');
const listOf = (items: readonly string[], comma: string) => items.join(comma);
const anyCase = (word: string) => fc.constantFrom(word, word, word.toUpperCase());

const optionStatement = fc
  .tuple(
    fc.constantFrom(...Object.keys(VALUES)),
    fc.constantFrom('supersede', 'supersede', 'prepend', 'append', 'default'),
  )
  .chain(([name, kind]) =>
    fc
      .tuple(anyCase(kind), VALUES[name]!, fc.constantFrom(', ', ',', ' ,\n\t', ', # more\n '), blank, blank)
      .map(([word, values, comma, before, after]) => {
        const quoted = name.startsWith('domain-') && name !== 'domain-name-servers';
        const texts = values.map((value) => (quoted ? `"${value}"` : value));
        return `${word}${before}${name} ${listOf(texts, comma)}${after.trimStart()};`;
      }),
  );
const listStatement = fc
  .tuple(
    fc.constantFrom('request', 'also request', 'request'),
    fc.array(fc.constantFrom(...REQUESTED), { minLength: 1, maxLength: 6 }),
    fc.constantFrom(', ', ',', ',\n\t', ' , # and\n  '),
  )
  .map(([word, names, comma]) => `${word} ${listOf(names, comma)};`);
const otherStatement = fc.constantFrom(
  'timeout 20;',
  'send host-name = gethostname();',
  'send vendor-class-identifier "a;b#{}";',
  '# a comment; "unclosed {',
  'option rfc3442-classless-static-routes code 121 = array of unsigned integer 8;',
  '',
);
const conditional = fc
  .tuple(fc.constantFrom('exists domain-name', 'not exists time-servers', '1 = 2'), optionStatement, optionStatement)
  .map(([test, first, second]) => `if ${test} { ${first} } else {\n  ${second}\n}`);
const inner = fc.oneof(
  { weight: 4, arbitrary: optionStatement },
  { weight: 2, arbitrary: listStatement },
  { weight: 1, arbitrary: conditional },
);
const block = fc
  .tuple(fc.constantFrom('eth0', 'eth1', 'eth9'), fc.array(inner, { maxLength: 4 }))
  .map(([name, statements]) => `interface "${name}" {\n${statements.join('\n')}\n}`);

/** A file's text. */
export const confText = fc
  .tuple(
    fc.array(
      fc.oneof(
        { weight: 4, arbitrary: inner },
        { weight: 2, arbitrary: otherStatement },
        { weight: 2, arbitrary: block },
      ),
      {
        maxLength: 8,
      },
    ),
    fc.constantFrom('\n', '\n', '\r\n', '\n\n'),
    fc.boolean(),
  )
  .map(([statements, eol, hasEnd]) => statements.join('\n').replaceAll('\n', eol) + (hasEnd ? eol : ''));

const damage = fc.tuple(
  fc.nat(5000),
  fc.constantFrom('delete', 'insert', 'replace'),
  fc.constantFrom(...';,"{}#= \nax1.:-()'),
);

/** Such a text with one to three of its characters changed. */
export const damagedText = fc.tuple(confText, fc.array(damage, { minLength: 1, maxLength: 3 })).map(([text, damages]) =>
  damages.reduce((before, [place, how, char]) => {
    const at = place % (before.length + 1);
    return before.slice(0, at) + (how === 'delete' ? '' : char) + before.slice(how === 'insert' ? at : at + 1);
  }, text),
);

const supersede = fc
  .subarray(Object.keys(VALUES))
  .chain((names) => fc.tuple(...names.map((name) => VALUES[name]!.map((values) => [name, values] as const))))
  .map((entries): ReadonlyMap<string, readonly string[]> => new Map(entries));
const request = fc.option(
  fc.shuffledSubarray([...REQUESTED, 'rfc3442-classless-static-routes']).chain((names) =>
    fc.nat(names.length).map((at) => ({
      without: names.slice(0, Math.min(at, 2)).filter((name) => name !== 'subnet-mask'),
      also: names.slice(at, at + 2),
    })),
  ),
);
const scope: fc.Arbitrary<DhcpScope> = fc.record({ supersede, request, ignore: fc.constant([]) });

export const wishes: fc.Arbitrary<DesiredDhcp> = fc
  .tuple(scope, fc.option(scope), fc.option(scope))
  .map(([global, eth0, eth1]) => {
    const own = Object.entries({ eth0, eth1 }).filter((one): one is [string, DhcpScope] => one[1] !== null);
    return accepted({ global, interfaces: new Map(own) });
  });
