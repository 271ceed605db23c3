/** Sorts the findings by setting: whether it is right now, will survive the next lease, and will survive a reboot. */
import type { Finding, Moment, SettingState, State } from './resource.ts';

export const MOMENTS = ['now', 'lease', 'boot'] as const satisfies readonly Moment[];

export interface SettingView {
  readonly setting: string;
  readonly wanted: string;
  /** The states by moment. A moment is missing if no program on this host can forget the setting at that moment. */
  readonly moments: Partial<Record<Moment, SettingState>>;
}

/** One entry for each setting, in the order of the findings. The worst state of several artifacts counts. */
export async function settingViews(findings: readonly Finding[]): Promise<SettingView[]> {
  const views = new Map<string, SettingView & { moments: Partial<Record<Moment, SettingState>> }>();
  const states = await Promise.all(findings.map((finding) => finding.settings()));
  for (const state of states.flat()) {
    const view = views.get(state.setting) ?? { setting: state.setting, wanted: state.wanted, moments: {} };
    const known = view.moments[state.moment];
    if (known === undefined || BADNESS[state.state] > BADNESS[known.state]) view.moments[state.moment] = state;
    views.set(state.setting, view);
  }
  return [...views.values()];
}

const BADNESS: Record<State, number> = { ok: 0, skipped: 1, unknown: 2, drifted: 3 };
