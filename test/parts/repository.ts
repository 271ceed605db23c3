/** The folder of this repository, as an absolute path. */
import { join } from 'node:path';

export const REPOSITORY = join(import.meta.dirname, '../..');
