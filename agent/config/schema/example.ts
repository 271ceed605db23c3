/** What may stand in a place of the configuration, as the schema's own examples show it. */
import { jsonSchema } from './schema.ts';

/** The example of the schema's own description of this path; undefined: it has none. */
export function exampleAt(path: readonly (string | number)[]): unknown {
  const node = path.reduce<JsonNode | undefined>((at, step) => {
    // An item without an example of its own is as the first one of the list's.
    if (typeof step === 'number') return at?.items && { ...at.items, examples: at.items.examples ?? itemExamples(at) };
    return (
      at?.properties?.[step] ?? (typeof at?.additionalProperties === 'object' ? at.additionalProperties : undefined)
    );
  }, described());
  return node?.examples?.[0];
}

function itemExamples({ examples }: JsonNode): readonly unknown[] {
  return examples?.flat() ?? [];
}

let description: JsonNode | undefined;

/** Made once: a configuration may have many errors. */
function described(): JsonNode {
  description ??= jsonSchema() as JsonNode;
  return description;
}

interface JsonNode {
  readonly items?: JsonNode;
  readonly properties?: Readonly<Record<string, JsonNode>>;
  readonly additionalProperties?: JsonNode | boolean;
  readonly examples?: readonly unknown[];
}
