import { applyFindings } from './converge.ts';
import type { Resource } from './resource.ts';

/**
 * Resources of a desired state that may change while they are kept. They are made anew when `state` returns another
 * object. `make` must return the same names in the same order each time.
 */
export function following<State>(state: () => State, make: (state: State) => Resource[]): Resource[] {
  const first = state();
  let made = { of: first, resources: make(first) };
  const current = (index: number): Resource => {
    const now = state();
    if (now !== made.of) made = { of: now, resources: make(now) };
    return made.resources[index] as Resource;
  };
  return made.resources.map(({ name }, index) => ({
    name,
    inspect: async () => current(index).inspect(),
    apply: async (finding) => current(index).apply(finding),
    applyMany: async (findings) => applyFindings(current(index), findings),
    snapshot: async (findings) => (await current(index).snapshot?.(findings)) ?? null,
    watches: () => current(index).watches(),
    follow: (changed, deaf) => current(index).follow?.(changed, deaf) ?? (() => {}),
  }));
}
