/** Possible values for a place of the configuration, from the schema's own examples. */
import { jsonSchema } from './config-schema.ts';

/** The example in the schema's description of this path; undefined if there is none. */
export function exampleAt(path: readonly (string | number)[]): unknown {
  const node = path.reduce<JsonNode | undefined>((at, step) => {
    // An item without an example of its own uses the first item of the list's example.
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

/** Made once, because a configuration may have many errors. */
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
