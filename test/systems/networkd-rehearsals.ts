/** systemd-networkd of booted Debian 11 and 13: each event, rehearsed and then made to happen by the real systemd. */
import { RESOLVED_UPLINKS } from '../../agent/clients/resolved.ts';
import type { DhcpOptions } from '../parts/lab/dhcp.ts';
import { NETWORKD_EVENTS, type NetworkdStanding } from '../parts/lab/networkd-events.ts';
import { casesOf, type RehearsalCase } from '../parts/lab/rehearsal-cases.ts';
import { AGENT_YAML } from '../parts/lab/scene.ts';
import { NETWORKD_SETUP, networkdFiles } from '../parts/networkd-machine.ts';
import { Machine } from './machine.ts';

/** On Debian 11 systemd-resolved belongs to the package systemd. */
const RELEASES = {
  bullseye: { client: 'systemd-networkd 247 (Debian 11)', packages: [] },
  trixie: { client: 'systemd-networkd 257 (Debian 13)', packages: ['systemd-resolved'] },
} as const;

/** With systemd 257 the command says that it cannot rehearse a restart with a silent server. */
const { TIMEOUT: _, ...WITHOUT_TIMEOUT } = NETWORKD_EVENTS;

export const BOOTED_REHEARSALS: readonly RehearsalCase[] = Object.entries(RELEASES).flatMap(
  ([release, { client, packages }]) =>
    casesOf<DhcpOptions, NetworkdStanding & AsyncDisposable>({
      client,
      begin: (dhcp) => boot(release as keyof typeof RELEASES, packages, dhcp),
      ways: { 'held by Holdfast since a boot': async () => {} },
      events: release === 'trixie' ? WITHOUT_TIMEOUT : NETWORKD_EVENTS,
      file: RESOLVED_UPLINKS,
    }),
);

async function boot(release: keyof typeof RELEASES, packages: readonly string[], dhcp: DhcpOptions) {
  const machine = await Machine.boot({
    release,
    packages,
    files: {
      ...networkdFiles('[Network]\nDHCP=ipv4\n\n[DHCPv4]\nUseDomains=yes\n'),
      '/etc/holdfast/agent.yaml': AGENT_YAML,
    },
    setup: NETWORKD_SETUP,
    dhcp,
    async ready(booted) {
      await booted.installAgent();
      await configured(booted);
      // Until the next start systemd 247 lists the lease's servers behind ours, and apply says so.
      await booted.run(['agent', 'apply']);
      await booted.reboot();
      await configured(booted);
    },
  });
  return {
    host: machine,
    far: machine.outside,
    server: machine.server!,
    restart: async () => void (await machine.sh('systemctl restart systemd-networkd')),
    reboot: async () => {
      await machine.reboot();
      await configured(machine);
    },
    [Symbol.asyncDispose]: () => machine.close(),
  };
}

async function configured(machine: Machine): Promise<void> {
  await machine.sh(`timeout 60 sh -c 'until grep -qsx ADMIN_STATE=configured /run/systemd/netif/links/* &&
    grep -qs ^nameserver /run/systemd/resolve/resolv.conf; do sleep 0.1; done; sleep 0.3'`);
}
