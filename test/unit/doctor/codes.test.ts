/** Every code of doctor is found by a check and has its section in docs/doctor.md. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { DOCTOR_CODES } from '../../../agent/doctor/codes.ts';
import { REPOSITORY } from '../../parts/repository.ts';

const text = readFileSync(join(REPOSITORY, 'docs/doctor.md'), 'utf8');

test('doctor codes: every code has its section in docs/doctor.md, and every section its code', () => {
  const sections = [...text.matchAll(/^### (HF-[A-Z-]+)$/gm)].map(([, code]) => code);
  assert.deepEqual(sections, Object.keys(DOCTOR_CODES));
});

test('doctor codes: every section says something, and names the severity', () => {
  for (const section of text.split(/^### /m).slice(1)) {
    const [code = '', ...rest] = section.split('\n');
    const { severity } = DOCTOR_CODES[code as keyof typeof DOCTOR_CODES];
    assert.match(rest.join('\n'), new RegExp(`^\\*${severity}`), code);
    const paragraphs = rest
      .join('\n')
      .split('\n\n')
      .filter((paragraph) => paragraph.trim() !== '');
    assert.ok(paragraphs.length > 1, code);
  }
});

test('doctor codes: every code is found by some check', () => {
  const folder = join(REPOSITORY, 'agent');
  const sources = readdirSync(join(folder, 'doctor'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && name !== 'codes.ts')
    .map((name) => readFileSync(join(folder, 'doctor', name), 'utf8'))
    .concat(readFileSync(join(folder, 'commands/doctor.ts'), 'utf8'))
    .join('');
  for (const code of Object.keys(DOCTOR_CODES)) assert.ok(sources.includes(`'${code}'`), code);
});
