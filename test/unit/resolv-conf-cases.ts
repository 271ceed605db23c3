/** Generated resolv.conf files and configurations, for fast-check: what operators, other programs and accidents write. */
import fc from 'fast-check';
import type { DesiredDns } from '../../agent/config/desired.ts';

const keyword = fc.constantFrom('domain', 'search', 'nameserver', 'sortlist', 'options');
const address = fc.oneof(fc.ipV4(), fc.ipV6());
const name = fc.constantFrom('example.com', 'dev.example.com', 'a.', '_x.y-z', 'b');
const blank = fc.constantFrom(' ', '  ', '\t', ' \t', '');

/** Any byte but the line break and NUL, which no shell can hold. */
const junk = fc
  .array(fc.oneof(fc.integer({ min: 1, max: 255 }), fc.constantFrom(...Buffer.from(`\\"'\`$*?[]~%(){}!#;&|<>= \t\r-`))))
  .map((bytes) => Buffer.from(bytes.filter((byte) => byte !== 10)).toString('latin1'));

const line = fc.oneof(
  fc.tuple(blank, keyword, blank, fc.oneof(address, name, junk)).map((parts) => parts.join('')),
  fc.tuple(fc.constantFrom('#', ';', ' #', 'nameservers ', 'Domain '), junk).map((parts) => parts.join('')),
  fc.constantFrom(
    '',
    ' ',
    'ours',
    'other',
    '-n',
    '-e',
    '\\',
    '\\c',
    '%s',
    '!',
    '(',
    '=',
    '-a',
    '$(echo x)',
    '$newline',
    '*',
  ),
  junk,
);

/** A whole file (latin1), with or without its last line break. */
export const resolvConf: fc.Arbitrary<string> = fc
  .tuple(fc.array(line, { maxLength: 12 }), fc.boolean())
  .map(([all, ended]) => all.join('\n') + (ended && all.length > 0 ? '\n' : ''));

const perhaps = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: null });

/** Checked configurations, all parts or some; at least one. */
export const dnsParts: fc.Arbitrary<DesiredDns> = fc
  .record({
    domain: perhaps(name),
    search: perhaps(fc.array(name, { maxLength: 6 })),
    nameservers: perhaps(fc.array(address, { maxLength: 3 })),
    sortlist: perhaps(
      fc.array(fc.constantFrom('10.0.0.0/255.0.0.0', '10.72.52.100/255.255.255.255'), { maxLength: 3 }),
    ),
    options: perhaps(fc.array(fc.constantFrom('rotate', 'timeout:1', 'ndots:2'), { maxLength: 3 })),
    symlink: fc.constantFrom('refuse', 'replace', 'follow'),
    verify: fc.constant(null),
  })
  .filter(({ symlink: _, ...parts }) => Object.values(parts).some((part) => part !== null));
