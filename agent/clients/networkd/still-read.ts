/**
 * Lines of our `dhcp` drop-ins that the running systemd-networkd has read, and that the present configuration no longer
 * asks for. systemd-networkd goes on with them until its next start.
 */
import type { Finding } from '../../hold/resource.ts';
import { iniLinesOf } from '../../host/files/ini.ts';
import type { Host } from '../../host/host.ts';
import type { DhcpPlan } from './dhcp-plan.ts';
import { DHCP_DROP_INS, dropInsInUse, isOurDropIn } from './drop-in.ts';

/** One finding for each drop-in with such lines. `apply` changes nothing for it. */
export function stillRead(host: Host, plans: readonly Pick<DhcpPlan, 'file' | 'text'>[]): Finding[] {
  if (host.processes('systemd-network', 'network').length === 0) return [];
  return dropInsInUse(host, DHCP_DROP_INS)
    .filter(isOurDropIn)
    .flatMap((key): Finding[] => {
      const wanted = plans.find(({ file }) => key.includes(`/${file}.d/`))?.text ?? '';
      const asked = new Set(linesOf(wanted).map(({ subject }) => subject));
      const left = linesOf(host.readText(key) ?? '').filter(({ subject }) => !asked.has(subject));
      if (left.length === 0) return [];
      const lines = [...new Set(left.map(({ line }) => line))].join(', ');
      return [
        {
          resource: 'networkd',
          key,
          kind: 'process',
          moment: 'now',
          state: 'skipped',
          wanted: null,
          actual: null,
          reason: `systemd-networkd holds ${lines} of an earlier configuration until it starts again`,
          settings: async () => [],
        },
      ];
    });
}

/** `subject`: what the line decides. Another value of the same key is a changed setting; each requested option is its own. */
function linesOf(text: string): { readonly subject: string; readonly line: string }[] {
  return iniLinesOf('', text)
    .filter(({ value }) => value !== '')
    .map(({ section, key, value }) => {
      const subject = key === 'RequestOptions' ? `${section} ${key}=${value}` : `${section} ${key}`;
      return { subject, line: `[${section}] ${key}=${value}` };
    });
}
