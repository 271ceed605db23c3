/** The `rules` part of the configuration's definition. conflicts-rules.ts checks whether the settings fit together. */
import * as z from 'zod/mini';
import { checkPrefix } from '../notation/addresses.ts';
import { INTERFACE_PATTERN, interfaceNameProblem } from '../notation/names.ts';
import { checkMark, priorityProblem } from '../notation/rule-notation.ts';
import { between, field, problem, problemOf, textField, unknownKeys } from './parts.ts';
import { tableField } from './routes-section.ts';

const network = (description: string, example: string) =>
  field(
    textField((value) => problemOf(checkPrefix(value)), { pattern: '^[0-9a-fA-F.:]+(/[0-9]+)?$' }),
    description,
    [example],
  );

const device = (description: string, example: string) =>
  field(textField(interfaceNameProblem, { pattern: INTERFACE_PATTERN }), description, [example]);

const rule = {
  priority: between(1, 2 ** 32 - 1).check(
    problem(priorityProblem),
    z.meta({
      description: 'The kernel asks the rule with the lowest priority first. Each rule of a family has its own.',
      examples: [100],
    }),
  ),
  from: network('The network of the packets’ source.', '10.0.2.10/32'),
  to: network('The network of the packets’ destination.', '10.72.0.0/16'),
  fwmark: field(
    z
      .union([z.int(), z.string()], { error: 'write a number such as 0x10, or with a mask: 0x10/0xff' })
      .check(problem((value) => problemOf(checkMark(value)))),
    'The mark that a packet filter or a program gave the packet: a number, or number/mask.',
    ['0x10/0xff'],
  ),
  iif: device('The interface on which packets come in; lo means packets of this host.', 'eth1'),
  oif: device('The interface to which the sending socket is bound.', 'eth1'),
  table: tableField.check(
    z.meta({ description: 'The routing table that is asked: a number, main or default.', examples: [10002] }),
  ),
  family: field(
    z.enum(['ipv4', 'ipv6', 'both']),
    'The family of a rule without from and to (default: both, so the entry is two rules).',
    ['ipv4'],
  ),
};

export const rules = field(
  z.array(z.strictObject(rule, { error: unknownKeys(rule) })),
  'Policy rules, by which the kernel chooses a routing table. Holdfast removes only rules that it made itself.',
  [[{ from: '10.0.2.10/32', table: 10002, priority: 100 }]],
);
