/** The multicast groups that this host should have joined: `expect.groups`. */
import * as z from 'zod/mini';
import { show } from '../config-error.ts';
import { groupAddress, isForTheLink, SILENCE } from '../notation/multicast-groups.ts';
import { INTERFACE_PATTERN, interfaceNameProblem } from '../notation/names.ts';
import { durationField, field, textField, unknownKeys } from './parts.ts';

const entry = {
  group: textField(groupProblem, { pattern: '^[0-9a-fA-F.:]+$' }).check(
    z.meta({ description: 'The group’s address, IPv4 or IPv6.', examples: ['224.1.2.3', 'ff15::1234'] }),
  ),
  dev: textField(interfaceNameProblem, { pattern: INTERFACE_PATTERN }).check(
    z.meta({ description: 'The interface on which the group should be joined.', examples: ['eth1'] }),
  ),
  silence: field(
    durationField('1s', '1h'),
    `The longest time without a query on the interface (default: ${SILENCE}, after which a snooping switch forgets the group).`,
    [SILENCE],
  ),
};

export const groups = field(
  z.array(z.strictObject(entry, { error: unknownKeys(entry) })),
  'Multicast groups that a program on this host should have joined. A lack of queries for them is also reported.',
  [[{ group: '224.1.2.3', dev: 'eth1' }]],
);

function groupProblem(value: string): string | undefined {
  const group = groupAddress(value);
  if (group === null) return `${show(value)} is no multicast address; write one such as 224.1.2.3 or ff15::1234`;
  return isForTheLink(group)
    ? `${show(value)} never leaves its link, and no switch leaves it out; take it out`
    : undefined;
}
