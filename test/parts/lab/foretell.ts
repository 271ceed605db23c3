/** What a rehearsal foretells of a throw-away host, and whether it came so. */
import assert from 'node:assert/strict';
import type { LabSystem } from './system.ts';

export interface Foretold {
  readonly code: number | null;
  readonly routerAnswers: boolean | null;
  readonly resolvConf: { readonly before: string | null; readonly after: string | null };
  readonly addresses: { readonly after: readonly string[] };
  readonly routes: { readonly before?: readonly string[]; readonly after: readonly string[] };
  readonly problems: readonly string[];
  readonly notes: readonly string[];
  readonly output: string;
}

/** What the event would make of eth0; of a TIMEOUT, with a router that answers. */
export async function foretell(host: LabSystem, reason: string): Promise<Foretold> {
  const [first] = await rehearse(host, reason);
  return first!;
}

/** The second: with a router that does not answer. */
export async function foretellTimeout(host: LabSystem): Promise<[Foretold, Foretold]> {
  const [first, second] = await rehearse(host, 'TIMEOUT');
  return [first!, second!];
}

/** What the machine's start would make of eth0. */
export async function foretellBoot(host: LabSystem): Promise<Foretold> {
  const [first] = await foretellBy(host, 'boot', 'eth0');
  return first!;
}

function rehearse(host: LabSystem, reason: string): Promise<Foretold[]> {
  return foretellBy(host, 'lease', 'eth0', '--reason', reason);
}

async function foretellBy(host: LabSystem, ...args: readonly string[]): Promise<Foretold[]> {
  const { code, stdout, stderr } = await host.run(['agent', 'rehearse', ...args, '--json']);
  const { interfaces, error } = JSON.parse(stdout);
  assert.equal(error, undefined, stdout + stderr);
  return interfaces[0].rehearsals.map((one: object) => ({ ...one, code }));
}

/** The host as `ip` shows it now. `file`: what was looked at in place of resolv.conf. */
export async function cameTrue(
  host: LabSystem,
  { resolvConf, addresses, routes }: Foretold,
  file = '/etc/resolv.conf',
): Promise<void> {
  const shown = await host.sh('ip -4 -o addr show dev eth0');
  const real = [...shown.matchAll(/inet (.*?)\\/g)].map(
    ([, text]) => `${text!.replace(/ dynamic| secondary/g, '').trim()} dev eth0`,
  );
  assert.deepEqual(
    addresses.after.filter((line) => line.endsWith('dev eth0')),
    real,
  );
  const table = (await host.sh('ip -4 route show table main')).split('\n').map((line) => line.trim());
  assert.deepEqual(routes.after.toSorted(), table.filter((line) => line !== '').toSorted());
  assert.equal(resolvConf.after, await host.read(file));
}
