import type { Finding, Resource } from '../resource.ts';
import type { ChangeJournal } from './change-journal.ts';

/** The same resource, with a journal entry before each change. */
export function notedResource(resource: Resource, journal: ChangeJournal): Resource {
  const { applyMany } = resource;
  return {
    name: resource.name,
    inspect: () => resource.inspect(),
    remember: async (finding) => {
      if (resource.remember === undefined) return;
      await journal.noteFindings(resource, [finding]);
      await resource.remember(finding);
    },
    apply: async (finding) => {
      await journal.noteFindings(resource, [finding]);
      return resource.apply(finding);
    },
    ...(applyMany === undefined
      ? {}
      : {
          applyMany: async (findings: readonly Finding[]) => {
            await journal.noteFindings(resource, findings);
            return applyMany.call(resource, findings);
          },
        }),
    watches: () => resource.watches(),
  };
}
