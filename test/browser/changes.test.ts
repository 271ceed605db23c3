/** The page on the real collector: changes that are provisional on some hosts, and a change that was put back. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sample } from '../../probes/probe.ts';
import { collector, event, heartbeat, send } from '../parts/collector-wire.ts';
import { missing, startChromium } from './chromium.ts';
import { finish, mark, see, unmarked } from './look.ts';

const provisional = (change: string) => [sample('holdfast.change.provisional', 1, { 'holdfast.change.id': change })];

test('page: hosts with a provisional change are counted and found; a change that was put back is told', {
  skip: missing,
}, async (t) => {
  const { url } = await collector(t);
  const browser = await startChromium();
  t.after(() => browser.close());
  for (const host of ['a', 'b', 'c']) await send(url, heartbeat({ host, more: provisional('3f9c12ab') }));
  await send(url, heartbeat({ host: 'd', more: provisional('77aa00bb') }));
  await send(url, heartbeat({ host: 'e' }));

  const { page, wrongs } = await browser.open(`${url}/`);
  await see(page, '#changes', '3 hosts provisional on change 3f9c12ab');
  await see(page, '#changes', '1 host provisional on change 77aa00bb');
  await mark(page);
  await page.getByRole('button', { name: '3 hosts provisional' }).click();
  await see(page, '#range', '1–3 of 3 hosts');
  assert.match(page.url(), /change=3f9c12ab/);
  assert.equal(await page.locator('#changes button[aria-pressed="true"]').count(), 1);

  await send(url, heartbeat({ host: 'a', sequence: 2 }));
  await see(page, '#changes', '2 hosts provisional on change 3f9c12ab');
  await see(page, '#range', '1–2 of 2 hosts');
  await page.getByRole('button', { name: '2 hosts provisional' }).click();
  await see(page, '#range', '1–5 of 5 hosts');

  await page.getByRole('link', { name: 'b', exact: true }).click();
  await see(page, '#facts', '3f9c12ab');
  const body =
    'change 3f9c12ab put back: the collector could not be reached 4 s after routes changed; cut off for 41 s';
  await send(url, event('b', 'r-1', { name: 'holdfast.change.put_back', severity: 'error', body }), { signal: 'logs' });
  await send(url, heartbeat({ host: 'b', sequence: 2 }));
  await see(page, '#events', body);
  await page.getByText('Provisional change').waitFor({ state: 'detached' });
  const moment = (name: string) => sample('holdfast.change.unseen', 1, { 'holdfast.change.id': '5e5e', moment: name });
  await send(url, heartbeat({ host: 'b', sequence: 3, more: [moment('lease'), moment('boot')] }));
  await see(page, '#facts', '5e5e holds now; not yet seen at a lease event; not yet booted with');
  await unmarked(page);
  await finish(page, wrongs);
});
