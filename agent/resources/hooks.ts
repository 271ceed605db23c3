import type { DesiredState } from '../config/desired.ts';
import { clientName, dhcpClients } from '../dhclient/clients.ts';
import { type HookPlaces, hookPlaces, ownsHook, placeHook, removeHook } from '../dhclient/hook-places.ts';
import { HostError } from '../host/errors.ts';
import type { Host } from '../host/host.ts';
import { applyFile } from './files.ts';
import type { KnownFiles } from './known.ts';
import { dnsSettings } from './resolver.ts';
import type { Finding, Outcome, Resource, SettingState } from './resource.ts';

/**
 * Keeps the hooks that dhclient-script sources: the lease moment of every DHCP and DNS setting, and the boot moment of
 * those that dhclient.conf cannot hold (sortlist, options).
 */
export class Hooks implements Resource {
  readonly name = 'hooks';
  private readonly host: Host;
  private readonly desired: DesiredState;
  private readonly known: KnownFiles;

  constructor(host: Host, desired: DesiredState, known: KnownFiles) {
    this.host = host;
    this.desired = desired;
    this.known = known;
  }

  async inspect(): Promise<Finding[]> {
    const places = hookPlaces(this.host);
    if (places === null) return [];
    const wanted = configured(this.desired);
    const enter = await this.compare(places, places.enter, wanted ? 'enter' : null);
    const exit = await this.compare(places, places.exit, wanted ? 'exit' : null);
    const settings = async () => (wanted ? this.settings(enter?.state === 'ok') : []);
    return [...(enter === null ? [] : [{ ...enter, settings }]), ...(exit === null ? [] : [exit])];
  }

  async apply(finding: Finding): Promise<Outcome> {
    if (finding.wanted !== null) {
      const checked = this.host.run('sh', ['-n'], { input: finding.wanted });
      if (checked.status !== 0) {
        throw new HostError('EHOOK', `sh -n refuses the new ${finding.key}: ${checked.error ?? checked.stderr.trim()}`);
      }
    }
    // RHEL's dhclient-script sources only a hook with the run bit; Debian's takes any.
    return applyFile(this.host, finding, { mode: 0o755 });
  }

  watches(): string[] {
    const places = hookPlaces(this.host);
    return places === null ? [] : [places.enter, places.exit];
  }

  /** `hook`: which one is to be there; null: none. Gives null where there is none, as it should be. */
  private async compare(places: HookPlaces, path: string, hook: 'enter' | 'exit' | null): Promise<Finding | null> {
    const actual = this.host.readText(path);
    if (hook === null && (actual === null || !ownsHook(places, actual))) return null;
    const wanted = await this.wanted(places, path, actual, hook);
    const common = { resource: this.name, key: path, kind: 'file', moment: 'lease', wanted, actual } as const;
    const settings = async () => [];
    const runnable = actual === null || !places.needsRunBit || ((this.host.stat(path)?.mode ?? 0) & 0o100) !== 0;
    if (!runnable) {
      const refusal = `dhclient-script passes it over: it lacks the run bit (chmod +x ${path})`;
      return { ...common, state: 'drifted', refusal, settings };
    }
    return { ...common, state: actual === wanted ? 'ok' : 'drifted', settings };
  }

  private async wanted(
    places: HookPlaces,
    path: string,
    actual: string | null,
    hook: 'enter' | 'exit' | null,
  ): Promise<string | null> {
    if (hook === null) return removeHook(places, actual ?? '');
    if (actual !== null && this.known.has(path, actual)) return actual;
    const { renderEnterHook, renderExitHook } = await import('../dhclient/hooks.ts');
    const wanted = placeHook(places, actual, hook === 'enter' ? renderEnterHook(this.desired) : renderExitHook());
    if (actual === wanted) this.known.add(path, actual);
    return wanted;
  }

  private settings(held: boolean): SettingState[] {
    const deaf = dhcpClients(this.host).filter(
      (client) => client.script !== null && !sourcesHooks(this.host, client.script),
    );
    const reason = deaf
      .map((client) => `${clientName(client)} runs ${client.script}, which sources no hooks`)
      .join('; ');
    const state = (moment: 'lease' | 'boot', setting: string, values: readonly string[]): SettingState => ({
      setting,
      moment,
      state: held ? (deaf.length === 0 ? 'ok' : 'unknown') : 'drifted',
      wanted: values.join(' '),
      actual: held ? values.join(' ') : null,
      ...(reason === '' ? {} : { reason }),
    });
    const { dns, dhclient } = this.desired;
    const ofDns = dns === null ? [] : dnsSettings(dns);
    const scopes = [
      ['', dhclient.global] as const,
      ...[...dhclient.interfaces].map(([name, scope]) => [`interfaces.${name}.`, scope] as const),
    ];
    return [
      ...ofDns.map(({ setting, values }) => state('lease', setting, values)),
      // dhclient.conf knows no such options: at boot, too, it is the hook that holds them.
      ...ofDns
        .filter(({ keyword }) => keyword === 'sortlist' || keyword === 'options')
        .map(({ setting, values }) => state('boot', setting, values)),
      ...scopes.flatMap(([prefix, scope]) => {
        return [...scope.supersede]
          .filter(([option]) => !HELD_AS_DNS.has(option))
          .flatMap(([option, values]) => {
            const setting = `dhclient.${prefix}supersede.${option}`;
            // dhclient.conf may not be able to name the interface: then it is the hook's at boot, too.
            const moments = prefix === '' ? (['lease'] as const) : (['lease', 'boot'] as const);
            return moments.map((moment) => state(moment, setting, values));
          });
      }),
    ];
  }
}

/** The options that `dns` is made of: reported under its names. */
export const HELD_AS_DNS: ReadonlySet<string> = new Set([
  'domain-name',
  'domain-search',
  'domain-name-servers',
  'dhcp6.domain-search',
  'dhcp6.name-servers',
]);

function configured({ dns, dhclient }: DesiredState): boolean {
  return dns !== null || [dhclient.global, ...dhclient.interfaces.values()].some((scope) => scope.supersede.size > 0);
}

function sourcesHooks(host: Host, script: string): boolean {
  return host.readText(script)?.includes('dhclient-enter-hooks') ?? false;
}
