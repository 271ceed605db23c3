/** Debian's Chromium, with a profile of its own that is thrown away; it asks nobody for anything by itself. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BrowserContext, chromium, type Page } from 'playwright-core';

const executablePath = '/usr/bin/chromium';

/** Why there is nothing to test with; false: there is. */
export const missing = existsSync(executablePath) ? false : 'no /usr/bin/chromium: apt-get install chromium';

const quiet = ['--disable-background-networking', '--disable-component-update', '--disable-sync', '--no-first-run'];
const args = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--disable-dev-shm-usage', ...quiet];

export interface Browser {
  /** A new tab. What it should not have done stands in `wrongs`: errors in its console, requests to other origins. */
  open(url: string): Promise<{ page: Page; wrongs: string[] }>;
  close(): Promise<void>;
}

export async function startChromium(): Promise<Browser> {
  const profile = mkdtempSync(join(tmpdir(), 'holdfast-chromium-'));
  const context: BrowserContext = await chromium.launchPersistentContext(profile, {
    executablePath,
    headless: true,
    args,
    timeout: 120_000,
    viewport: { width: 1280, height: 800 },
    colorScheme: 'light',
    locale: 'en-GB',
    timezoneId: 'UTC',
  });
  context.setDefaultTimeout(60_000);
  return {
    async open(url) {
      const page = await context.newPage();
      const wrongs: string[] = [];
      page.on('console', (message) => {
        if (['error', 'warning'].includes(message.type())) wrongs.push(message.text());
      });
      page.on('pageerror', (error) => wrongs.push(String(error)));
      page.on('request', (request) => {
        if (new URL(request.url()).origin !== new URL(url).origin) wrongs.push(`asked for ${request.url()}`);
      });
      await page.goto(url);
      return { page, wrongs };
    },
    async close() {
      await context.close();
      rmSync(profile, { recursive: true, force: true });
    },
  };
}
