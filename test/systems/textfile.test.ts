/** The timer for node_exporter's textfile collector, and what another user of the host can do with the folder, which is theirs. */
import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { after, before, suite, test } from 'node:test';
import { type Suite, suites } from '../parts/lab/debian.ts';
import { NEW } from '../parts/lab/scene.ts';
import { Machine, unavailable } from './machine.ts';
import { installService, property } from './service.ts';

const FOLDER = '/var/lib/prometheus/node-exporter';
const FILE = `${FOLDER}/holdfast.prom`;
const CONFIG = `dns: { nameservers: [${NEW.join(', ')}] }
report: { endpoint: "http://127.0.0.1:4318", token-file: /etc/holdfast/token }
`;
/** Prometheus' text format, version 0.0.4: a comment or a sample a line, and the last line has its end. */
const LINE =
  /^(# (HELP|TYPE) [a-zA-Z_:][\w:]* .+|[a-zA-Z_:][\w:]*(\{([a-zA-Z_]\w*="([^"\\]|\\.)*",?)*\})? (-?[\d.]+(e[-+]?\d+)?|NaN|[-+]Inf))$/;
/** Their owner's: of no right that root's processes have. */
const AS_NOBODY = ['setpriv', '--reuid=nobody', '--regid=nogroup', '--clear-groups'];

for (const release of Object.keys(suites) as Suite[]) {
  suite(`${suites[release]}: holdfast-textfile.timer`, { skip: unavailable(), concurrency: false }, () => {
    let machine: Machine;

    before(async () => {
      machine = await Machine.boot({ release, files: { '/etc/holdfast/agent.yaml': CONFIG } });
      await installService(machine);
      await machine.sh(
        `mkdir -p ${FOLDER}; chown nobody ${FOLDER}; echo secret >/etc/holdfast/token; chmod 600 /etc/holdfast/token`,
      );
      const often = '[Timer]\nOnActiveSec=\nOnUnitActiveSec=\nOnActiveSec=1\nOnUnitActiveSec=1\nAccuracySec=10ms\n';
      await machine.write('/etc/systemd/system/holdfast-textfile.timer.d/test.conf', often);
      await machine.sh('systemctl daemon-reload');
    });

    after(() => machine?.close());

    const inode = () => statSync(machine.path(FILE)).ino;
    const another = (than: number) =>
      machine.sh(
        `timeout 60 sh -c 'until [ -e ${FILE} ] && [ "$(stat -c %i ${FILE})" != ${than} ]; do sleep 0.02; done'`,
      );

    test('the file comes and is replaced whole, for its readers to read', async () => {
      await machine.sh('systemctl start holdfast-textfile.timer');
      await another(0);
      // A reader always sees one whole file, with its first line and its last.
      const text = await machine.read(FILE);
      const reader = machine.run([
        'sh',
        '-c',
        `for n in $(seq 300); do cat ${FILE} | sed -n '1p;$p' | md5sum; sleep 0.01; done | sort | uniq -c`,
      ]);
      await another(inode());
      await another(inode());
      const ends = text.trimEnd().split('\n');
      assert.equal(text.at(-1), '\n');
      for (const line of ends) assert.match(line, LINE);
      assert.match(text, /^holdfast_probe_success_ratio\{probe="canary"\} 1$/m);
      assert.match(text, /^system_network_route_count\{network_type="ipv6"\} \d+$/m);
      const { stdout } = await reader;
      assert.ok(!stdout.includes('d41d8cd98f00b204e9800998ecf8427e'), 'never empty');
      assert.equal((await machine.run([...AS_NOBODY, 'cat', FILE])).code, 0);
      assert.equal(await property(machine, 'holdfast-textfile.service', 'Result'), 'success');
      assert.doesNotMatch(await machine.journal('holdfast-textfile.service'), /Permission denied|EROFS|EPERM|EACCES/);
    });

    test('its folder’s owner has root write nowhere else', async () => {
      await machine.sh('echo mine >/etc/precious; mkdir /etc/folder');
      for (const trick of [
        `ln -sf /etc/precious ${FILE}`,
        `ln -sf /etc/precious ${FOLDER}/.holdfast.prom.holdfast`,
        `rm -f ${FILE}; mkfifo ${FILE}`,
      ]) {
        await machine.sh(`${AS_NOBODY.join(' ')} sh -c '${trick}'`);
        await machine.run(['systemctl', 'start', 'holdfast-textfile.service']);
        assert.equal(await machine.read('/etc/precious'), 'mine\n', trick);
        await machine.sh(`rm -f ${FILE} ${FOLDER}/.holdfast.prom.holdfast`);
      }
    });

    test('another user reads no secret, writes nothing of Holdfast’s, and commands nothing', async () => {
      await machine.sh('systemctl start holdfast');
      const pid = await property(machine, 'holdfast.service', 'MainPID');
      const refused = [
        'cat /etc/holdfast/token',
        'cat /run/holdfast/configuration',
        'ls /var/lib/holdfast/originals',
        'ls /var/lib/holdfast/spool/events',
        'touch /run/holdfast/restart',
        'touch /run/holdfast/code/netlink.node',
        'touch /var/lib/holdfast/dns-change',
        'mv /run/holdfast /run/theirs',
        `cat /proc/${pid}/environ`,
        `cat /proc/${pid}/root/run/holdfast/lock`,
        `kill -TERM ${pid}`,
        'systemctl --no-ask-password stop holdfast',
        'systemctl --no-ask-password start holdfast-apply',
      ];
      for (const command of refused) {
        const { code, stdout } = await machine.run([...AS_NOBODY, 'sh', '-c', command]);
        assert.notEqual(code, 0, `${command}: ${stdout}`);
        assert.doesNotMatch(stdout, /secret/);
      }
      // systemd does not take their messages for the daemon's (sd_notify(3), NotifyAccess=main).
      await machine.run([
        ...AS_NOBODY,
        'env',
        'NOTIFY_SOCKET=/run/systemd/notify',
        'systemd-notify',
        'STOPPING=1',
        `MAINPID=1`,
      ]);
      assert.equal(await property(machine, 'holdfast.service', 'MainPID'), pid);
      assert.equal(await property(machine, 'holdfast.service', 'ActiveState'), 'active');
    });
  });
}
