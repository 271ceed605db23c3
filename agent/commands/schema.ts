/** `agent schema`: the JSON Schema of the configuration, so that editors complete and check it. */
import { jsonSchema } from '../config/schema/config-schema.ts';

export function runSchema(): string {
  return `${JSON.stringify(jsonSchema(), null, 2)}\n`;
}
