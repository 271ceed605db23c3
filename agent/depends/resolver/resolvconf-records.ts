/**
 * The records of resolvconf(8), one for each interface and program: at the next event of any of them resolvconf makes
 * resolv.conf from all records.
 */
import { CLIENTS } from '../../clients/clients.ts';
import type { Dependence, DependsSource } from '../dependence.ts';
import { ofHost, readFiles } from '../files.ts';
import type { Surroundings } from '../surroundings.ts';
import { named } from './resolv-conf-source.ts';

/** Debian's resolvconf; openresolv, in two versions. */
export const RECORDS = ['/run/resolvconf/interface/*', '/run/resolvconf/interfaces/*', '/run/resolvconf/keys/*'];

const COMMON = { tense: 'lease', source: 'records of resolvconf' } as const;

export function resolvconfRecordsSource({ host, holding }: Surroundings): DependsSource {
  return {
    name: COMMON.source,
    tense: COMMON.tense,
    async look(addresses) {
      const { files, unread } = readFiles(ofHost(host), RECORDS);
      const read = files.flatMap(({ path, text }) => named(text, addresses).map((one) => ({ ...one, path })));
      // Held name servers take the place of what resolvconf would write.
      const held = read.length === 0 ? [] : await Promise.all(CLIENTS.map(({ program }) => holding(program)));
      const isHeld = held.some((servers) => servers !== null);
      const found = (isHeld ? [] : read).map(({ address, line, path }): Dependence => {
        const record = path.replace(/^.*\//, '');
        return {
          ...COMMON,
          address,
          who: 'resolvconf',
          where: `${path}:${line}`,
          reason: `its record ${record} names ${address}, and its next run writes that into resolv.conf`,
          cure: `correct what gave resolvconf the record, then: resolvconf -d ${record}`,
        };
      });
      return { found, unseen: unread.map((reason) => ({ ...COMMON, reason })) };
    },
  };
}
