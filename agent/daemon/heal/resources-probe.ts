/** The probe of the held settings: each at each moment, and how often each resource was healed. */
import { type Probe, type Reading, sample } from '../../../probes/probe.ts';
import type { Finding } from '../../hold/resource.ts';
import { MOMENTS, type SettingView, settingViews } from '../../hold/settings-view.ts';
import type { HealRecord } from './heal-record.ts';
import type { Keeper } from './keeper.ts';

/**
 * Milliseconds for which computed states stay valid while no artifact changes. Computing them parses every artifact.
 */
const STAND_FOR = 120_000;

/** `complete`: adds the views of settings that no resource answers for, as `status` shows them. */
export function resourcesProbe(
  keeper: Keeper,
  record: HealRecord,
  complete: (views: readonly SettingView[]) => readonly SettingView[],
): Probe {
  let known: { states: Reading[]; of: string; at: number } | null = null;
  return {
    name: 'resources',
    cost: 'constant',
    async read(): Promise<Reading[]> {
      await keeper.look();
      const findings = keeper.findings();
      const of = fingerprint(findings);
      const now = performance.now();
      if (known === null || known.of !== of || now - known.at > STAND_FOR) {
        known = { states: statesOf(complete(await settingViews(findings))), of, at: now };
      }
      return [
        ...known.states,
        ...[...record.heals].map(([resource, heals]) => sample('holdfast.heals', heals, { resource })),
      ];
    },
  };
}

function statesOf(views: readonly SettingView[]): Reading[] {
  return views.flatMap(({ setting, moments }) =>
    MOMENTS.flatMap((moment) => {
      const state = moments[moment]?.state;
      return state === undefined ? [] : [sample('holdfast.setting.state', 1, { setting, moment, state })];
    }),
  );
}

function fingerprint(findings: readonly Finding[]): string {
  return JSON.stringify(
    findings.map(({ resource, key, moment, state, actual }) => [resource, key, moment, state, actual]),
  );
}
