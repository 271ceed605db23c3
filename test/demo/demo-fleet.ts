/** The last act of `npm start`: the daemon holds the host, and the collector's page shows it. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { HostAnswer, HostsAnswer } from '../../agent/collector/api.ts';
import { forwardPort } from '../parts/lab/forward.ts';
import type { LabHost } from '../parts/lab/host.ts';

/** Seconds to wait for what takes one. */
const PATIENCE = 30;

/** The number of a host's latest events that are printed. */
const EVENTS = 5;

export const REPORT_YAML = `report:
  endpoint: http://127.0.0.1:4318
  interval: 2s
  labels: { role: demonstration }
`;

export interface Fleet {
  /** The address of the page on this machine. */
  readonly url: string;
  /** Waits for an event of that name to reach the collector; its sentence. */
  event(name: RegExp): Promise<string>;
  /** The page as text: the hosts, each with its settings and latest events. */
  text(): Promise<string>;
  /** The way to it; daemon and collector end with their host. */
  close(): void;
}

/** Starts `agent collector` and `agent run` on the host, and gives the way to its page once it has a heartbeat. */
export async function startFleet(host: LabHost): Promise<Fleet> {
  const collector = host.spawn(['agent', 'collector', '--data', '/var/lib/holdfast/collector']);
  const daemon = host.spawn(['agent', 'run']);
  for (const { stdout, stderr } of [collector, daemon]) for (const stream of [stdout!, stderr!]) stream.resume();
  const way = await forwardPort(host, 4318);
  const url = `http://127.0.0.1:${way.port}`;
  const ask = async <T>(path: string) => (await (await fetch(`${url}/api/v1/${path}`)).json()) as T;
  const [row] = await until(async () => {
    const { hosts } = await ask<HostsAnswer>('hosts');
    return hosts.length > 0 ? hosts : null;
  });
  return {
    url,
    event: (name) =>
      until(async () => {
        const { events } = await ask<HostAnswer>(`hosts/${row!.id}`);
        return events.find((event) => name.test(event.name))?.body ?? null;
      }),
    async text() {
      // The first heartbeat may be on its way, and events come before it.
      const answers = await until(async () => {
        const { hosts } = await ask<HostsAnswer>('hosts');
        const each = await Promise.all(hosts.map(({ id }) => ask<HostAnswer>(`hosts/${id}`)));
        return each.every(({ host, settings }) => settings.length > 0 && host.routes.ipv4 !== null) ? each : null;
      });
      return answers.map(hostText).join('\n');
    },
    close() {
      way.close();
    },
  };
}

function hostText({ host, settings, events }: HostAnswer): string {
  const routes = [host.routes.ipv4, host.routes.ipv6].map((table) => table?.count ?? 'unknown').join(' and ');
  const attention = host.attention.map(({ text }) => text).join('; ') || 'nothing';
  return [
    `${host.name}: ${host.settings.ok} settings hold, ${host.settings.drifted} drifted; IPv4 and IPv6 routes: ${routes}`,
    `  needs attention: ${attention}`,
    ...settings.map(({ setting, moments }) => {
      const states = Object.entries(moments).map(([moment, state]) => `${moment} ${state}`);
      return `  ${setting}: ${states.join(', ')}`;
    }),
    ...events.slice(0, EVENTS).map(({ time, body }) => `  ${new Date(time).toISOString().slice(11, 19)}  ${body}`),
  ].join('\n');
}

async function until<T>(look: () => Promise<T | null>): Promise<T> {
  const end = Date.now() + PATIENCE * 1000;
  for (;;) {
    const found = await look().catch(() => null);
    if (found !== null) return found;
    if (Date.now() > end) throw new Error(`nothing has reached the collector in ${PATIENCE} s`);
    await sleep(100);
  }
}
