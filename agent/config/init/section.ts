/** A section of the configuration that `agent init` writes. */
import { note } from '../yaml-text.ts';

/** A section without a setting is an example in comments: an empty key would be an error. */
export function withHeading(
  name: string,
  lines: readonly string[],
  about: string,
  example: readonly string[],
): string[] {
  const some = lines.some((line) => !/^ *#/.test(line));
  const heading = `${some ? '' : '# '}${name}:${note(about)}`;
  if (some) return [heading, ...lines];
  return [heading, ...example.map((line) => `#   ${line}`), ...lines.map((line) => `# ${line}`)];
}

export function noted(text: string): string {
  return ` ${note(text)}`;
}
