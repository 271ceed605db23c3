import { type DesiredState, isWritten } from '../../config/desired.ts';
import { dnsSettingOf } from '../../config/notation/dns-options.ts';
import { dnsSettings } from '../../hold/dns-settings.ts';
import { compareFile } from '../../hold/files/compare-file.ts';
import type { Finding, Outcome, Resource, SettingState } from '../../hold/resource.ts';
import { nullIfRefused } from '../../host/errors.ts';
import type { Host } from '../../host/host.ts';
import type { ClientSurroundings } from '../client.ts';
import { applyHook, whyUnheld, withOlderHook } from '../hook-file.ts';
import { MTU } from '../link-mtu.ts';
import { refusedLink, withoutDns } from '../refused-link.ts';
import { scriptPaths } from './dhclient-scripts.ts';
import { type HookPlaces, hookPlaces, ownsHook, placeHook, removeHook } from './hooks/hook-places.ts';
import { unlessIdle } from './idle.ts';
import { dhclientInstalled } from './installed.ts';
import { writtenIn } from './written-in.ts';

/**
 * Keeps the hooks that dhclient-script sources: the lease moment of every DHCP and DNS setting, and the boot moment of
 * those that dhclient.conf cannot hold (sortlist, options).
 */
export class Hooks implements Resource {
  readonly name = 'hooks';
  private readonly host: Host;
  private readonly configured: DesiredState;
  private readonly around: ClientSurroundings;
  /** The wanted content of the hooks, as of the last look. */
  private desired: DesiredState;

  constructor(host: Host, desired: DesiredState, around: ClientSurroundings) {
    this.host = host;
    this.configured = desired;
    this.desired = desired;
    this.around = around;
  }

  async inspect(): Promise<Finding[]> {
    const places = hookPlaces(this.host);
    if (places === null) return [];
    this.desired = this.possible(places);
    const wanted = configured(this.desired);
    const enter = await this.safe(await this.compare(places, places.enter, wanted ? 'enter' : null));
    const exit = await this.compare(places, places.exit, wanted ? 'exit' : null);
    const settings = async () => {
      // If dhclient is gone, nothing runs its hooks.
      if (!wanted || !dhclientInstalled(this.host)) return [];
      const all = await (enter?.state === 'unknown'
        ? this.settings(places, null, enter.reason)
        : this.settings(places, enter?.state === 'ok', enter?.refusal ?? unheld(enter)));
      // A refusal may mean that no script runs the hook in place.
      const older = enter?.refusal === undefined ? (enter?.actual ?? null) : null;
      return unlessIdle(this.host, this.around.holders, withOlderHook(all, older));
    };
    return [...(enter === null ? [] : [{ ...enter, settings }]), ...(exit === null ? [] : [exit])];
  }

  /** Leaves DNS out if resolv.conf is a refused link. A hook that already holds DNS keeps it. */
  private possible(places: HookPlaces): DesiredState {
    const { host, configured } = this;
    if (refusedLink(host, configured.dns) === null) return configured;
    const text = nullIfRefused(() => host.readText(places.enter)) ?? '';
    return ownsHook(places, text) && /^make_resolv_conf\(\) \{/m.test(text) ? configured : withoutDns(configured);
  }

  async apply(finding: Finding): Promise<Outcome> {
    // RHEL's dhclient-script sources only a hook with the run bit; Debian's takes any.
    return applyHook(this.host, finding, scriptPaths(this.host), { mode: 0o755 });
  }

  watches(): string[] {
    const places = hookPlaces(this.host);
    return places === null ? [] : [places.enter, places.exit];
  }

  /** The finding. It becomes a refusal if the hook would cut the host off. */
  private async safe(finding: Finding | null): Promise<Finding | null> {
    const { routes } = this.desired;
    if (finding === null) return null;
    const refusal =
      ignoresOffers(this.desired) && routes.length > 0
        ? (await import('../cut-off.ts')).cutOff(this.host, this.desired)
        : null;
    return refusal === null ? finding : { ...finding, state: 'drifted', refusal };
  }

  /** `hook` is the wanted hook; null for none. Returns null if no hook exists and none is wanted. */
  private compare(places: HookPlaces, path: string, hook: 'enter' | 'exit' | null): Promise<Finding | null> {
    return compareFile(this.host, { resource: this.name, key: path, moment: 'lease' }, async (actual) => {
      if (hook === null && (actual === null || !ownsHook(places, actual))) return null;
      const wanted = await this.wanted(places, path, actual, hook);
      const runnable = actual === null || !places.needsRunBit || ((this.host.stat(path)?.mode ?? 0) & 0o100) !== 0;
      if (runnable) return { wanted };
      const refusal = `dhclient-script skips this hook because it lacks the run bit (chmod +x ${path})`;
      return { wanted, state: 'drifted', refusal };
    });
  }

  private async wanted(
    places: HookPlaces,
    path: string,
    actual: string | null,
    hook: 'enter' | 'exit' | null,
  ): Promise<string | null> {
    if (hook === null) return removeHook(places, actual ?? '');
    const known = this.desired === this.configured ? path : `${path} without dns`;
    return this.around.known.wanted(known, actual, async () => {
      const { renderEnterHook, renderExitHook } = await import('./hooks/hook-texts.ts');
      return placeHook(places, actual, hook === 'enter' ? renderEnterHook(this.desired) : renderExitHook(this.desired));
    });
  }

  /**
   * The routes that the exit hook makes again, named as in the routes resource. `doubt`: why the kernel would refuse
   * the route at the next lease, or null.
   */
  private async routes(): Promise<{ name: string; way: string; doubt: string | null }[]> {
    const routes = this.desired.routes.filter(isWritten);
    if (routes.length === 0) return [];
    // Imported here, because an apply without changes does not need it.
    const { describeRoute, wantedRoutes } = await import('../../metadata/wanted-routes.ts');
    const ignores = ignoresOffers(this.desired);
    const lost = ignores ? (await import('../cut-off.ts')).lostAtLease(this.host, this.desired) : new Map();
    return routes.flatMap((desired) =>
      wantedRoutes([desired], null).map(({ name, route }) => ({
        name,
        way: route === null ? '' : describeRoute(route),
        doubt: lost.get(desired) ?? null,
      })),
    );
  }

  /** `held`: whether the hook is in its place; null if that is not visible. */
  private async settings(places: HookPlaces, held: boolean | null, unseen?: string): Promise<SettingState[]> {
    const { doubtsOf, mtuDoubt } = await import('./hook-doubts.ts');
    const doubts = held === true ? doubtsOf(this.host, this.desired, places) : NO_DOUBTS;
    const state = (
      moment: 'lease' | 'boot',
      setting: string,
      values: readonly string[],
      doubt: string | null = null,
    ): SettingState => {
      const reasons = [
        ...(doubt === null ? [] : [doubt]),
        ...(unseen === undefined ? [] : [unseen]),
        ...doubts.all,
        ...(setting.startsWith('dns.') ? doubts.dns : []),
        ...(setting.startsWith('routes.') ? doubts.routes : []),
      ];
      return {
        setting,
        moment,
        state: held === false ? 'drifted' : reasons.length === 0 ? 'ok' : 'unknown',
        wanted: values.join(' '),
        actual: held === true ? values.join(' ') : null,
        ...(reasons.length === 0 ? {} : { reason: reasons.join('; ') }),
      };
    };
    const { dns, dhclient, egress } = this.desired;
    const ofDns = dns === null ? [] : dnsSettings(dns);
    const name = (iface: string | null, part: string) =>
      `${writtenIn(this.desired, iface, part)}.${iface === null ? '' : `interfaces.${iface}.`}${part}`;
    const scopes = [
      [null, dhclient.global] as const,
      ...[...dhclient.interfaces].map(([name, scope]) => [name, scope] as const),
    ];
    return [
      ...ofDns.map(({ setting, values }) => state('lease', setting, values)),
      // The hook puts DHCP's default route behind all others at every event, and therefore also at boot.
      ...(egress === null ? [] : (['lease', 'boot'] as const).map((at) => state(at, 'egress.default', ['bgp']))),
      // dhclient.conf has no such options, so the hook holds them at boot as well.
      ...ofDns
        .filter(({ keyword }) => keyword === 'sortlist' || keyword === 'options')
        .map(({ setting, values }) => state('boot', setting, values)),
      ...scopes.flatMap(([iface, scope]) => {
        return [...scope.supersede]
          .filter(([option]) => dnsSettingOf(option) === null)
          .flatMap(([option, values]) => {
            const setting = name(iface, `supersede.${option}`);
            // If dhclient.conf cannot name the interface, the hook holds the setting at boot as well.
            const moments = iface === null ? (['lease'] as const) : (['lease', 'boot'] as const);
            const doubt = option === MTU ? mtuDoubt(this.host, dhclient, iface) : null;
            return moments.map((moment) => state(moment, setting, values, moment === 'lease' ? doubt : null));
          });
      }),
      // At boot the hook is in place before any lease.
      ...scopes.flatMap(([iface, { ignore }]) => {
        if (ignore.length === 0) return [];
        return (['lease', 'boot'] as const).map((moment) => state(moment, name(iface, 'ignore'), ignore));
      }),
      ...(await this.routes()).map(({ name, way, doubt }) => state('lease', `routes.${name}`, [way], doubt)),
    ];
  }
}

function ignoresOffers({ dhclient }: DesiredState): boolean {
  return [dhclient.global, ...dhclient.interfaces.values()].some(({ ignore }) => ignore.length > 0);
}

const NO_DOUBTS = { all: [], dns: [], routes: [] };

/** A restart also needs the hooks: they prevent losses during the restart, and record its result. */
function configured({ dns, dhclient, restart, routes, egress }: DesiredState): boolean {
  return (
    dns !== null ||
    egress !== null ||
    restart === 'whenSafe' ||
    routes.some(isWritten) ||
    [dhclient.global, ...dhclient.interfaces.values()].some(
      ({ supersede, ignore }) => supersede.size + ignore.length > 0,
    )
  );
}

/** Why no hook holds the settings; undefined if a hook does. */
function unheld(enter: Finding | null): string | undefined {
  if (enter?.state === 'ok') return undefined;
  return whyUnheld(enter?.actual != null);
}
