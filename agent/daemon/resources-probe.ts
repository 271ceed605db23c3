/** What is held, as a probe sees it: each setting at each moment, and how often each resource was healed. */
import { type Probe, type Reading, sample } from '../../probes/probe.ts';
import { MOMENTS, settingViews } from '../resources/moments.ts';
import type { HealRecord, Keeper } from './keeper.ts';

export function resourcesProbe(keeper: Keeper, record: HealRecord): Probe {
  return {
    name: 'resources',
    cost: 'constant',
    async read(): Promise<Reading[]> {
      await keeper.look();
      const views = await settingViews(keeper.findings());
      const states = views.flatMap(({ setting, moments }) =>
        MOMENTS.flatMap((moment) => {
          const state = moments[moment]?.state;
          return state === undefined ? [] : [sample('holdfast.setting.state', 1, { setting, moment, state })];
        }),
      );
      return [
        ...states,
        ...[...record.heals].map(([resource, heals]) => sample('holdfast.heals', heals, { resource })),
      ];
    },
  };
}
