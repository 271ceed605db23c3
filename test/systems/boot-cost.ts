/** What a boot takes, as systemd itself recorded it (systemd-analyze(1)), and what of it is Holdfast's. */
import type { Suite } from '../parts/lab/debian.ts';
import { OLD } from '../parts/lab/scene.ts';
import { CONFIGURATION } from './held.ts';
import { Machine } from './machine.ts';
import { bringPackages, deb } from './packages.ts';

export interface UnitCost {
  readonly unit: string;
  /** From its start until it was ready, ms. */
  readonly wallMs: number;
  /** Milliseconds of processor time until the boot was over; null if systemd did not count them. */
  readonly cpuMs: number | null;
}

export interface Boot {
  /** Milliseconds from the start of process 1 until each was reached; null if no unit wanted it. */
  readonly networkPre: number | null;
  readonly network: number | null;
  readonly multiUser: number | null;
  /** Milliseconds until nothing was left to do. */
  readonly finished: number;
  /** Holdfast's own; empty if they had nothing to do. */
  readonly units: readonly UnitCost[];
  /** Units that may not start before holdfast.service is ready. */
  readonly waiting: readonly string[];
  /** Times that `systemd-analyze` shows: of networking.service, and of the whole boot. */
  readonly chain: string;
  readonly blame: string;
}

export const STATES = ['not installed', 'installed, no configuration', 'configured'] as const;
export type BootState = (typeof STATES)[number];

/** Boots in each state, this many times. */
export async function bootCosts(release: Suite, boots: number): Promise<Record<BootState, Boot[]>> {
  const dhcp = { offers: `option domain-name-servers ${OLD.join(', ')};` };
  await using machine = await Machine.boot({ release, dhcp });
  const measured = {} as Record<BootState, Boot[]>;
  for (const state of STATES) {
    if (state === 'installed, no configuration') {
      await bringPackages(machine, deb);
      await machine.sh(deb.install);
    }
    if (state === 'configured') {
      await machine.write('/etc/holdfast/agent.yaml', CONFIGURATION);
      await machine.sh('agent apply');
    }
    measured[state] = [];
    for (let n = 0; n < boots; n++) {
      await machine.reboot();
      measured[state].push(await lastBoot(machine));
    }
  }
  return measured;
}

async function lastBoot(machine: Machine): Promise<Boot> {
  const manager = await properties(machine, '', ['UserspaceTimestampMonotonic', 'FinishTimestampMonotonic']);
  const began = Number(manager.UserspaceTimestampMonotonic);
  const reached = async (unit: string) => {
    const { ActiveEnterTimestampMonotonic: at } = await properties(machine, unit, ['ActiveEnterTimestampMonotonic']);
    return Number(at) === 0 ? null : milliseconds(Number(at) - began);
  };
  const units = await Promise.all(
    ['holdfast-apply.service', 'holdfast.service'].map((unit) => unitCost(machine, unit)),
  );
  return {
    networkPre: await reached('network-pre.target'),
    network: await reached('networking.service'),
    multiUser: await reached('multi-user.target'),
    finished: milliseconds(Number(manager.FinishTimestampMonotonic) - began),
    units: units.filter((unit) => unit !== null),
    waiting: await waitingFor(machine, 'holdfast.service'),
    chain: await machine.sh('systemd-analyze --no-pager critical-chain networking.service | tail -n +4'),
    blame: await machine.sh('systemd-analyze --no-pager blame'),
  };
}

async function unitCost(machine: Machine, unit: string): Promise<UnitCost | null> {
  const names = ['InactiveExitTimestampMonotonic', 'ActiveEnterTimestampMonotonic', 'CPUUsageNSec'] as const;
  const {
    InactiveExitTimestampMonotonic: begun,
    ActiveEnterTimestampMonotonic: ready,
    CPUUsageNSec: cpu,
  } = await properties(machine, unit, names);
  if (!Number(ready)) return null;
  const counted = /^\d{1,18}$/.test(cpu);
  return {
    unit,
    wallMs: milliseconds(Number(ready) - Number(begun)),
    cpuMs: counted ? milliseconds(Number(cpu) / 1000) : null,
  };
}

/** Ordered after it; shutdown.target is at every unit's end. */
async function waitingFor(machine: Machine, unit: string): Promise<string[]> {
  const { Before } = await properties(machine, unit, ['Before']);
  return Before.split(' ').filter((other) => other !== '' && other !== 'shutdown.target');
}

async function properties<Name extends string>(
  machine: Machine,
  unit: string,
  names: readonly Name[],
): Promise<Record<Name, string>> {
  const shown = await machine.sh(`systemctl show --property=${names.join()} ${unit}`);
  const pairs = shown
    .trim()
    .split('\n')
    .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]);
  return Object.fromEntries(pairs);
}

const milliseconds = (microseconds: number) => Math.round(microseconds / 1000);
