/** The page in trouble: no host yet, no collector any more, a token needed, hostile names. */
import assert from 'node:assert/strict';
import { after, before, type TestContext, test } from 'node:test';
import { type Browser, missing, startChromium } from './chromium.ts';
import { faint } from './contrast.ts';
import { Fleet } from './fleet.ts';
import { drift, event, grow, needs, populate, silence, wellHost } from './hosts.ts';
import { finish, mark, see, unmarked } from './look.ts';

const skip = missing;
let browser: Browser;

before(async () => {
  if (!skip) browser = await startChromium();
});

after(() => browser?.close());

test('no host yet: how to connect one; the first to come is seen', { skip }, async (t) => {
  const fleet = await start(t, 0);
  const { page, wrongs } = await browser.open(fleet.url);
  await see(page, '#nobody', `endpoint: ${fleet.url.slice(0, -1)}`);
  await mark(page);
  const first = wellHost('first', {});
  fleet.hosts.set(first.row.id, first);
  fleet.tell([first]);
  await see(page, '#hosts', 'first');
  await see(page, '#total', '1 host');
  assert.equal(await page.locator('#nobody').isVisible(), false);
  await unmarked(page);
  await finish(page, wrongs);
});

test('the collector goes away: what was known stays, and says of when it is; it comes back: all is caught up', {
  skip,
}, async (t) => {
  const fleet = await start(t, 50);
  const { page } = await browser.open(fleet.url);
  await see(page, '#connection', 'Live');
  await see(page, '#filters', '1 Silent');
  await mark(page);
  const port = Number(new URL(fleet.url).port);
  await fleet.stop();
  await see(page, '#connection', 'Connection lost. Trying again in');
  await see(page, '#connection', 'What you see is of');
  assert.equal(await page.locator('#hosts tbody tr').count(), 50);
  silence(fleet.hosts.get('id-web-ams-00016')!);
  await fleet.start(port);
  await see(page, '#connection', 'Live');
  await see(page, '#filters', '2 Silent');
  await see(page, 'tr[data-host="id-web-ams-00016"]', 'Silent');
  await unmarked(page);
  await page.close();
});

test('a collector with a token: the page asks for it, a wrong one is refused, it is not kept beyond the tab', {
  skip,
}, async (t) => {
  const fleet = await start(t, 3);
  fleet.token = 'correct horse';
  const { page } = await browser.open(fleet.url);
  await page.getByLabel('Bearer token').fill('wrong');
  await page.keyboard.press('Enter');
  await see(page, '#sign-in', 'not the right one');
  assert.equal(await page.locator('#hosts').isVisible(), false);
  await page.getByLabel('Bearer token').fill('correct horse');
  await page.keyboard.press('Enter');
  await see(page, '#total', '3 hosts');
  await see(page, '#hosts', 'router-ams-00000');
  assert.equal(await page.locator('#sign-in').isVisible(), false);
  assert.equal(await page.evaluate('localStorage.length'), 0);
  assert.equal(page.url().includes('horse'), false);
  await page.close();
});

test('page states: what is wrong with the collector itself is said before its hosts, and goes when it is over', {
  skip,
}, async (t) => {
  const fleet = await start(t, 3);
  fleet.trouble = [
    { code: 'disk', text: 'Nothing that hosts send can be stored: <b>full</b>', since: Date.now() - 600_000 },
  ];
  const { page, wrongs } = await browser.open(fleet.url);
  await see(page, '#trouble', 'can be stored: <b>full</b> since 10 min ago');
  assert.deepEqual(await page.evaluate<string[]>(faint), []);
  await see(page, '#connection', 'Live');
  fleet.trouble = [];
  fleet.tell([]);
  await page.locator('#trouble').waitFor({ state: 'hidden' });
  await finish(page, wrongs);
});

test('page states: a host that nobody knows, and an address that is none', { skip }, async (t) => {
  const fleet = await start(t, 1);
  const { page } = await browser.open(`${fleet.url}#/host/gone`);
  await see(page, '#absent', 'No host with this address');
  await page.goto(`${fleet.url}#/host/%E0%A4%A`);
  await see(page, '#absent', 'No host with this address');
  await page.goto(`${fleet.url}#/nonsense?page=-5&label=%00`);
  await see(page, '#fleet-title', 'Hosts');
  await page.close();
});

test('page states: names that hosts choose are text and nothing else, however long', { skip }, async (t) => {
  const fleet = await start(t, 0);
  const evil = `<img src=x onerror=alert(1)>${'x'.repeat(5_000)}`;
  const host = wellHost(evil, { __proto__x: evil, site: '"><script>alert(1)</script>' });
  host.row = { ...host.row, id: '../../api/v1/"?#%2e', agent: evil, kernel: '', lastSeen: Number.MAX_VALUE };
  host.events = [event(-1, evil, 'error', evil, { [evil]: evil })];
  host.settings = [{ setting: evil, moments: { now: 'constructor', boot: evil } }];
  needs(host, 'constructor', evil);
  fleet.hosts.set(host.row.id, host);
  const { page, wrongs } = await browser.open(fleet.url);
  await page.getByRole('link', { name: '<img src=x' }).click();
  await see(page, '#events', '<img src=x onerror=alert(1)>');
  assert.equal(await page.locator('main img, main script').count(), 0);
  for (const width of [1280, 375]) {
    await page.setViewportSize({ width, height: 800 });
    assert.deepEqual(await page.evaluate<string[]>(sticksOut), [], `at a width of ${width}`);
  }
  await finish(page, wrongs);
});

test('page states: landmarks, and contrast of all text, in both themes', { skip }, async (t) => {
  const fleet = await start(t, 400);
  drift(fleet.hosts.get('id-router-ams-00000')!);
  grow(fleet.hosts.get('id-router-ams-00000')!, 4_000);
  const { page, wrongs } = await browser.open(fleet.url);
  await see(page, '#hosts', 'Drifted');
  for (const role of ['banner', 'main', 'search', 'contentinfo'] as const) {
    assert.equal(await page.getByRole(role).count(), 1, role);
  }
  for (const address of ['#/', '#/host/id-router-ams-00000']) {
    await page.goto(fleet.url + address);
    await see(page, address === '#/' ? '#hosts' : '#settings', address === '#/' ? 'web' : 'drifted');
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      assert.deepEqual(await page.evaluate<string[]>(faint), [], `${colorScheme} ${address}`);
    }
  }
  await finish(page, wrongs);
});

/** To be evaluated in the page: what reaches beyond its right edge. */
const sticksOut = `[...document.querySelectorAll('body *')]
  .filter((each) => each.checkVisibility() && each.getBoundingClientRect().right > innerWidth)
  .map((each) => each.tagName + '.' + each.className)`;

/** Stopped at the end of the test, also of one that fails. */
async function start(t: TestContext, hosts: number): Promise<Fleet> {
  const fleet = new Fleet();
  populate(fleet, hosts);
  await fleet.start();
  t.after(() => fleet.stop());
  return fleet;
}
