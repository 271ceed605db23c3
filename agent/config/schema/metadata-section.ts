/** `metadata`: how to ask the cloud's metadata service for the values that `routes` takes from it. */
import * as z from 'zod/mini';
import { show } from '../config-error.ts';
import { METADATA_ADDRESS, METADATA_PROVIDERS, metadataEndpoint } from '../desired-metadata.ts';
import { durationField, field, section, textField } from './parts.ts';

export const metadata = section(
  {
    provider: field(
      z.enum(['auto', ...METADATA_PROVIDERS]),
      'Whose it is: ec2, gcp, azure, or what the machine’s firmware says (auto, the default).',
    ),
    address: field(
      textField(endpointProblem, { pattern: '^(\\[[0-9a-fA-F:.]+\\]|[0-9.]+)(:[0-9]{1,5})?$' }),
      `Where it is, as an address, with a port where that is not 80 (default: ${METADATA_ADDRESS}).`,
      [METADATA_ADDRESS, '[fd00:ec2::254]'],
    ),
    interval: field(durationField('1s', '24h'), 'Time between the daemon’s fetches (default: 5m).', ['5m']),
  },
  'The cloud’s metadata service; it is asked only where a route names it.',
);

function endpointProblem(value: string): string | undefined {
  if (metadataEndpoint(value) !== null) return undefined;
  return `${show(value)} is no address; write one such as ${METADATA_ADDRESS}, 127.0.0.1:1338 or [fd00:ec2::254]`;
}
