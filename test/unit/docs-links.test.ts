/** The documents as a reader walks them: each link leads somewhere, and the index names every page. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { REPOSITORY } from '../parts/repository.ts';

const pages = readdirSync(join(REPOSITORY, 'docs')).filter((name) => name.endsWith('.md'));
const documents = ['README.md', 'CONTRIBUTING.md', 'SECURITY.md', ...pages.map((name) => `docs/${name}`)];

test('documents: every link to a file of the repository leads to one, and every anchor to a heading', () => {
  const broken: string[] = [];
  for (const document of documents) {
    const text = readFileSync(join(REPOSITORY, document), 'utf8');
    for (const [, link = ''] of text.matchAll(/\]\(([^()\s]+)\)/g)) {
      if (/^[a-z]+:/.test(link)) continue;
      const [file = '', anchor] = link.split('#');
      const target = file === '' ? document : join(dirname(document), file);
      if (!existsSync(join(REPOSITORY, target))) broken.push(`${document}: ${link}`);
      else if (anchor !== undefined && !anchorsOf(target).has(anchor)) broken.push(`${document}: ${link}`);
    }
  }
  assert.deepEqual(broken, []);
});

test('docs/README.md: the index names every page', () => {
  const index = readFileSync(join(REPOSITORY, 'docs/README.md'), 'utf8');
  const missing = pages.filter((name) => name !== 'README.md' && !index.includes(`(${name})`));
  assert.deepEqual(missing, []);
});

/** The anchors that a hosting service makes of a page's headings: lower case, blanks to hyphens, other signs left out. */
function anchorsOf(document: string): Set<string> {
  const text = readFileSync(join(REPOSITORY, document), 'utf8');
  const headings = [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) => heading);
  return new Set(
    headings.map((one) =>
      one
        .toLowerCase()
        .replace(/[^\p{L}\p{N}\s_-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  );
}
