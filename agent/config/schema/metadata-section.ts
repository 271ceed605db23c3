/** `metadata`: how to ask the cloud's metadata service for the values that `routes` takes from it. */
import * as z from 'zod/mini';
import { show } from '../config-error.ts';
import { METADATA_ADDRESS, METADATA_PROVIDERS, metadataEndpoint } from '../desired-metadata.ts';
import { durationField, field, section, textField } from './parts.ts';

export const metadata = section(
  {
    provider: field(
      z.enum(['auto', ...METADATA_PROVIDERS]),
      'The cloud: ec2, gcp, azure, or auto (default), which reads it from the machine’s firmware.',
    ),
    address: field(
      textField(endpointProblem, { pattern: '^(\\[[0-9a-fA-F:.]+\\]|[0-9.]+)(:[0-9]{1,5})?$' }),
      `The address of the service, with its port unless that is 80 (default: ${METADATA_ADDRESS}).`,
      [METADATA_ADDRESS, '[fd00:ec2::254]'],
    ),
    interval: field(durationField('1s', '24h'), 'Time between the daemon’s fetches (default: 5m).', ['5m']),
  },
  'The cloud’s metadata service. It is asked only if a route needs it.',
);

function endpointProblem(value: string): string | undefined {
  if (metadataEndpoint(value) !== null) return undefined;
  return `${show(value)} is no address; write one such as ${METADATA_ADDRESS}, 127.0.0.1:1338 or [fd00:ec2::254]`;
}
