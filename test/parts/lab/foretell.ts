/** What a rehearsal foretells of a throw-away host, and whether it came so. */
import assert from 'node:assert/strict';
import type { LabSystem } from './system.ts';

export interface Foretold {
  readonly reason: string;
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
export async function foretellBoot(host: LabSystem, family: 4 | 6 = 4): Promise<Foretold> {
  const all = await foretellBy(host, 'boot', 'eth0');
  return all.find(({ reason }) => reason.endsWith('6') === (family === 6))!;
}

function rehearse(host: LabSystem, reason: string): Promise<Foretold[]> {
  return foretellBy(host, 'lease', 'eth0', '--reason', reason);
}

async function foretellBy(host: LabSystem, ...args: readonly string[]): Promise<Foretold[]> {
  const { code, stdout, stderr } = await host.run(['agent', 'rehearse', ...args, '--json']);
  const { interfaces, error } = JSON.parse(stdout);
  assert.equal(error, undefined, stdout + stderr);
  // A host may have a dhclient for each family.
  return interfaces.flatMap(({ rehearsals }: { rehearsals: object[] }) => rehearsals.map((one) => ({ ...one, code })));
}

/** The host's addresses and routes of both families as `ip` shows them now, beside resolv.conf. */
export async function cameTrueBoth(host: LabSystem, foretold: Foretold, file?: string): Promise<void> {
  const isSix = (line: string) => /^[0-9a-f]*:|via [0-9a-f]*:/.test(line);
  const of = (six: boolean): Foretold => ({
    ...foretold,
    addresses: { after: foretold.addresses.after.filter((line) => isSix(line) === six) },
    routes: { after: foretold.routes.after.filter((line) => isSix(line) === six) },
  });
  await cameTrue6(host, of(true), file);
  await cameTrue(host, of(false), file);
}

/** The host's IPv6 addresses and routes as `ip` shows them now, beside resolv.conf. */
export async function cameTrue6(
  host: LabSystem,
  { resolvConf, addresses, routes }: Foretold,
  file = '/etc/resolv.conf',
): Promise<void> {
  await host.sh('while ip -6 addr show dev eth0 tentative | grep -q .; do sleep 0.05; done');
  const shown = await host.sh('ip -6 -o addr show dev eth0 scope global');
  const real = [...shown.matchAll(/inet6 (.*?)\\/g)].map(
    ([, text]) => `${text!.replace(/ (dynamic|mngtmpaddr|deprecated)/g, '').trim()} dev eth0`,
  );
  assert.deepEqual(addresses.after, real, 'the IPv6 addresses are not as foretold');
  const table = (await host.sh('ip -6 route show table main')).split('\n').map((line) => line.trim());
  assert.deepEqual(
    routes.after.toSorted(),
    table
      .filter((line) => line !== '' && !line.startsWith('fe80:'))
      .map((line) => line.replace(/ (expires \d+sec|hoplimit \d+|mtu \d+|pref \w+)/g, ''))
      .toSorted(),
    'the IPv6 routes are not as foretold',
  );
  assert.equal(resolvConf.after, await host.read(file), `${file} is not as foretold`);
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
    'the IPv4 addresses are not as foretold',
  );
  const table = (await host.sh('ip -4 route show table main')).split('\n').map((line) => line.trim());
  assert.deepEqual(
    routes.after.toSorted(),
    table.filter((line) => line !== '').toSorted(),
    'the IPv4 routes are not as foretold',
  );
  assert.equal(resolvConf.after, await host.read(file), `${file} is not as foretold`);
}
