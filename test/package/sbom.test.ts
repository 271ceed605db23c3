/** The bill of materials, by the official schemas of CycloneDX 1.6 and by the list of SPDX. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { suite, test } from 'node:test';
import { Ajv } from 'ajv';
import { bundle } from '../../packaging/build.ts';
import { billOfMaterials, components, copyright } from '../../packaging/sbom.ts';
import { REPOSITORY } from '../parts/repository.ts';

const require = createRequire(import.meta.url);
const schemas = join(dirname(require.resolve('@cyclonedx/cyclonedx-library/package.json')), 'res/schema');
const parseLicense = require('spdx-expression-parse') as (expression: string) => unknown;

const { metafile } = await bundle(join(REPOSITORY, 'agent/cli.ts'), join(REPOSITORY, 'dist'));
const parts = components(metafile);

suite('the bill of materials', () => {
  const bill = JSON.parse(billOfMaterials(parts, '1.2.3', 1_700_000_000));
  // The schemas are of an older dialect than ajv's strictness, and name formats that ajv does not know.
  const ajv = new Ajv({ strict: false, validateFormats: false, allErrors: true });
  for (const name of ['spdx', 'jsf-0.82', 'cryptography-defs']) {
    ajv.addSchema({ ...schema(name), $id: `http://cyclonedx.org/schema/${name}.SNAPSHOT.schema.json` });
  }
  const valid = ajv.compile(schema('bom-1.6'));

  test('is valid', () => {
    assert.ok(valid(bill), ajv.errorsText(valid.errors));
  });

  test('would not be with a licence that SPDX does not know', () => {
    const [first, ...others] = bill.components;
    const wrong = { ...first, licenses: [{ license: { id: 'Apache 2' } }] };
    assert.ok(!valid({ ...bill, components: [wrong, ...others] }));
  });

  test('has every package of the bundle, each with its licence and with the checksum that is pinned', () => {
    const names = parts.map(({ name }) => name);
    for (const name of ['commander', 'zod', 'yaml', 'netlink', 'node']) assert.ok(names.includes(name), name);
    for (const { name, license, sha512 } of parts.filter((part) => part.name !== 'node')) {
      assert.doesNotThrow(() => parseLicense(license ?? ''), `${name}: ${license}`);
      assert.match(sha512 ?? '', /^[0-9a-f]{128}$/, name);
    }
    assert.throws(() => parseLicense('Apache 2'));
  });
});

test('SBOM: Debian’s copyright file names every package and where its licence is', () => {
  const text = copyright(parts);
  for (const { name } of parts.filter((part) => part.name !== 'node')) {
    assert.ok(text.includes(`Files: node_modules/${name}/*`), name);
  }
  assert.match(text, /LICENSE\.node/);
});

function schema(name: string): object {
  return JSON.parse(readFileSync(join(schemas, `${name}.SNAPSHOT.schema.json`), 'utf8'));
}
