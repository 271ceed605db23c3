import type { DesiredState } from '../config/desired.ts';
import { clientName, dhcpClients } from '../dhclient/clients.ts';
import { type HookPlaces, hookPlaces, ownsHook, placeHook, removeHook } from '../dhclient/hook-places.ts';
import { renderEnterHook, renderExitHook } from '../dhclient/hooks.ts';
import { HostError } from '../host/errors.ts';
import type { Host } from '../host/host.ts';
import { applyFile } from './files.ts';
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

  constructor(host: Host, desired: DesiredState) {
    this.host = host;
    this.desired = desired;
  }

  async inspect(): Promise<Finding[]> {
    const places = hookPlaces(this.host);
    if (places === null) return [];
    const wanted = configured(this.desired);
    const enter = this.compare(places, places.enter, wanted ? renderEnterHook(this.desired) : null);
    const exit = this.compare(places, places.exit, wanted ? renderExitHook() : null);
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

  private compare(places: HookPlaces, path: string, hook: string | null): Finding | null {
    const actual = this.host.readText(path);
    if (hook === null && (actual === null || !ownsHook(places, actual))) return null;
    const wanted = hook === null ? removeHook(places, actual ?? '') : placeHook(places, actual, hook);
    const runnable = actual === null || !places.needsRunBit || ((this.host.stat(path)?.mode ?? 0) & 0o100) !== 0;
    return {
      resource: this.name,
      key: path,
      kind: 'file',
      moment: 'lease',
      state: actual === wanted ? 'ok' : 'drifted',
      wanted,
      actual,
      ...(runnable
        ? {}
        : { refusal: `dhclient-script passes it over: it lacks the run bit (chmod +x ${path})`, state: 'drifted' }),
      settings: async () => [],
    };
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
          .map(([option, values]) => state('lease', `dhclient.${prefix}supersede.${option}`, values));
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
