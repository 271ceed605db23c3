/** Pictures of "May I switch off …?": the outage behind Holdfast as a fleet of 20 hosts, on a real collector. */
import { rmSync, writeFileSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startCollector } from '../../agent/collector/start-collector.ts';
import type { Dependence } from '../../agent/depends/dependence.ts';
import { accepted } from '../parts/accepted.ts';
import { reportWhole } from '../parts/collector-wire.ts';
import type { Browser } from './chromium.ts';
import { see } from './look.ts';

const OLD = '10.34.56.78';
const HOUR = 3_600_000;

const lease: Dependence = accepted({
  address: OLD,
  tense: 'lease',
  source: 'dhclient',
  who: 'dhclient[812]',
  where: 'eth0, lease of 10.34.56.1',
  reason: 'Its next renewal writes the address into resolv.conf: no hook holds the file.',
  cure: 'agent apply',
});
const holder: Dependence = accepted({
  address: OLD,
  tense: 'holder',
  source: 'holders',
  who: 'collectd.service (collectd[640])',
  where: 'libcares.so.2.5.1',
  reason: 'It started before resolv.conf changed, and c-ares 1.18 never reads the file again.',
  cure: 'systemctl restart collectd',
});
const fresh = (tense: Dependence['tense']): Dependence => ({ ...lease, address: accepted('10.72.0.53'), tense });

/** Makes `retire`, `retire-dark`, `retire-waiting`, `retire-narrow` and `nameservers` by `path`. */
export async function takeRetirePictures(browser: Browser, path: (name: string) => string): Promise<void> {
  const data = await mkdtemp(join(tmpdir(), 'holdfast-pictures-'));
  const list = join(data, 'hosts');
  writeFileSync(list, 'edge-20\n');
  const { url, close } = await startCollector({ listen: '127.0.0.1:0', data, version: '0.1.0', expect: list });
  try {
    const well = [fresh('now'), fresh('lease'), fresh('boot')];
    const host = (n: number) => `edge-${String(n).padStart(2, '0')}`;
    for (let n = 1; n < 20; n += 1) await reportWhole(url, { host: host(n), since: Date.now() - 90 * HOUR }, well);
    await reportWhole(url, { host: 'edge-02', sequence: 2 }, [...well, lease]);
    await reportWhole(url, { host: 'edge-05', sequence: 2 }, [...well, holder]);
    await reportWhole(url, { host: 'edge-07', sequence: 2, since: null }, well);
    const { page } = await browser.open(`${url}/#/retire?address=${OLD}`);
    await page.setViewportSize({ width: 1120, height: 640 });
    await see(page, '#answer', 'Not safe: 2 of 20 hosts depend');
    await see(page, '#unseen', 'edge-20');
    await page.screenshot({ path: path('retire') });
    await page.emulateMedia({ colorScheme: 'dark' });
    await page.screenshot({ path: path('retire-dark') });
    await page.emulateMedia({ colorScheme: 'light' });
    await page.setViewportSize({ width: 375, height: 700 });
    await page.screenshot({ path: path('retire-narrow') });
    await page.setViewportSize({ width: 1120, height: 480 });
    for (const name of ['edge-05', 'edge-07', 'edge-20']) await reportWhole(url, { host: name, sequence: 3 }, well);
    const asked = [{ server: OLD, unit: 'backup.service', last: Date.now() - 5 * HOUR }];
    await reportWhole(url, { host: 'edge-02', sequence: 3, asked }, well);
    await see(page, '#answer', 'Not safe yet: backup.service on edge-02 asked 10.34.56.78 5 h ago');
    await page.screenshot({ path: path('retire-waiting') });
    await page.goto(`${url}/#/nameservers`);
    await see(page, '#nameservers', OLD);
    await page.screenshot({ path: path('nameservers') });
    await page.close();
  } finally {
    await close();
    rmSync(data, { recursive: true, force: true });
  }
}
