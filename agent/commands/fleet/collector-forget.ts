/** `agent collector forget HOST…`: takes silent hosts off the collector's list of expected hosts. */
import type { ExpectedAnswer } from '../../collector/api.ts';
import { EXIT, print, printError, printJson, shown } from '../output/output.ts';
import { type AskCollectorOptions, CollectorApi, CollectorRefusal } from './ask-collector.ts';

export interface ForgetOptions extends AskCollectorOptions {
  /** Names or ids. */
  readonly hosts: readonly string[];
}

/** One host that is refused stops no other. */
export async function forget({ hosts, ...options }: ForgetOptions): Promise<number> {
  const api = await CollectorApi.open(options);
  const results: { host: string; forgotten: boolean; reason: string }[] = [];
  for (const host of hosts) {
    try {
      await api.ask<ExpectedAnswer>('DELETE', `/api/v1/hosts/${encodeURIComponent(host)}`);
      results.push({ host, forgotten: true, reason: '' });
    } catch (error) {
      if (!(error instanceof CollectorRefusal) || error.status === 401 || error.status === 403) throw error;
      results.push({ host, forgotten: false, reason: error.message });
    }
  }
  if (options.json) printJson({ hosts: results });
  else {
    for (const { host, forgotten, reason } of results) {
      if (!forgotten) printError(`${shown(host)}: ${shown(reason)}`);
      else if (!options.quiet) print(`${shown(host)}: off the list until it reports again`);
    }
  }
  return results.every(({ forgotten }) => forgotten) ? EXIT.ok : EXIT.failed;
}
