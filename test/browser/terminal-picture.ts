/** `node test/browser/terminal-picture.ts`: makes docs/screenshots/terminal.png anew, of what `npm start` really prints. */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { REPOSITORY } from '../parts/repository.ts';
import { startChromium } from './chromium.ts';

const [FROM, TO] = ['$ agent apply', '$ agent apply'] as const;

const { stdout, stderr, status } = spawnSync(process.execPath, [join(REPOSITORY, 'test/demo/demo.ts')], {
  encoding: 'utf8',
});
if (status !== 0) throw new Error(`the demonstration failed: ${stderr}`);
const begin = stdout.indexOf(FROM);
const end = stdout.indexOf(TO, begin + FROM.length);
if (begin < 0 || end < 0) throw new Error(`the demonstration does not run "${FROM}" twice`);

const lines = stdout.slice(begin, end).trimEnd().split('\n').map(markup);
const page = `<!doctype html><meta charset="utf-8"><style>
  body { margin: 0; background: #12181f }
  pre { margin: 0; padding: 20px 24px; width: max-content; color: #d7dee6; font: 14px/1.45 "DejaVu Sans Mono", monospace }
  .command { color: #fff; font-weight: bold } .title { color: #7cc4ff; font-weight: bold } .good { color: #7fd88f } .bad { color: #ff8f8f }
</style><pre>${lines.join('\n')}</pre>`;

const browser = await startChromium();
try {
  const { page: tab } = await browser.open('about:blank');
  await tab.setContent(page);
  writeFileSync(join(REPOSITORY, 'docs/screenshots/terminal.png'), await tab.locator('pre').screenshot());
} finally {
  await browser.close();
}

function markup(line: string): string {
  const text = line.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/✓|→/g, '<span class="good">$&</span>');
  if (line.startsWith('$')) return `<span class="command">${text}</span>`;
  if (/outage/.test(line)) return `<span class="bad">${text}</span>`;
  return /^\S/.test(line) ? `<span class="title">${text}</span>` : text;
}
