/**
 * The nftables table `inet holdfast`. It belongs to Holdfast: rules of other programs in it are removed. One nft(8)
 * transaction makes, changes or removes the whole table, so no packet meets half of it. Connections in progress keep
 * their translation in connection tracking. To see whether the table is unchanged we ask the kernel, without nft.
 */
import type { DesiredMasquerade } from '../../config/desired.ts';
import { appliedAtBoot } from '../../hold/boot-apply.ts';
import type { Finding, Outcome, SettingState } from '../../hold/resource.ts';
import { type Host, notOfTheseFiles } from '../../host/host.ts';
import { nft } from '../../host/kernel/nft.ts';
import { tableIdentity } from '../../host/netlink/nftables/nftables.ts';
import { forgetMasquerade, OUR_TABLE, readMasquerade, TABLE_KEY, writeMasquerade } from './made.ts';

const PLACE = { resource: 'masquerade', key: TABLE_KEY, moment: 'now' } as const;

/** Milliseconds for the kernel's answer. */
const TIME_LIMIT = 10_000;

export const REMOVED = `add table inet ${OUR_TABLE}\ndelete table inet ${OUR_TABLE}\n`;

/**
 * The table in the notation of nft(8). 100 is the priority of source NAT; older versions of nft do not know its name. Each
 * exception is a condition of the rule and no element of a set, because the kernel's list of rules, by which we see a
 * change, does not contain elements.
 */
function tableText(wanted: readonly DesiredMasquerade[]): string {
  const rules = wanted.map(({ out, from, except, family }) => {
    const ip = family === 'ipv4' ? 'ip' : 'ip6';
    const others = except.map((network) => `${ip} daddr != ${network} `);
    return `\t\t${ip} saddr ${from} ${others.join('')}oifname "${out}" masquerade\n`;
  });
  const chain = `\tchain postrouting {\n\t\ttype nat hook postrouting priority 100; policy accept;\n${rules.join('')}\t}\n`;
  return `table inet ${OUR_TABLE} {\n${chain}}\n`;
}

export async function inspectTable(host: Host, wanted: readonly DesiredMasquerade[]): Promise<Finding[]> {
  const text = wanted.length === 0 ? null : describe(wanted);
  if (!host.live) {
    const reason = notOfTheseFiles();
    return text === null ? [] : [finding(host, { state: 'skipped', wanted: text, actual: null, reason })];
  }
  const record = readMasquerade(host);
  const identity = await tableIdentity(OUR_TABLE, AbortSignal.timeout(TIME_LIMIT));
  if (text === null)
    return identity === null ? [] : [finding(host, { state: 'drifted', wanted: null, actual: 'is there' })];
  if (identity === null) return [finding(host, { state: 'drifted', wanted: text, actual: null })];
  if (record?.rules !== tableText(wanted)) {
    return [finding(host, { state: 'drifted', wanted: text, actual: 'other rules, as they were wanted before' })];
  }
  if (record.identity !== identity) {
    return [finding(host, { state: 'drifted', wanted: text, actual: 'other rules, made by another program' })];
  }
  return [finding(host, { state: 'ok', wanted: text, actual: text })];
}

export async function applyTable(host: Host, wanted: readonly DesiredMasquerade[]): Promise<Outcome> {
  if (wanted.length === 0) return { ...PLACE, ...(await removeTable(host)) };
  const rules = tableText(wanted);
  // Recorded first: if this process is killed in the middle, the next one knows that our table may exist.
  writeMasquerade(host, { rules, identity: null });
  const problem = nft(host, `${REMOVED}${rules}`);
  const identity = await tableIdentity(OUR_TABLE, AbortSignal.timeout(TIME_LIMIT));
  if (problem !== null) return { ...PLACE, result: 'failed', actual: null, reason: problem };
  if (identity === null)
    return { ...PLACE, result: 'failed', actual: null, reason: 'read back after the change, the table does not exist' };
  writeMasquerade(host, { rules, identity });
  return { ...PLACE, result: 'changed', actual: describe(wanted) };
}

/** Removes only our table. */
export async function removeTable(host: Host): Promise<Pick<Outcome, 'result' | 'actual' | 'reason'>> {
  if (!host.live) return { result: 'skipped', actual: null, reason: notOfTheseFiles() };
  const there = await tableIdentity(OUR_TABLE, AbortSignal.timeout(TIME_LIMIT));
  const problem = there === null ? null : nft(host, REMOVED);
  if (problem !== null) return { result: 'failed', actual: 'is there', reason: problem };
  forgetMasquerade(host);
  return { result: there === null ? 'ok' : 'changed', actual: null };
}

function describe(wanted: readonly DesiredMasquerade[]): string {
  return wanted
    .map(
      ({ out, from, except }) => `${from} out of ${out}${except.length === 0 ? '' : ` (not to ${except.join(' ')})`}`,
    )
    .join(', ');
}

function finding(host: Host, found: Pick<Finding, 'state' | 'wanted' | 'actual' | 'reason'>): Finding {
  const { state, wanted, actual, reason } = found;
  const states = (text: string): SettingState[] => {
    const common = { setting: 'forwarding.masquerade', wanted: text } as const;
    const now = { ...common, moment: 'now', state, actual } as const;
    return [reason === undefined ? now : { ...now, reason }, appliedAtBoot(host)(common)];
  };
  return { ...PLACE, ...found, kind: 'table', settings: async () => (wanted === null ? [] : states(wanted)) };
}
