/** What a host may look like after a fault. */
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { type Look, Scene } from './scene.ts';

/** The host before the first apply, and after one that nothing disturbed. */
export async function reference(t: TestContext): Promise<{ before: Look; wanted: Look }> {
  const scene = await new Scene(t, 'look before; agent apply apply; look wanted').run();
  assert.equal(scene.status('apply'), 0, scene.output('apply'));
  const [before, wanted] = [scene.look('before'), scene.look('wanted')];
  assert.notDeepEqual(wanted, before);
  assert.deepEqual(wanted.temporaries, []);
  return { before, wanted };
}

/** Every file and every sysctl is as in one of these looks, whole. */
export function assertOneOf(found: Look, looks: readonly Look[], what: string): void {
  const paths = new Set([found, ...looks].flatMap(({ files }) => Object.keys(files)));
  for (const path of paths) {
    const text = found.files[path];
    assert.ok(
      looks.some(({ files }) => files[path] === text),
      `${what}: ${path} is neither: ${JSON.stringify(text)}`,
    );
  }
  const values = (look: Look) => look.sysctls.split('\n');
  for (const [index, value] of values(found).entries()) {
    assert.ok(
      looks.some((look) => values(look)[index] === value),
      `${what}: sysctl ${index} is ${value}`,
    );
  }
}
