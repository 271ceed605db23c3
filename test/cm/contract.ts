/** A tool of configuration management, as the tests see it. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { LabSystem } from '../parts/lab/system.ts';
import { REPOSITORY } from '../parts/repository.ts';

export interface Told {
  readonly changed: boolean;
  readonly failed: boolean;
  /** All that it printed. */
  readonly text: string;
}

export interface RunOptions {
  /** This text in place of the example's configuration. */
  readonly config?: string;
  /** null: no package is given, so that it comes from the host's repositories. */
  readonly package?: null;
  /** In check mode. */
  readonly check?: boolean;
  /** Holdfast is to be absent. */
  readonly absent?: boolean;
}

export interface Tool {
  /** Why it cannot be run here. */
  readonly skip: string | false;
  /** Makes the example of the docs run on this host. */
  prepare(host: LabSystem): Promise<void>;
  /** Runs the example. */
  run(host: LabSystem, options?: RunOptions): Promise<Told>;
  /** What check mode cannot do on a host where Holdfast is not installed yet, as the tool says it. */
  readonly bareCheck: RegExp;
  /** Whether check mode shows what `agent apply` would do with a configuration that is not in place yet. */
  readonly foretells: boolean;
  /** Whether a bad configuration fails in check mode. */
  readonly validates: boolean;
}

/** The first code block of this language below a heading of docs/configuration-management.md. */
export function example(heading: string, language: string, n = 0): string {
  const docs = readFileSync(join(REPOSITORY, 'docs/configuration-management.md'), 'utf8');
  const section = docs.split(/^## /m).find((part) => part.startsWith(`${heading}\n`)) ?? '';
  const blocks = [...section.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)].filter(([, found]) => found === language);
  const text = blocks[n]?.[2];
  assert.ok(text !== undefined, `docs/configuration-management.md has ${n + 1} blocks of ${language} below ${heading}`);
  return text;
}

export const EXAMPLE_NAMESERVERS = ['10.34.56.78', '10.34.56.79'];
export const OTHER = 'dns:\n  nameservers: [10.9.9.9]\n';

/** Each step begins where the one before it ended. */
export function inOrder(t: TestContext) {
  let broken = false;
  return (what: string, run: () => Promise<void>) =>
    t.test(what, { skip: broken && 'a step before it failed' }, async () => {
      broken = true;
      await run();
      broken = false;
    });
}
