/** The last act of `npm start`: the daemon holds the host, and the collector's page shows it. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { HostAnswer, HostsAnswer } from '../../agent/collector/api.ts';
import { forwardPort } from './forward.ts';
import type { LabHost } from './host.ts';

/** Seconds to wait for what takes one. */
const PATIENCE = 30;

export const REPORT_YAML = `report:
  endpoint: http://127.0.0.1:4318
  interval: 2s
  labels: { role: demonstration }
`;

export interface Fleet {
  /** Of the page, on this machine. */
  readonly url: string;
  /** Waits for an event of that name to reach the collector; its sentence. */
  event(name: RegExp): Promise<string>;
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
  const [row] = await until(async () => {
    const { hosts } = (await (await fetch(`${url}/api/v1/hosts`)).json()) as HostsAnswer;
    return hosts.length > 0 ? hosts : null;
  });
  return {
    url,
    event: (name) =>
      until(async () => {
        const { events } = (await (await fetch(`${url}/api/v1/hosts/${row!.id}`)).json()) as HostAnswer;
        return events.find((event) => name.test(event.name))?.body ?? null;
      }),
    close() {
      way.close();
    },
  };
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
