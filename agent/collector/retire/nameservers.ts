/** Every name server that a host of the fleet is configured for, or asked: the stray ones too. */
import type { Tense } from '../../depends/dependence.ts';
import type { NameserversAnswer } from '../api.ts';
import type { KnownHost } from './retire-verdict.ts';

type Row = NameserversAnswer['nameservers'][number];
interface Counted {
  hosts: number;
  readonly tenses: Record<Tense, number>;
  lastAsked: number;
  example: string;
}

/** The most addresses. Each host can name 500. */
const MOST = 100_000;

/** Most hosts first. Each host counts once for each address, and once for each tense of it. */
export function nameserversOf(hosts: Iterable<KnownHost>): Row[] {
  const all = new Map<string, Counted>();
  for (const host of hosts) {
    for (const [address, { tenses, last }] of ofHost(host)) {
      let row = all.get(address);
      if (row === undefined) {
        if (all.size >= MOST) continue;
        row = {
          hosts: 0,
          tenses: { now: 0, asked: 0, lease: 0, boot: 0, holder: 0 },
          lastAsked: 0,
          example: host.name,
        };
        all.set(address, row);
      }
      row.hosts += 1;
      for (const tense of tenses) row.tenses[tense] += 1;
      row.lastAsked = Math.max(row.lastAsked, last);
    }
  }
  const rows = [...all].map(([address, row]) => ({ address, ...row }));
  return rows.sort((a, b) => b.hosts - a.hosts || (a.address < b.address ? -1 : 1));
}

function ofHost({ told, asked }: KnownHost): Map<string, { tenses: Set<Tense>; last: number }> {
  const own = new Map<string, { tenses: Set<Tense>; last: number }>();
  const note = (address: string, tense: Tense, last: number) => {
    const known = own.get(address);
    if (known === undefined) own.set(address, { tenses: new Set([tense]), last });
    else {
      known.tenses.add(tense);
      known.last = Math.max(known.last, last);
    }
  };
  for (const { address, tense } of told?.found ?? []) note(address, tense, 0);
  for (const { server, last } of asked) note(server, 'asked', last);
  return own;
}
