/** What libc or systemd-resolved would ask from before the network is up, on a machine without anybody who calls `agent apply`. */
import { join } from 'node:path';
import { REPOSITORY } from '../parts/repository.ts';
import { until } from './clients.ts';
import type { Machine } from './machine.ts';

const APPLY = 'holdfast-apply.service';
const POLLED = '/polled';
/** From before the network on: the servers that libc or systemd-resolved would ask, one line for each change. */
const POLL = `[Unit]
DefaultDependencies=no
After=local-fs.target
[Service]
ExecStart=/bin/sh -c 'while :; do \\
  now=$$(grep -hs ^nameserver /etc/resolv.conf /run/systemd/resolve/resolv.conf | grep -v 127.0.0.53 | tr "\\\\n" " "); \\
  [ "$$now" = "$$last" ] || echo "$$now"; last=$$now; sleep 0.01; done >${POLLED}'
[Install]
WantedBy=sysinit.target
`;

/** From the next boot on, the poll runs, and `holdfast-apply.service`; with `daemon` also the daemon. */
export async function prepareFirstSecond(machine: Machine, { daemon = false } = {}): Promise<void> {
  await machine.write('/etc/systemd/system/poll.service', POLL);
  for (const unit of [APPLY, 'holdfast.service']) {
    await machine.copy(join(REPOSITORY, 'units', unit), `/etc/systemd/system/${unit}`, 0o644);
  }
  await machine.sh(`systemctl daemon-reload; systemctl enable poll ${APPLY} ${daemon ? 'holdfast.service' : ''}`);
}

/** Each set of servers that was asked since the boot, once, when the first of `awaited` has been among them. */
export async function askedSinceBoot(machine: Machine, awaited: string): Promise<string[]> {
  await until(machine, POLLED, awaited);
  const lines = (await machine.read(POLLED)).split('\n').map((line) => line.trim());
  return [...new Set(lines)].filter((line) => line !== '');
}

/** The journal of the apply that came before the network. */
export function firstApply(machine: Machine): Promise<string> {
  return machine.journal(APPLY);
}
