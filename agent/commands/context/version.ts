import packageJson from '../../../package.json' with { type: 'json' };

export const VERSION: string = packageJson.version;

declare const HOLDFAST_BUILD: string;

/** Identifies the code of this executable; null if the program runs from its sources. */
export const BUILD: string | null = typeof HOLDFAST_BUILD === 'undefined' ? null : HOLDFAST_BUILD;
