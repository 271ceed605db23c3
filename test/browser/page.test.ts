/** The collector's page in a real Chromium: what an operator sees of 10,000 hosts, and sees changing without a reload. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Browser, missing, startChromium } from './chromium.ts';
import { Fleet } from './fleet.ts';
import { drift, grow, heal, needs, populate, silence } from './hosts.ts';
import { finish, focused, mark, see, tabTo, unmarked } from './look.ts';

const skip = missing;
const fleet = new Fleet();
let browser: Browser;

before(async () => {
  if (skip) return;
  populate(fleet, 10_000);
  await fleet.start();
  browser = await startChromium();
});

after(async () => {
  await browser?.close();
  await fleet.stop();
});

test('10,000 hosts: those that need attention first, found by search, label and reason', { skip }, async () => {
  const { page, wrongs } = await browser.open(fleet.url);
  await see(page, '#total', '10,000 hosts');
  assert.equal(await page.locator('#hosts tbody tr').count(), 100, 'one page of the list, not all of it');
  assert.deepEqual(await page.locator('#hosts tbody tr[data-level="good"]').count(), 75, '25 need attention');
  assert.equal(
    await page
      .locator('#hosts tbody tr')
      .nth(24)
      .getAttribute('data-level')
      .then((level) => level === 'good'),
    false,
  );
  await see(page, '#filters', '5 Silent');

  await page.getByRole('searchbox', { name: 'Search' }).fill('router-osl');
  await see(page, '#range', '1–100 of 250 hosts');
  await page.getByLabel('Label').selectOption('site:osl');
  await see(page, '#range', '1–100 of 250 hosts');
  await page.getByRole('searchbox', { name: 'Search' }).fill('nobody has this name');
  await see(page, '#no-match', 'No host matches');
  await page.getByRole('button', { name: 'Show all hosts' }).click();
  await see(page, '#range', '1–100 of 10,000 hosts');

  await page.getByRole('button', { name: 'Drifted' }).click();
  await see(page, '#range', '1–5 of 5 hosts');
  await page.goBack();
  await see(page, '#range', '1–100 of 10,000 hosts');
  await page.getByRole('button', { name: 'Next' }).click();
  await see(page, '#range', '101–200 of 10,000 hosts');
  await finish(page, wrongs);
});

test('page: a host that goes silent comes to the top, is counted and told, without a reload', { skip }, async () => {
  const { page, wrongs } = await browser.open(fleet.url);
  const id = 'id-web-waw-05503';
  await see(page, '#filters', '5 Silent');
  assert.equal(await page.locator(`tr[data-host="${id}"]`).count(), 0, 'well, and far down the list');
  await mark(page);
  fleet.change(id, silence);
  await see(page, '#filters', '6 Silent');
  await see(page, `tr[data-host="${id}"]`, 'Silent');
  await see(page, '#news', 'Silent: 6');
  await unmarked(page);
  await finish(page, wrongs);
});

test('an IPv6 table that nears its limit: in the list, and as a line that comes to the limit', { skip }, async () => {
  const { page, wrongs } = await browser.open(`${fleet.url}#/host/id-router-ams-00040`);
  const chart = page.getByRole('slider', { name: 'IPv6 routes over time' });
  await see(page, '#charts', 'of the limit of 4,096');
  assert.equal(await page.locator('#attention').isVisible(), false);
  const before = await page.locator('.line').nth(1).getAttribute('d');
  await mark(page);
  fleet.change('id-router-ams-00040', (host) => grow(host, 3_900));
  await see(page, '#attention', 'Table near its limit');
  await see(page, '#charts', '3,900 routes, 95% of the limit of 4,096');
  assert.notEqual(await page.locator('.line').nth(1).getAttribute('d'), before, 'the line is drawn anew');
  assert.equal(await page.locator('line.limit').count(), 1, 'IPv4 has none');

  await chart.hover();
  assert.match((await page.locator('.readout').nth(1).textContent()) ?? '', /routes, \d+% of the limit/);
  await page.getByText('As a table').nth(1).click();
  assert.equal(
    await page.getByRole('table', { name: 'IPv6 routes over time' }).getByRole('row').nth(1).isVisible(),
    true,
  );
  await unmarked(page);
  await page.getByRole('link', { name: 'All hosts' }).click();
  await see(page, 'tr[data-host="id-router-ams-00040"]', '95%');
  await finish(page, wrongs);
});

test('a limit that is not one of routes: what the kernel compares with it is drawn and told', { skip }, async () => {
  const id = 'id-router-ams-00080';
  fleet.change(id, (host) => {
    host.cached = host.routes.ipv6.map(([time]) => [time, 1_024]);
  });
  const { page, wrongs } = await browser.open(`${fleet.url}#/host/${id}`);
  await see(page, '#charts', '1,024 cached, 25% of the limit of 4,096');
  assert.equal(await page.locator('.line.entries').count(), 1);
  await page.getByRole('slider', { name: 'IPv6 routes over time' }).focus();
  await page.keyboard.press('Home');
  assert.match((await page.locator('.readout').nth(1).textContent()) ?? '', /routes; 1,024 cached, 25% of the limit$/);
  await finish(page, wrongs);
});

test('page: a drift and its healing are seen at the moment of the setting, and as an event', { skip }, async () => {
  const { page, wrongs } = await browser.open(`${fleet.url}#/host/id-db-lhr-00428`);
  const setting = page.getByRole('row', { name: 'dns.nameservers' });
  await setting.getByText('ok').first().waitFor();
  await mark(page);
  fleet.change('id-db-lhr-00428', drift);
  await setting.getByText('drifted').waitFor();
  assert.deepEqual(await setting.getByRole('cell').allInnerTexts(), ['✗ drifted', '✓ ok', '? unknown']);
  await see(page, '#attention', 'dns.nameservers is not as configured now');
  fleet.change('id-db-lhr-00428', heal);
  await see(page, '#events', 'Put right: /etc/resolv.conf');
  assert.deepEqual(await setting.getByRole('cell').allInnerTexts(), ['✓ ok', '✓ ok', '✓ ok']);
  assert.equal(await page.locator('#attention').isVisible(), false);
  await unmarked(page);
  await finish(page, wrongs);
});

test('with the keyboard alone: to a filter, a host, its chart, and back to where one was', { skip }, async () => {
  const { page, wrongs } = await browser.open(fleet.url);
  await see(page, '#range', '1–100');
  await page.keyboard.press('Tab');
  assert.equal(await focused(page), 'Skip to the content');
  await tabTo(page, 'Memory errors');
  await page.keyboard.press('Enter');
  await see(page, '#range', '1–5 of 5 hosts');
  assert.match(await focused(page), /Memory errors/, 'the focus stays');
  await tabTo(page, 'web-ber-01217');
  await page.keyboard.press('Enter');
  await see(page, '#events', 'Cannot allocate memory');
  // The heading of the host is read out, once its charts are there too.
  await page.waitForFunction("document.activeElement.id === 'host-title'");
  await tabTo(page, 'IPv4 routes over time');
  for (const key of ['Home', 'ArrowRight', 'PageUp', 'ArrowLeft']) await page.keyboard.press(key);
  const chart = page.getByRole('slider', { name: 'IPv4 routes over time' });
  const [value, most] = [await chart.getAttribute('aria-valuenow'), await chart.getAttribute('aria-valuemax')];
  assert.equal(Number(value), Math.round((Number(most) + 1) / 10));
  assert.match((await chart.getAttribute('aria-valuetext')) ?? '', /UTC: 1\d routes/);
  await tabTo(page, 'All hosts', 'Shift+Tab');
  await page.keyboard.press('Enter');
  await see(page, '#range', '1–5 of 5 hosts');
  assert.equal(await focused(page), 'web-ber-01217', 'on the host that one came from');
  await finish(page, wrongs);
});

test('page: heartbeats move neither the focus nor the scrolled list', { skip }, async () => {
  const { page, wrongs } = await browser.open(fleet.url);
  const link = page.getByRole('link', { name: 'web-ber-05217' });
  await link.focus();
  await page.evaluate('scrollTo(0, 300)');
  const row = page.locator('tr[data-host="id-web-ber-05217"]');
  fleet.change('id-web-ber-05217', (host) => {
    host.row = { ...host.row, memoryErrors: 42 };
  });
  await row.getByText('42').waitFor();
  fleet.change('id-cache-ams-00432', (host) => needs(host, 'default-nexthops', 'One next hop of two'));
  await see(page, '#filters', '1 Default nexthops');
  await see(page, 'tr[data-host="id-cache-ams-00432"]', 'Default nexthops');
  assert.equal(await focused(page), 'web-ber-05217');
  assert.ok((await page.evaluate<number>('scrollY')) >= 300);
  await finish(page, wrongs);
});
