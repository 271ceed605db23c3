import type { ResourceName } from '../resources/names.ts';

/** The options that all commands share, as commander gives them. */
export interface CommonOptions {
  readonly config?: string;
  readonly root?: string;
  readonly live?: boolean;
  readonly only?: readonly ResourceName[];
  readonly json?: boolean;
  readonly quiet?: boolean;
}
