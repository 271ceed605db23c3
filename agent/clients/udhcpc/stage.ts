/** How udhcpc of busybox is rehearsed: with its own command line, script and udhcpc.conf, and the offer that our lines recorded. */
import { HostError } from '../../host/errors.ts';
import type { Host } from '../../host/host.ts';
import { holderName, type LeaseHolder } from '../client.ts';
import type { LeaseReason } from '../lease-reasons.ts';
import { QUIET_TIMES, type StagedEvent, type StagePlan } from '../stage-plan.ts';
import { commandOptions, type Given } from './given-options.ts';
import { recordedByConf } from './recorded.ts';
import { eventScriptOf, UDHCPC_CONF, udhcpcProcess } from './running.ts';

/** Seconds. udhcpc asks at half of the lease's time, whatever the server says: below two minutes it asks everybody. */
const SHORT = { lease: 16, renew: 8, rebind: 14 };

const AT_START = { atStart: true, signal: null, times: QUIET_TIMES } as const;
const RUNNING = { atStart: false, signal: null, times: SHORT } as const;

/** Seconds, beside those of the failed attempts. */
const LOST_WITHIN = 30;
/** Seconds: a udhcpc that goes on longer before it says that it failed is not waited for. */
const LONGEST_FAILING = 40;
/** udhcpc's own: attempts, and seconds after each. */
const [TRIES, PAUSE] = [3, 3];

function eventsOf(given: readonly Given[]): Partial<Record<LeaseReason, StagedEvent>> {
  const number = (letter: string, otherwise: number) =>
    Number(given.findLast((one) => one.letter === letter)?.value ?? otherwise);
  const failing = number('t', TRIES) * number('T', PAUSE);
  const fails = failing > 0 && failing <= LONGEST_FAILING;
  // The event ends with the script's last run: `deconfig` comes with the loss, and `leasefail` after some attempts.
  const lost = { ends: [fails ? 'leasefail' : 'deconfig'], within: LOST_WITHIN + (fails ? failing : 0) };
  return {
    // The signal is an operator's way to have what otherwise comes after half of the lease's time.
    RENEW: { ...RUNNING, times: QUIET_TIMES, answering: 'all', signal: 'SIGUSR1', ends: ['renew'], within: 20 },
    REBIND: { ...RUNNING, answering: 'broadcast', ends: ['renew'], within: 20 },
    NAK: { ...RUNNING, answering: 'nak', ...lost },
    EXPIRE: { ...RUNNING, answering: 'none', ...lost },
    REBOOT: { ...AT_START, answering: 'all', ends: ['bound'], within: 30 },
    BOUND: { ...AT_START, answering: 'all', ends: ['bound'], within: 30 },
    TIMEOUT: { ...AT_START, answering: 'none', ...lost },
  };
}

/** Options of a udhcpc that ends or goes to the background, and of its record of the process. */
const LEFT_OUT = ['b', 'f', 'p', 'q', 'S'];

export function udhcpcStage(host: Host, holder: LeaseHolder, iface: string): StagePlan {
  const process = udhcpcProcess(host, holder.pid);
  const script = eventScriptOf(host, process);
  const { program, given } = commandOptions(process?.arguments ?? []);
  if (script === undefined || host.stat(script) === null)
    throw new HostError('ENOENT', `${holderName(holder)}: its script was not found`);
  if (given === null)
    throw new HostError('ENONE', `${holderName(holder)}: Holdfast does not know an option of its command line`);
  const offer = recordedByConf(host, iface);
  if (offer === null) throw new HostError('ENOLEASE', noRecord(holder));
  const kept = given.filter(({ letter }) => !LEFT_OUT.includes(letter));
  return {
    offer,
    command: [...program, '-f', ...kept.flatMap(({ words }) => words)],
    script,
    leased: ['bound'],
    runFolder: '/run/udhcpc',
    missing: [],
    filesRead: [],
    events: eventsOf(given),
    cannot: { RELOAD: `udhcpc reads no configuration: its script reads ${UDHCPC_CONF} at each event` },
    notes: [],
  };
}

const noRecord = (holder: LeaseHolder) =>
  `${holderName(holder)} records no lease itself, and Holdfast's lines in ${UDHCPC_CONF} have seen none since the boot: \`agent apply\` with \`dns\` or \`dhcp\` configured puts them there, and they record the next renewal`;
