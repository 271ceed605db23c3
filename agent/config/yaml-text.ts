/** YAML as a person would write it: values on one line, comments that cannot end early. */
import { asciiJson, escapeNonAscii } from './ascii.ts';
import { visible } from './config-error.ts';

/** A plain value in flow style. Text has no quotes if YAML cannot read it as another type. */
export function flow(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(flow).join(', ')}]`;
  if (value !== null && typeof value === 'object')
    return `{ ${Object.entries(value)
      .map(([key, one]) => `${flow(key)}: ${flow(one)}`)
      .join(', ')} }`;
  if (typeof value !== 'string') return String(value);
  const bare = /^([A-Za-z]([A-Za-z0-9_./%:-]*[A-Za-z0-9_])?|[0-9]+(\.[0-9]+){3}(\/[0-9.]+)?)$/.test(value);
  return bare && !/^(true|false|null)$/i.test(value) ? value : asciiJson(value);
}

/** ` # text`, on one line and in ASCII, for any text. */
export function note(text: string): string {
  return ` # ${escapeNonAscii(visible(text))}`;
}
