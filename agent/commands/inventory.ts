/** `agent probe inventory`: this machine's hardware and software. The daemon runs it as a separate process. */
import { inventoryLines, takeInventory } from '../host/hardware-inventory.ts';
import type { CommonOptions } from './common-options.ts';
import { openHost } from './context/context.ts';
import { EXIT, print, printJson, shown, table } from './output/output.ts';

export async function inventory(options: CommonOptions): Promise<number> {
  const found = await takeInventory(openHost(options));
  if (options.json) printJson({ inventory: found });
  else if (!options.quiet)
    print(table(Object.entries(inventoryLines(found)).map(([what, text]) => [what, shown(text)])));
  return EXIT.ok;
}
