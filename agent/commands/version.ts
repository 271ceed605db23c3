import packageJson from '../../package.json' with { type: 'json' };

export const VERSION: string = packageJson.version;

declare const HOLDFAST_BUILD: string;

/** What tells one executable's code from every other's; null where the program runs from its sources. */
export const BUILD: string | null = typeof HOLDFAST_BUILD === 'undefined' ? null : HOLDFAST_BUILD;
