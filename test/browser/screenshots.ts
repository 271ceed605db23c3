/** `node test/browser/screenshots.ts`: makes docs/screenshots/ anew, of a made-up fleet of 10,000 hosts. */
import { join } from 'node:path';
import { startChromium } from './chromium.ts';
import { Fleet } from './fleet.ts';
import { drift, grow, memoryError, populate } from './hosts.ts';
import { see } from './look.ts';
import { takeRetirePictures } from './screenshots-retire.ts';

const path = (name: string) => join(import.meta.dirname, '../../docs/screenshots', `${name}.png`);
const id = 'id-router-ams-00040';
const full = 'id-router-ams-00080';

const fleet = new Fleet();
populate(fleet, 10_000);
fleet.change(id, (host) => {
  grow(host, 3_702);
  drift(host);
});
await fleet.start();
const browser = await startChromium();
try {
  const { page } = await browser.open(fleet.url);
  await page.setViewportSize({ width: 1120, height: 640 });
  await see(page, '#hosts', 'Silent');
  await page.screenshot({ path: path('fleet') });
  await page.emulateMedia({ colorScheme: 'dark' });
  await page.setViewportSize({ width: 1120, height: 1180 });
  await page.goto(`${fleet.url}#/host/${id}`);
  await see(page, '#charts', '3,702 routes');
  await page.getByRole('slider', { name: 'IPv6 routes over time' }).hover({ position: { x: 380, y: 90 } });
  await page.screenshot({ path: path('host-dark') });
  await page.emulateMedia({ colorScheme: 'light' });
  await page.setViewportSize({ width: 1120, height: 1180 });
  await page.goto(`${fleet.url}#/host/${full}`);
  await see(page, '#charts', 'of the limit of 4,096');
  // Seen while the page is open: it is not loaded again.
  fleet.change(full, (host) => grow(host, 3_900));
  await see(page, '#charts', '95% of the limit of 4,096');
  fleet.change(full, (host) => {
    grow(host, 4_180);
    memoryError(host);
  });
  await see(page, '#charts', '102% of the limit of 4,096');
  await see(page, '#events', 'Cannot allocate memory');
  await page.screenshot({ path: path('table-full') });
  await page.setViewportSize({ width: 375, height: 700 });
  await page.goto(`${fleet.url}#/`);
  await see(page, '#hosts', 'Silent');
  await page.screenshot({ path: path('fleet-narrow') });
  await takeRetirePictures(browser, path);
} finally {
  await browser.close();
  await fleet.stop();
}
