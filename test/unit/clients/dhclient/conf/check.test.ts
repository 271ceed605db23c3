/** The real dhclient reads a configuration with the files that it includes, of this machine or of another root. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dhclientComplaints } from '../../../../../agent/clients/dhclient/conf/complaints.ts';
import { Host } from '../../../../../agent/host/host.ts';
import { noNamespaces, scratch } from '../../../../parts/scratch.ts';

const skip = noNamespaces('dhclient');

test("dhclient's own check of another root reads that root's included files", { skip }, (t) => {
  const root = scratch(t, {
    'etc/dhcp/site.conf': 'option site-code code 200 = text;\n',
    'etc/dhcp/broken.conf': 'timeout sixty;\n',
  });
  const complaints = (text: string) => dhclientComplaints(new Host({ root }), text);
  assert.deepEqual(complaints('include "/etc/dhcp/site.conf";\nsupersede site-code "x";\n'), []);
  assert.match(complaints('timeout 60;\nINCLUDE "/etc/dhcp/broken.conf";\n').join(), /Expecting numeric/);
  assert.match(complaints('include "/etc/dhcp/gone.conf";\n').join(), /line 1: .*gone\.conf/);
});
