/**
 * The running scripts of DHCP clients. Such a script sourced the hooks at its begin. It may therefore write resolv.conf
 * by an old hook after the hook's file was changed or removed.
 */
import { basename } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Host } from '../host/host.ts';
import { ancestors, type Process } from '../host/process/processes.ts';

/** Milliseconds: dhclient-script pings a router for seconds at TIMEOUT, and a neighbour's hook may sleep. */
const WAIT_AT_MOST = 5_000;
const LOOK_EVERY = 20;

/** proc_pid_comm(5): the kernel keeps 15 characters of a program's name. */
const COMM_LENGTH = 15;

/** The scripts under way during an operation that replaces hooks. */
export interface HookRuns {
  /** A script was under way, so resolv.conf must be looked at again. */
  readonly seen: boolean;
  /** A sentence about a script that did not end in time; null if there is none. */
  readonly problem: string | null;
}

/**
 * Waits until each of these scripts that runs has ended, 5 s at most. Call this after a hook's file was changed or removed, and
 * before resolv.conf is written. The agent's own ancestors do not count, because a hook may itself run the agent.
 */
export async function hookRunsEnded(host: Host, scripts: readonly string[]): Promise<HookRuns> {
  const runs = hookRuns(host, scripts);
  if (runs.length === 0) return { seen: false, problem: null };
  const end = performance.now() + WAIT_AT_MOST;
  while (runs.some((run) => host.isRunning(run)) && performance.now() < end) await sleep(LOOK_EVERY);
  const left = runs.find((run) => host.isRunning(run));
  if (left === undefined) return { seen: true, problem: null };
  const problem = `a DHCP client's script (process ${left.pid}) still runs with the old hooks, and may write resolv.conf by them once more`;
  return { seen: true, problem };
}

function hookRuns(host: Host, scripts: readonly string[]): Process[] {
  const names = new Set(scripts.map((path) => basename(path).slice(0, COMM_LENGTH)));
  const found = [...names].flatMap((name) => host.processes(name));
  const own = found.length === 0 ? [] : ancestors();
  return found.filter(({ pid }) => !own.includes(pid));
}
