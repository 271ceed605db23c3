/** "May I switch off …?" on the real collector: the verdict follows the fleet while the page is open. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, type TestContext, test } from 'node:test';
import type { Collector } from '../../agent/collector/start-collector.ts';
import type { Dependence, Tense } from '../../agent/depends/dependence.ts';
import { accepted } from '../parts/accepted.ts';
import { collector, reportWhole } from '../parts/collector-wire.ts';
import { scratch } from '../parts/scratch.ts';
import { type Browser, missing, startChromium } from './chromium.ts';
import { faint } from './contrast.ts';
import { finish, focused, mark, see, tabTo, unmarked } from './look.ts';

const skip = missing;
const ADDRESS = '10.34.56.78';
let browser: Browser;

before(async () => {
  if (!skip) browser = await startChromium();
});

after(() => browser?.close());

function on(address: string, tense: Tense, more: Partial<Dependence> = {}): Dependence {
  const one = { source: 'resolv.conf', who: 'libc', where: '/etc/resolv.conf:1', reason: 'It names the server.' };
  return { address: accepted(address), tense, ...one, cure: 'agent apply', ...more };
}

/** A collector with expected hosts and a token that may write. */
async function start(t: TestContext, ...expected: string[]): Promise<string> {
  return (await started(t, expected)).url;
}

async function started(t: TestContext, expected: readonly string[]): Promise<Collector> {
  const folder = scratch(t);
  const [writers, list] = [join(folder, 'writers'), join(folder, 'hosts')];
  writeFileSync(writers, 'may-write\n');
  writeFileSync(list, '');
  const running = await collector(t, { writeTokenFile: writers, expect: list });
  const { url } = running;
  const headers = { authorization: 'Bearer may-write' };
  await fetch(`${url}/api/v1/expected`, { method: 'PUT', headers, body: JSON.stringify(expected) });
  return running;
}

test('not safe, unknown, safe: each change of a host is seen without a reload', { skip }, async (t) => {
  const url = await start(t, 'never-seen');
  await reportWhole(url, { host: 'web-1' });
  await reportWhole(url, { host: 'web-2' }, [
    on(ADDRESS, 'lease', { who: 'dhclient[812]', reason: 'Its next renewal writes it.' }),
    on(ADDRESS, 'holder', { who: 'collectd.service', cure: 'systemctl restart collectd' }),
  ]);
  const { page, wrongs } = await browser.open(`${url}/`);
  await page.getByRole('link', { name: 'May I switch off' }).click();
  assert.equal(await focused(page), 'May I switch off …?');
  await mark(page);
  await page.getByLabel('Address').fill(' ::ffff:10.34.56.78 ');
  await page.keyboard.press('Enter');
  await see(page, '#answer', '✗ Not safe: 1 of 3 hosts depends on 10.34.56.78 (1 at the next lease, 1 by a program');
  const lines = page.locator('#dependents tbody tr');
  assert.deepEqual(await lines.first().getByRole('cell').allInnerTexts(), [
    'next lease',
    'dhclient[812]\n/etc/resolv.conf:1',
    'Its next renewal writes it.',
    'agent apply',
  ]);
  await see(page, '#dependents', 'systemctl restart collectd');
  await see(page, '#unseen', 'It is expected, and it has never reported.');
  assert.match(page.url(), /#\/retire\?address=/);

  await reportWhole(url, { host: 'web-2', sequence: 2 });
  await see(
    page,
    '#answer',
    '? Unknown: nothing that could be seen depends on 10.34.56.78, but 1 host could not be seen',
  );
  assert.equal(await page.locator('#dependents').isVisible(), false);

  await reportWhole(url, { host: 'never-seen' });
  await see(page, '#answer', '✓ Safe: none of 3 hosts depends on 10.34.56.78, and nobody asked it for at least 24 h.');
  assert.equal(await page.locator('#unseen').isVisible(), false);
  assert.equal(await page.title(), '✓ 10.34.56.78: Holdfast');

  const last = Date.now() - 3 * 3_600_000;
  const asked = [{ server: ADDRESS, unit: 'unbound.service', last }];
  await reportWhole(url, { host: 'web-1', sequence: 2, asked });
  await see(page, '#answer', 'Not safe yet: unbound.service on web-1 asked 10.34.56.78 3 h ago. It is safe in 21 h');
  await see(page, '#proof', 'Safe in21 h if nobody asks it until then');
  await see(page, '#dependents', 'asked');
  assert.deepEqual(await page.evaluate(faint), []);
  await unmarked(page);
  await finish(page, wrongs);
});

test('a verdict disappears when the collector does not answer any more', { skip }, async (t) => {
  const running = await started(t, []);
  await reportWhole(running.url, { host: 'web-1' });
  const { page } = await browser.open(`${running.url}/#/retire?address=${ADDRESS}`);
  await see(page, '#answer', '✓ Safe: none of 1 host');
  await running.close();
  await page.locator('#answer').waitFor({ state: 'hidden', timeout: 60_000 });
  assert.doesNotMatch(await page.title(), /✓/);
});

test('a missing host is retired by a token that may write, after a question; it comes back by itself', {
  skip,
}, async (t) => {
  const url = await start(t, 'gone');
  await reportWhole(url, { host: 'web-1' });
  const { page, wrongs } = await browser.open(`${url}/#/retire?address=${ADDRESS}`);
  await see(page, '#unseen', 'gone');
  page.on('dialog', (dialog) => dialog.accept());
  await tabTo(page, 'Retire gone');
  await page.keyboard.press('Enter');
  await see(page, '#write', 'a token that may write is needed');
  await page.keyboard.type('wrong');
  await page.keyboard.press('Enter');
  await see(page, '#not-retired', 'a token that may write is needed');
  await page.locator('#write-token').fill('may-write');
  await page.keyboard.press('Enter');
  await see(page, '#answer', '✓ Safe: none of 1 host');
  await reportWhole(url, { host: 'gone' }, [on(ADDRESS, 'now')]);
  await see(page, '#answer', 'Not safe: 1 of 2 hosts depends');
  // The browser itself writes refused requests to the console.
  await finish(
    page,
    wrongs.filter((wrong) => !/status of 403/.test(wrong)),
  );
});

test('name servers: the stray one is seen, and leads to the question', { skip }, async (t) => {
  const url = await start(t);
  for (const host of ['a', 'b', 'c']) await reportWhole(url, { host }, [on('10.0.0.1', 'now'), on('10.0.0.1', 'boot')]);
  await reportWhole(url, { host: 'd', asked: [{ server: ADDRESS, unit: 'cron.service', last: Date.now() - 60_000 }] });
  const { page, wrongs } = await browser.open(`${url}/`);
  await page.getByRole('link', { name: 'Name servers', exact: true }).click();
  const row = (address: string) => page.locator(`#nameservers tr[data-address="${address}"]`);
  await row(ADDRESS).waitFor();
  assert.deepEqual((await row('10.0.0.1').getByRole('cell').allInnerTexts()).slice(0, 6), [
    '3',
    '3',
    '–',
    '–',
    '3',
    '–',
  ]);
  assert.deepEqual((await row(ADDRESS).getByRole('cell').allInnerTexts()).slice(0, 6), ['1', '–', '1', '–', '–', '–']);
  await mark(page);
  await reportWhole(url, { host: 'e' }, [on('192.0.2.9', 'lease')]);
  await row('192.0.2.9').waitFor();
  await page.getByRole('link', { name: ADDRESS }).click();
  await see(page, '#answer', 'cron.service on d asked 10.34.56.78');
  await page.goBack();
  await see(page, '#nameservers', '192.0.2.9');
  await unmarked(page);
  await finish(page, wrongs);
});

test('a wrong address is refused beside the field; hostile texts of hosts stay texts', { skip }, async (t) => {
  const url = await start(t);
  const evil = '<img src=x onerror="globalThis.owned = 1">';
  await reportWhole(url, { host: 'a' }, [on(ADDRESS, 'now', { who: evil, where: evil, reason: evil, cure: evil })]);
  const { page, wrongs } = await browser.open(`${url}/#/retire`);
  await page.getByLabel('Address').fill('ns1.example.com');
  await page.getByRole('button', { name: 'Ask' }).click();
  await see(page, '#no-address', 'ns1.example.com is not an IP address.');
  await page.getByLabel('Address').fill(ADDRESS);
  await page.getByRole('button', { name: 'Ask' }).click();
  await see(page, '#dependents', evil);
  assert.equal(await page.locator('#no-address').isVisible(), false);
  assert.equal(await page.evaluate('globalThis.owned'), undefined);
  const [download] = await Promise.all([page.waitForEvent('download'), page.locator('#csv').click()]);
  assert.equal(download.suggestedFilename(), `retire-${ADDRESS}.csv`);
  await finish(
    page,
    wrongs.filter((wrong) => !/status of 400/.test(wrong)),
  );
});
