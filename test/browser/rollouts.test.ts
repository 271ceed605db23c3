/** The page on the real collector: rollouts by waves, and the buttons that stop one and let it go on. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { askWave } from '../../agent/confirm/waves/ask-wave.ts';
import { Host } from '../../agent/host/host.ts';
import { Credentials } from '../../agent/report/delivery/credentials.ts';
import { sample } from '../../probes/probe.ts';
import { collector, heartbeat, send } from '../parts/collector-wire.ts';
import { scratch } from '../parts/scratch.ts';
import { missing, startChromium } from './chromium.ts';
import { faint } from './contrast.ts';
import { finish, focused, mark, see, unmarked } from './look.ts';

const NAME = 'release-7';

test('page: a rollout is stopped and goes on by its buttons, with a token that may write', {
  skip: missing,
}, async (t) => {
  const folder = scratch(t, { token: '' });
  const writers = join(folder, 'writers');
  writeFileSync(writers, 'may-write\n');
  const { url } = await collector(t, { writeTokenFile: writers, waves: '2,100%', stopAfter: 2 });
  const hosts = ['a', 'b', 'c', 'd', 'e'];
  for (const host of hosts) await send(url, heartbeat({ host }));
  const names = { tokenFile: null, ca: null, certificate: null, key: null };
  const ask = (host: string) =>
    askWave(
      new Host(),
      { endpoint: url, names, credentials: new Credentials(), hostId: `id-of-${host}` },
      { change: '3f9c12ab', configuration: 'c'.repeat(64), rollout: NAME, within: 120_000 },
    );
  const wave = (standing: string) =>
    sample('holdfast.change.wave', 1, {
      'holdfast.change.id': '3f9c12ab',
      'holdfast.change.rollout': NAME,
      'holdfast.change.standing': standing,
    });
  const browser = await startChromium();
  t.after(() => browser.close());
  const { page, wrongs } = await browser.open(`${url}/`);
  await see(page, '#total', '5 hosts');
  assert.equal(await page.locator('#rollouts').isVisible(), false);
  await mark(page);

  for (const host of hosts) await ask(host);
  await see(page, '#rollouts', 'release-7 wave 1 of 2, up to 2 hosts: 2 of 5 admitted');
  await see(page, '#rollouts', '2 without a result yet');
  await see(page, '#rollouts', '3 waiting');
  const stop = page.getByRole('button', { name: `Stop rollout ${NAME}` });
  const goOn = page.getByRole('button', { name: `Let rollout ${NAME} go on` });
  assert.equal(await goOn.isVisible(), false);

  await stop.focus();
  await send(url, heartbeat({ host: 'a', sequence: 2, more: [wave('confirmed')] }));
  await see(page, '#rollouts', '1 confirmed');
  assert.equal(await focused(page), `Stop rollout ${NAME}`, 'new numbers do not take the focus');
  await page.keyboard.press('Enter');
  await page.getByLabel('a token that may write is needed').and(page.locator('#rollout-token')).fill('wrong');
  await page.keyboard.press('Enter');
  await see(page, '#rollout-refused', 'a token that may write is needed');
  await page.locator('#rollout-token').fill('may-write');
  await page.keyboard.press('Enter');
  await see(page, '#rollouts', 'Stopped: an operator stopped it');
  assert.match((await ask('c')).why, /an operator stopped it/);
  for (const scheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme: scheme });
    assert.deepEqual(await page.evaluate(faint), []);
  }
  await see(page, '#rollouts', '3 waiting');

  page.once('dialog', (dialog) => void dialog.accept());
  await goOn.click();
  await stop.waitFor();
  await send(url, heartbeat({ host: 'b', sequence: 2, more: [wave('provisional')] }));
  await see(page, '#rollouts', 'Provisional changes hold the next wave up.');
  await send(url, heartbeat({ host: 'b', sequence: 3, more: [wave('put-back')] }));
  await see(page, '#rollouts', '1 put back');
  for (const host of ['c', 'd', 'e']) assert.equal((await ask(host)).go, true);
  await send(url, heartbeat({ host: 'c', sequence: 2, more: [wave('put-back')] }));
  await see(page, '#rollouts', 'Stopped: 2 changes were put back (b, c)');
  await page.setViewportSize({ width: 390, height: 800 });
  const wide = await page.evaluate<number>('document.documentElement.scrollWidth');
  assert.ok(wide <= 390, `${wide} pixels`);
  if (process.env.PICTURES !== undefined)
    for (const [width, scheme] of [
      [390, 'light'],
      [390, 'dark'],
      [1280, 'light'],
      [1280, 'dark'],
    ] as const) {
      await page.setViewportSize({ width, height: 800 });
      await page.emulateMedia({ colorScheme: scheme });
      await page.screenshot({ path: join(process.env.PICTURES, `rollouts-${width}-${scheme}.png`) });
    }
  await page.getByRole('link', { name: 'd', exact: true }).click();
  await send(url, heartbeat({ host: 'd', sequence: 2, more: [wave('waiting')] }));
  await see(page, '#facts', 'Waits for its wavechange 3f9c12ab');
  await unmarked(page);
  await finish(
    page,
    wrongs.filter((wrong) => !/status of 403/.test(wrong)),
  );
});
