/** The split that the program which answers libc has by its own files, for `agent init`. */

import type { DesiredDns } from '../../../config/desired.ts';
import { NO_SPLIT, type SplitFacts } from '../../../config/init/host-facts.ts';
import { errorMessage } from '../../../host/errors.ts';
import type { Host } from '../../../host/host.ts';
import { findAnswerer } from '../../../resources/split/answerer.ts';
import { dnsmasqSplitFacts } from './dnsmasq-split-facts.ts';
import { resolvedSplitFacts } from './resolved-split-facts.ts';
import { unboundSplitFacts } from './unbound-split-facts.ts';

/** `dns`: before anything is configured. A program that libc does not ask answers others, and is left alone. */
export function splitFacts(host: Host, dns: DesiredDns): SplitFacts {
  const answerer = findAnswerer(host, dns);
  try {
    switch (answerer.by) {
      case 'dnsmasq':
        return dnsmasqSplitFacts(host, answerer.process);
      case 'unbound':
        return unboundSplitFacts(host, answerer.process);
      case 'systemd-resolved':
        return resolvedSplitFacts(host);
      default:
        return NO_SPLIT;
    }
  } catch (error) {
    return { ...NO_SPLIT, notes: [`domains with servers of their own are not read: ${errorMessage(error)}`] };
  }
}
