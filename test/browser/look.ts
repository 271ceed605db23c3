/** What a reader of the page sees, where the focus is, and that nothing went wrong meanwhile. */
import assert from 'node:assert/strict';
import type { Page } from 'playwright-core';

/** Nothing was written to the console, nobody else was asked for anything. */
export async function finish(page: Page, wrongs: readonly string[]): Promise<void> {
  await page.close();
  assert.deepEqual(wrongs, []);
}

/** Waits until the element is seen and contains the text. */
export async function see(page: Page, selector: string, text: string): Promise<void> {
  await page.locator(selector).filter({ hasText: text, visible: true }).first().waitFor();
}

/** What a reload would lose. */
export const mark = (page: Page) => page.evaluate('globalThis.notReloaded = true');

export async function unmarked(page: Page): Promise<void> {
  assert.equal(await page.evaluate('globalThis.notReloaded'), true, 'the page was not loaded again');
}

/** What has the focus, by its name. */
export const focused = (page: Page) =>
  page.evaluate<string>('document.activeElement.ariaLabel ?? document.activeElement.textContent.trim()');

export async function tabTo(page: Page, name: string, key = 'Tab'): Promise<void> {
  for (let steps = 0; steps < 40; steps++) {
    if ((await focused(page)).includes(name) && (await page.evaluate('document.activeElement !== document.body')))
      return;
    await page.keyboard.press(key);
  }
  assert.fail(`${key} never came to ${name}`);
}
