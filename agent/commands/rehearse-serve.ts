/** `agent rehearse serve`: the DHCP server of a rehearsal (agent/rehearse/server/). It ends with its standard input. */
import { serve } from '../rehearse/server/serve.ts';
import { EXIT, print } from './output/output.ts';

export async function serveRehearsal(): Promise<number> {
  await serve(process.stdin, print);
  return EXIT.ok;
}
