/** Doctor names the program that removes configured rules, and tables to which no rule leads. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { policyRulesCheck } from '../../../agent/doctor/checks/policy-rules-check.ts';
import { codes, seenBy } from '../../parts/doctor-patient.ts';

const RULES = 'rules: [{ from: 10.0.2.10, table: 100, priority: 100 }]\n';
const NETWORKD = { 'systemd-network': 12 };

test('doctor, policy rules: systemd-networkd removes what it does not know, unless it is told not to', (t) => {
  const found = (files: Record<string, string>, yaml = RULES, daemons: Record<string, number> = NETWORKD) =>
    codes(seenBy(t, policyRulesCheck, { yaml, daemons, files }));
  assert.deepEqual(found({}), ['HF-RULES-NETWORKD']);
  assert.deepEqual(found({}, RULES, {}), []);
  assert.deepEqual(found({}, '{}'), []);
  const file = 'etc/systemd/networkd.conf.d/50.conf';
  assert.deepEqual(found({ [file]: '[Network]\nManageForeignRoutes=no\n' }), ['HF-RULES-NETWORKD']);
  assert.deepEqual(found({ [file]: '[Network]\nManageForeignRoutingPolicyRules=no\n' }), []);
});

test('doctor, policy rules: a table without a rule is a warning with its number', (t) => {
  const unled = ['no IPv4 rule leads to table 100'];
  const seen = seenBy(t, policyRulesCheck, { yaml: 'routes: [{ to: 10.0.0.0/8, dev: eth0, table: 100 }]', unled });
  assert.deepEqual(seen, [{ code: 'HF-ROUTES-NO-RULE', seen: unled[0] }]);
});
