/** Who reloads, reconfigures or restarts systemd-networkd: each place where such a command may stand, and its cost. */
import assert from 'node:assert/strict';
import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { networkdReloadCheck } from '../../../agent/doctor/checks/networkd-reload-check.ts';
import { codes, FolderHost, seenBy, seenOn } from '../../parts/doctor-patient.ts';
import { scratch } from '../../parts/scratch.ts';

const ENABLED = 'etc/systemd/system/multi-user.target.wants/systemd-networkd.service';
const systemd = (version: number) => ({ [`usr/lib/x86_64-linux-gnu/systemd/libsystemd-shared-${version}.so`]: '' });

function look(t: TestContext, files: Record<string, string>, version = 252) {
  return seenBy(t, networkdReloadCheck, { files: { [ENABLED]: '', ...systemd(version), ...files } });
}

const seen = (t: TestContext, files: Record<string, string>) => look(t, files).map((one) => one.seen);

const COST = 'which on systemd 252 gives up the lease of each link whose files changed';

/** The steps of Amazon's package, as its public sources describe them: the reload stands in a file that is sourced. */
const AMAZON = {
  'usr/lib/systemd/system/refresh-policy-routes@.service':
    '[Service]\nType=oneshot\nExecStart=/usr/bin/setup-policy-routes %i refresh\n',
  'usr/lib/systemd/system/refresh-policy-routes@.timer': '[Timer]\nOnUnitInactiveSec=60\n',
  'usr/bin/setup-policy-routes':
    '#!/bin/bash\ndeclare -r lockdir="/run/lock"\nlibdir=${LIBDIR_OVERRIDE:-/usr/share/amazon-ec2-net-utils}\n. "${libdir}/lib.sh"\n',
  'usr/share/amazon-ec2-net-utils/lib.sh': 'maybe_reload() {\n  rm -f "$lockdir/$$"\n  networkctl reload\n}\n',
};

test('doctor, networkd: a reload in a file that a service’s script sources is named with the timer', (t) => {
  assert.deepEqual(seen(t, AMAZON), [
    `/usr/share/amazon-ec2-net-utils/lib.sh:3: refresh-policy-routes@.timer starts refresh-policy-routes@.service, which runs "networkctl reload", ${COST}`,
  ]);
});

const PLACES: Record<string, readonly [text: string, found: string]> = {
  'etc/systemd/system/a.service': [
    "[Service]\nExecStart=-/bin/sh -c 'sleep 1; exec \\\n  networkctl reload'\n",
    '/etc/systemd/system/a.service:2: a.service',
  ],
  'etc/udev/rules.d/70-x.rules': [
    'ACTION=="add", SUBSYSTEM=="net", RUN+="/usr/bin/networkctl reload"\n',
    "/etc/udev/rules.d/70-x.rules:1: udev's 70-x.rules",
  ],
  'etc/crontab': ['MAILTO=root\n*/5 * * * * root /usr/bin/networkctl reload\n', '/etc/crontab:2: cron'],
  'etc/cron.d/x': ['# x\n@reboot root timeout 5 networkctl reload\n', '/etc/cron.d/x:2: cron'],
  'var/spool/cron/crontabs/root': ['1 2 * * * networkctl reload\n', '/var/spool/cron/crontabs/root:1: cron'],
  'etc/cron.daily/x': ['#!/bin/sh\nsudo networkctl --no-pager reload\n', '/etc/cron.daily/x:2: /etc/cron.daily/x'],
  'etc/networkd-dispatcher/routable.d/x': [
    '#!/usr/bin/python3\n# networkctl reload\nsubprocess.run(["networkctl", "reload"])\n',
    '/etc/networkd-dispatcher/routable.d/x:3: /etc/networkd-dispatcher/routable.d/x',
  ],
  'etc/NetworkManager/dispatcher.d/x': [
    '#!/bin/sh\nif true; then systemctl reload systemd-networkd; fi\n',
    '/etc/NetworkManager/dispatcher.d/x:2: /etc/NetworkManager/dispatcher.d/x',
  ],
  'etc/rc.local': ['#!/bin/sh\nnetworkctl reload\n', '/etc/rc.local:2: /etc/rc.local'],
};

for (const [file, [text, found]] of Object.entries(PLACES)) {
  test(`doctor, networkd: a reload in /${file} is found`, (t) => {
    const [one, ...others] = seen(t, { [file]: text });
    assert.ok(one?.startsWith(`${found} runs "`), one);
    assert.ok(one?.endsWith(COST), one);
    assert.deepEqual(others, []);
  });
}

test('doctor, networkd: a drop-in counts for its service, and a masked or overridden service does not', (t) => {
  const service = { 'usr/lib/systemd/system/b.service': '[Service]\nExecStart=/usr/bin/networkctl reload\n' };
  assert.equal(seen(t, service).length, 1);
  assert.deepEqual(seen(t, { ...service, 'etc/systemd/system/b.service': '[Service]\nExecStart=/bin/true\n' }), []);
  assert.match(
    seen(t, {
      'usr/lib/systemd/system/c.service': '[Service]\nExecStart=/bin/true\n',
      'etc/systemd/system/c.service.d/x.conf': '[Service]\nExecStartPost=/usr/bin/networkctl reload\n',
    })[0] ?? '',
    /^\/etc\/systemd\/system\/c\.service\.d\/x\.conf:2: c\.service runs/,
  );
  const own = { 'usr/lib/systemd/system/systemd-networkd.service': '[Service]\nExecReload=networkctl reload\n' };
  assert.deepEqual(seen(t, own), [], "systemd-networkd's own unit reloads only for the command of another program");
});

test('doctor, networkd: an alias is the unit that it links to, also of systemd-networkd itself', (t) => {
  const units = 'usr/lib/systemd/system';
  const files = {
    [ENABLED]: '',
    ...systemd(252),
    [`${units}/systemd-networkd.service`]: '[Service]\nExecReload=networkctl reload\n',
    [`${units}/b.service`]: '[Service]\nExecStart=/usr/bin/networkctl reload\n',
  };
  const root = scratch(t, files);
  const aliases = { 'dbus-org.freedesktop.network1': 'systemd-networkd', a: 'b' };
  for (const [alias, unit] of Object.entries(aliases)) {
    symlinkSync(`../../../${units}/${unit}.service`, join(root, `etc/systemd/system/${alias}.service`));
  }
  assert.deepEqual(
    seenOn(new FolderHost(root, { files }), networkdReloadCheck, { files }).map((one) =>
      one.seen.replace(/ runs .*/, ''),
    ),
    [`/${units}/b.service:2: b.service`],
  );
});

test('doctor, networkd: each command has its cost on this version of systemd', (t) => {
  const said = (command: string, version: number) => {
    const [one] = look(t, { 'etc/rc.local': `#!/bin/sh\n${command}\n` }, version);
    return `${one?.severity}: ${one?.seen.replace(/^.*which /, '')}`;
  };
  const ofChanged = (version: number) =>
    `warning: on systemd ${version} gives up the lease of each link whose files changed`;
  assert.equal(said('networkctl reload', 247), ofChanged(247));
  assert.equal(said('networkctl reload', 257), 'note: keeps the lease on systemd 257');
  for (const command of ['netplan apply', '/usr/sbin/netplan --debug try', 'networkctl reconfigure eth0']) {
    assert.equal(said(command, 257), 'warning: gives up the lease of each link', command);
  }
  for (const command of ['systemctl restart systemd-networkd.service', 'service systemd-networkd restart']) {
    assert.equal(said(command, 252), 'note: keeps the lease from systemd 252 on', command);
    assert.equal(said(command, 247), 'warning: keeps the lease from systemd 252 on', command);
  }
  const byBus =
    'busctl call org.freedesktop.network1 /org/freedesktop/network1 org.freedesktop.network1.Manager Reload';
  assert.equal(said(byBus, 252), ofChanged(252));
});

test('doctor, networkd: other commands, and words about such commands, are no finding', (t) => {
  const harmless = [
    'echo networkctl reload',
    'networkctl status eth0',
    'networkctl renew eth0',
    'netplan generate',
    'systemctl restart systemd-resolved',
    'systemctl status systemd-networkd',
    'systemctl restart systemd-networkd-wait-online',
    '# networkctl reload',
    'cat <<E\nnetworkctl reload\nE',
  ];
  assert.deepEqual(seen(t, { 'etc/rc.local': `#!/bin/sh\n${harmless.join('\n')}\n` }), []);
  const program = { 'etc/cron.daily/x': '\x7fELF\0\nnetworkctl reload\n' };
  assert.deepEqual(seen(t, program), []);
});

test('doctor, networkd: a script that runs itself, and one that is missing, end the search', (t) => {
  assert.deepEqual(seen(t, { 'etc/rc.local': '#!/bin/sh\n/etc/rc.local\n. /nowhere\n' }), []);
});

test('doctor, networkd: netplan is a note, if it makes files', (t) => {
  const netplan = { 'usr/sbin/netplan': '' };
  assert.deepEqual(look(t, netplan), []);
  const [one] = look(t, { ...netplan, 'etc/netplan/50-cloud-init.yaml': 'network: { version: 2 }\n' });
  assert.match(one?.seen ?? '', /^\/etc\/netplan\/50-cloud-init\.yaml: .*"netplan apply" gives up the lease/);
  assert.equal(one?.severity, 'note');
});

test('doctor, networkd: cloud-init is named if it acts on network cards that are plugged in', (t) => {
  const files = {
    'etc/systemd/system/sockets.target.wants/cloud-init-hotplugd.socket': '',
    'etc/cloud/cloud.cfg.d/50-x.cfg': 'system_info: {}\nupdates: { network: { when: [boot, hotplug] } }\n',
  };
  const asks = 'for a network card that is plugged in, cloud-init-hotplugd.service runs';
  const restart = `/etc/cloud/cloud.cfg.d/50-x.cfg:2: ${asks} "systemctl restart systemd-networkd systemd-resolved", which keeps the lease from systemd 252 on`;
  assert.deepEqual(seen(t, files), [restart]);
  assert.match(seen(t, { ...files, 'usr/sbin/netplan': '' })[0] ?? '', /runs "netplan apply", which gives up/);
  assert.deepEqual(seen(t, { ...files, 'usr/sbin/ifup': '' }), [], 'ifupdown comes first');
  const unsaid = { ...files, 'etc/cloud/cloud.cfg.d/50-x.cfg': 'updates: { network: { when: [boot] } }\n' };
  assert.deepEqual(seen(t, unsaid), []);
});

test('doctor, networkd: where systemd-networkd neither runs nor starts, nobody is named', (t) => {
  assert.deepEqual(seenBy(t, networkdReloadCheck, { files: { ...AMAZON } }), []);
  const running = { others: { 'systemd-network': { 12: 'systemd-networkd' } } };
  assert.deepEqual(codes(seenBy(t, networkdReloadCheck, { files: { ...AMAZON }, ...running })), ['HF-NETWORKD-RELOAD']);
});
