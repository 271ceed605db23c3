/** The page on the real collector, fed with heartbeats of 10,000 hosts. Measurements are printed, not judged. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { collector, event, heartbeat, send } from '../parts/collector-wire.ts';
import { missing, startChromium } from './chromium.ts';
import { finish, mark, see, unmarked } from './look.ts';

const HOSTS = 10_000;
const name = (index: number) => `edge-${String(index).padStart(5, '0')}`;

test('10,000 hosts on the real collector: a drift and its healing, a table near its limit, a silence', {
  skip: missing,
}, async (t) => {
  const { url } = await collector(t);
  const browser = await startChromium();
  t.after(() => browser.close());
  const took = async (what: string, wait: () => Promise<unknown>) => {
    const start = performance.now();
    await wait();
    t.diagnostic(`${what}: ${Math.round(performance.now() - start)} ms`);
  };

  const { page, wrongs } = await browser.open(`${url}/`);
  await see(page, '#nobody', 'No host has reported yet');
  await mark(page);
  await took('10,000 hosts sent', async () => {
    for (let first = 0; first < HOSTS; first += 50) {
      const batch = Array.from({ length: 50 }, (_, index) => name(first + index));
      const sent = batch.map((host) => send(url, heartbeat({ host, limit: 4_096, labels: { site: host.slice(-1) } })));
      for (const { status } of await Promise.all(sent)) assert.equal(status, 200);
    }
  });
  await took('all of them counted', () => see(page, '#total', '10,000 hosts'));
  await took('search', async () => {
    await page.getByRole('searchbox', { name: 'Search' }).fill('edge-04711');
    await see(page, '#range', '1–1 of 1 host');
  });
  await took('all again', async () => {
    await page.getByRole('searchbox', { name: 'Search' }).fill('');
    await see(page, '#range', '1–100 of 10,000 hosts');
  });
  await took('label', async () => {
    await page.getByLabel('Label').selectOption('site:7');
    await see(page, '#range', '1–100 of 1,000 hosts');
  });

  const host = 'edge-04717';
  let sequence = 1;
  // Heartbeats one second apart, so that the host is silent soon after the last.
  const beat = (change: object) =>
    send(url, heartbeat({ host, sequence: ++sequence, labels: { site: '7' }, ...change }));
  await took('drift, from the heartbeat to the list', async () => {
    await beat({ limit: 4_096, states: { now: 'drifted' } });
    await see(page, '#filters', '1 Drifted');
    await see(page, `tr[data-host="id-of-${host}"]`, 'Drifted');
  });
  await page.getByRole('link', { name: host }).click();
  const setting = page.getByRole('row', { name: 'dns.nameservers' });
  await setting.getByText('drifted').waitFor();
  await beat({ limit: 4_096 });
  await send(url, event(host, 'heal-1', { name: 'holdfast.heal', body: 'Put right: /etc/resolv.conf' }), {
    signal: 'logs',
  });
  await see(page, '#events', 'Put right: /etc/resolv.conf');
  await setting.getByText('drifted').waitFor({ state: 'detached' });
  assert.deepEqual(await setting.getByRole('cell').allInnerTexts(), ['✓ ok', '✓ ok', '✓ ok']);

  await beat({ limit: 4_096, routes: 3_900 });
  await see(page, '#attention', 'Table near its limit');
  await see(page, '#charts', '3,900 routes, 95% of the limit of 4,096');
  assert.equal(await page.locator('line.limit').count(), 1);

  // The table is full: routes are refused, and the daemon that lost them says so.
  await beat({ limit: 4_096, routes: 4_180 });
  const body = 'KRT SEND ADD 198.51.100.0/24: Cannot allocate memory';
  const attributes = { cause: 'route-add-failed' };
  await send(url, event(host, 'full-1', { name: 'holdfast.memory_error', severity: 'error', body, attributes }), {
    signal: 'logs',
  });
  await see(page, '#charts', '4,180 routes, 102% of the limit of 4,096');
  await see(page, '#attention', '102 %');
  await see(page, '#attention', 'Memory error');
  await see(page, '#events', 'Cannot allocate memory');
  await unmarked(page);

  const last = Date.now();
  await beat({ limit: 4_096, time: last + 1_000 });
  await beat({ limit: 4_096, time: last + 2_000 });
  await see(page, '#attention', 'Silent');
  await page.getByRole('link', { name: 'All hosts' }).click();
  await see(page, `tr[data-host="id-of-${host}"]`, 'Silent');
  await unmarked(page);
  await finish(page, wrongs);
});
