/** What dpkg makes of the package, without systemd: installed, removed and purged in a minimal Debian of its own. */
import assert from 'node:assert/strict';
import { basename } from 'node:path';
import { test } from 'node:test';
import { DEB, inDebian, uninstallable } from './built.ts';

const INSTALL = `dpkg -i /packages/${basename(DEB)} >/dev/null`;
/** Something for `revert` to put back: a file, a file that was not there, and a value of the kernel. */
const APPLY = `
  echo 'nameserver 192.0.2.1' >/etc/resolv.conf
  echo 0 >/proc/sys/net/ipv4/ip_forward
  cat >/etc/holdfast/agent.yaml <<'END'
dns: { nameservers: [192.0.2.53] }
sysctl: { net.ipv4.ip_forward: 1 }
END
  agent apply >/dev/null`;
const HELD = `grep -q 192.0.2.53 /etc/resolv.conf; grep -q 1 /proc/sys/net/ipv4/ip_forward`;
/** Every file of the system that is not dpkg's own, with its contents. */
const SNAPSHOT = `find / -xdev -path /packages -prune -o -path /proc -prune -o -path /dev -prune -o -path /var/lib/dpkg -prune -o \\
  -path /var/log -prune -o -path /tmp -prune -o -path /var/cache -prune -o -printf '%M %u %g %p %l\\n' -type f -exec sha256sum {} + | sort`;

function passes(script: string): string {
  const { status, stdout, stderr } = inDebian('bookworm', [DEB], script);
  assert.equal(status, 0, `${stdout}${stderr}`);
  return stdout + stderr;
}

test('package lifecycle: installed it has changed nothing but its own files, and says so', {
  skip: uninstallable(),
}, () => {
  const said = passes(`${INSTALL}
    agent --version; test ! -e /etc/holdfast/agent.yaml
    ls -d /var/lib/holdfast /run/holdfast /etc/sysctl.d/60-holdfast.conf /etc/dhcp 2>/dev/null && exit 9
    agent apply || echo "status $?"`);
  assert.match(said, /agent\.yaml: does not exist; `agent init` writes one/);
  assert.match(said, /status 1/);
});

test('package lifecycle: a removal leaves the host held, says so, and keeps what a purge needs; a purge leaves nothing', {
  skip: uninstallable(),
}, () => {
  const said = passes(`echo 'nameserver 192.0.2.1' >/etc/resolv.conf; ${SNAPSHOT} >/tmp/before
    ${INSTALL}; ${APPLY}; ${HELD}
    dpkg --remove holdfast
    test ! -e /usr/bin/agent; ${HELD}
    test "$(stat -c %a:%u:%g /var/lib/holdfast/agent)" = 755:0:0
    dpkg --purge holdfast
    grep -q 0 /proc/sys/net/ipv4/ip_forward
    ${SNAPSHOT} >/tmp/after; diff /tmp/before /tmp/after`);
  assert.match(said, /files and values that it set stay as they are/);
});

test('package lifecycle: a purge at once does the same', { skip: uninstallable() }, () => {
  passes(`echo 'nameserver 192.0.2.1' >/etc/resolv.conf; ${SNAPSHOT} >/tmp/before
    ${INSTALL}; ${APPLY}; ${HELD}
    dpkg --purge holdfast
    grep -q 0 /proc/sys/net/ipv4/ip_forward
    ${SNAPSHOT} >/tmp/after; diff /tmp/before /tmp/after`);
});

test('package lifecycle: a purge that cannot put all back fails, keeps what a second try needs, and succeeds then', {
  skip: uninstallable(),
}, () => {
  const said = passes(`${INSTALL}; ${APPLY}
    sed -i s/192.0.2.53/192.0.2.99/ /etc/resolv.conf
    dpkg --purge holdfast && exit 9
    test -x /var/lib/holdfast/agent; grep -q 192.0.2.99 /etc/resolv.conf
    sed -i s/192.0.2.99/192.0.2.53/ /etc/resolv.conf
    dpkg --purge holdfast
    test ! -e /var/lib/holdfast; grep -qx 'nameserver 192.0.2.1' /etc/resolv.conf`);
  assert.match(said, /the host is not wholly as it was/);
});

test('package lifecycle: installed again after a removal it goes on where it was', { skip: uninstallable() }, () => {
  passes(`${INSTALL}; ${APPLY}; dpkg --remove holdfast >/dev/null
    ${INSTALL}; test ! -e /var/lib/holdfast/agent
    agent plan; ${HELD}
    agent revert >/dev/null; grep -qx 'nameserver 192.0.2.1' /etc/resolv.conf`);
});
