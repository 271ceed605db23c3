import { Option } from 'commander';
import { RESOURCE_NAMES } from '../resources/resource-names.ts';
import { knownNames } from './parsed-values.ts';

/** Its help names the resources, so this loads the code of every DHCP client. */
export function onlyOption(): Option {
  const about = `only these resources: ${RESOURCE_NAMES.join(', ')}`;
  return new Option('--only <name...>', about).argParser(knownNames(RESOURCE_NAMES));
}
