import type { ResourceName } from '../resources/resource-names.ts';

/** The options that all commands share, in the form that commander passes them. */
export interface CommonOptions {
  readonly config?: string;
  readonly root?: string;
  readonly live?: boolean;
  readonly only?: readonly ResourceName[];
  readonly json?: boolean;
  readonly quiet?: boolean;
}
