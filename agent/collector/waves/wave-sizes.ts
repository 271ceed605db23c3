/** The sizes of waves: how many hosts of a rollout may have the change until all of them have confirmed it. */

/** A number of hosts, or a share of the hosts that the collector knows. */
export type WaveSize = { readonly hosts: number } | { readonly percent: number };

export const DEFAULT_WAVES = '1,1%,10%,100%';
/** The most waves of a rollout. */
const MOST = 20;

/** Throws a sentence. */
export function parseWaves(text: string): WaveSize[] {
  const sizes = text.split(',').map((one) => sizeIn(one.trim()));
  const wrong = (why: string) => new Error(`--waves ${text}: ${why}; write it like ${DEFAULT_WAVES}`);
  if (sizes.some((size) => size === null))
    throw wrong('not a list of numbers of hosts and of percentages from 1% to 100%');
  if (sizes.length > MOST) throw wrong(`more than ${MOST} waves`);
  const all = sizes as WaveSize[];
  if (!isAll(all.at(-1)!)) throw wrong('the last wave is not 100%, so some hosts would wait for ever');
  if (all.some((size, at) => at > 0 && isSmaller(size, all[at - 1]!)))
    throw wrong('a wave is smaller than the one before it');
  return all;
}

/** How many hosts of a rollout may be admitted before the next wave, in all. `known`: hosts that the collector knows. */
export function waveLimit(sizes: readonly WaveSize[], wave: number, known: number): number {
  const limits = sizes.slice(0, wave + 1).map((size) => {
    if (isAll(size)) return Number.POSITIVE_INFINITY;
    return 'hosts' in size ? size.hosts : Math.max(1, Math.ceil((size.percent * known) / 100));
  });
  // 1 % of a few hosts is not fewer than the wave before had.
  return Math.max(...limits);
}

export function waveInWords(size: WaveSize): string {
  if (isAll(size)) return 'all hosts';
  if ('hosts' in size) return size.hosts === 1 ? '1 host' : `${size.hosts} hosts`;
  return `${size.percent} % of all hosts`;
}

function sizeIn(text: string): WaveSize | null {
  const [, number = '', percent] = /^([1-9]\d{0,5})(%?)$/.exec(text) ?? [];
  if (number === '') return null;
  if (percent === '') return { hosts: Number(number) };
  return Number(number) <= 100 ? { percent: Number(number) } : null;
}

function isAll(size: WaveSize): boolean {
  return 'percent' in size && size.percent === 100;
}

/** A number of hosts is not compared with a share. */
function isSmaller(size: WaveSize, before: WaveSize): boolean {
  return kindOf(size) === kindOf(before) && amountOf(size) < amountOf(before);
}

function kindOf(size: WaveSize): string {
  return 'hosts' in size ? 'hosts' : 'percent';
}

function amountOf(size: WaveSize): number {
  return 'hosts' in size ? size.hosts : size.percent;
}
