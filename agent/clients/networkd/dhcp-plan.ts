/** Which settings of `dhcp` go into the drop-in of one `.network` file, and which cannot. */
import type { IgnoredOffer } from '../../config/desired.ts';
import { OFFER_OPTIONS } from '../../config/notation/offer-options.ts';
import type { Host } from '../../host/host.ts';
import { systemdVersion } from '../../host/service/systemd-version.ts';
import type { DhcpSetting } from '../dhcp-settings.ts';
import { type DropInLine, meaningOf, renderDhcpDropIn } from './dhcp-lines.ts';
import { isOurDropIn } from './drop-in.ts';
import { ofVersion } from './gateway-key.ts';
import type { NetworkdLink } from './managed-links.ts';
import { asksDhcp, servedBy } from './match.ts';
import { networkLines } from './network-lines.ts';

export interface DhcpPlan {
  readonly file: string;
  /** The links for which the file is in force. */
  readonly links: readonly NetworkdLink[];
  /** The links that the file serves, or may come to serve; empty for a file that does not exist yet. */
  readonly served: readonly string[];
  /** null if no setting concerns this file. */
  readonly text: string | null;
  readonly held: readonly HeldSetting[];
  readonly refused: readonly { readonly setting: DhcpSetting; readonly reason: string }[];
}

export interface HeldSetting {
  readonly setting: DhcpSetting;
  readonly lines: readonly DropInLine[];
}

export function dhcpPlan(
  host: Host,
  file: string,
  all: readonly NetworkdLink[],
  settings: readonly DhcpSetting[],
): DhcpPlan {
  const links = all.filter(({ networkFile }) => networkFile === file);
  const served = servedBy(host, file, all);
  const { ipv6 } = asksDhcp(networkLines(host, file).filter((line) => !isOurDropIn(line.file)));
  const held: HeldSetting[] = [];
  const refused: { setting: DhcpSetting; reason: string }[] = [];
  for (const setting of settings) {
    const name = setting.interface;
    if (name !== null && !served.includes(name)) continue;
    const others = served.filter((one) => name !== null && one !== name && !settings.some(isSame(setting, one)));
    if (others.length > 0) {
      // A file that is not in force decides nothing.
      if (links.length > 0) refused.push({ setting, reason: sharedFile(file, name ?? '', others) });
      continue;
    }
    if (isOverruled(setting, served, settings)) continue;
    const takers = served.filter((link) => leftOffers(setting, link, settings).length < setting.values.length);
    if (takers.length > 0 && takers.length < served.length) {
      const others = served.filter((link) => !takers.includes(link));
      if (links.length > 0) refused.push({ setting, reason: sharedFile(file, takers.join(', '), others) });
      continue;
    }
    const values = takers.length === 0 ? setting.values : leftOffers(setting, takers[0] ?? '', settings);
    if (values.length === 0) continue;
    const meaning = ofVersion(meaningOf({ ...setting, values }, ipv6), () => systemdVersion(host));
    if ('refusal' in meaning) refused.push({ setting, reason: meaning.refusal });
    else held.push({ setting, lines: meaning.lines });
  }
  const text = renderDhcpDropIn(held.flatMap(({ lines }) => lines));
  return { file, links, served, text, held, refused };
}

function sharedFile(file: string, name: string, others: readonly string[]): string {
  return `${file} serves ${name} and ${others.join(', ')}, and systemd-networkd has one set of settings for a .network file; write a .network file for ${name} alone, or the setting for all interfaces`;
}

/** Whether another interface has the same setting with the same values. */
function isSame({ asks, values }: DhcpSetting, other: string): (one: DhcpSetting) => boolean {
  return (one) => one.interface === other && partOf(one.asks) === partOf(asks) && one.values.join() === values.join();
}

/** An interface's own value comes before the global value of the same option. */
function isOverruled(setting: DhcpSetting, served: readonly string[], settings: readonly DhcpSetting[]): boolean {
  if (setting.interface !== null || setting.asks.part !== 'supersede') return false;
  return settings.some((one) => {
    return one.interface !== null && served.includes(one.interface) && partOf(one.asks) === partOf(setting.asks);
  });
}

/** The values for a link. A link that supersedes an option takes its offer, although all others ignore it. */
function leftOffers(
  { interface: scope, asks, values }: DhcpSetting,
  link: string,
  settings: readonly DhcpSetting[],
): readonly string[] {
  if (scope !== null || asks.part !== 'ignore') return values;
  const own = settings.flatMap((one) =>
    one.interface === link && one.asks.part === 'supersede' ? one.asks.option : [],
  );
  return values.filter((offer) => !OFFER_OPTIONS[offer as IgnoredOffer].some((option) => own.includes(option)));
}

function partOf(asks: DhcpSetting['asks']): string {
  return asks.part === 'supersede' ? `supersede.${asks.option}` : asks.part;
}
