/**
 * The end of `npm start`: a small fleet answers whether the old name server may be switched off. A pipeline stops the
 * server only when the answer is "safe", and then nobody misses it.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CaresDaemon, caresProgram } from '../parts/lab/cares-daemon.ts';
import { Dhclient } from '../parts/lab/dhcp.ts';
import { FleetHub, holding, type Member, NAME, NEW, OLD, SWITCH_OFF } from '../parts/lab/fleet.ts';
import { unavailable } from '../parts/lab/host.ts';
import { colour, say, show, title } from './demo-print.ts';

const NAMES = ['web-1', 'web-2', 'proxy-1', 'db-1', 'db-2'] as const;

/** Tells the whole story. Returns false if a look-up failed in the end. */
export async function retireStory(): Promise<boolean> {
  title('May the old name server be switched off? The fleet answers');
  const reason = unavailable({ nft: 'nftables', openssl: 'openssl' });
  if (reason !== false) {
    say(`Not shown, since this ${reason}.`);
    return true;
  }
  say(
    `Five other hosts, with a collector of their own. ${OLD} is to be switched off, ${NEW} takes over. Four are not done:`,
  );
  say('  web-2    its DHCP server still offers the old one, and nobody told Holdfast what to hold');
  say('  proxy-1  a daemon with c-ares read resolv.conf before the change, and never reads it again');
  say('  db-1     has gone silent');
  say('  db-2     stands in the list of expected hosts, and has never reported');
  await using hub = await FleetHub.create(NAMES, { renewEvery: 2, interval: 1 });
  const addresses = NAMES.map((name, n) => (name === 'web-2' ? null : `10.77.0.${40 + n}`));
  const members = await Promise.all(NAMES.map((name, n) => hub.join(name, addresses[n]!)));
  const [web1, web2, proxy, silent, unseen] = members as [Member, Member, Member, Member, Member];
  const client = Dhclient.start(web2.host);
  await client.leased();
  const program = programOf();
  await Promise.all([proxy, silent].map((member, n) => member.run(holding(n === 0 ? OLD : NEW))));
  await hub.until(({ dependents }) => dependents.hosts.some(({ name }) => name === proxy.name));
  const kept = await CaresDaemon.start(proxy.host, program);
  await proxy.stop();
  await Promise.all([proxy.run(holding(NEW)), web1.run(holding(NEW)), web2.run('')]);
  await hub.until(({ unseen: { total } }) => total === 1);
  await silent.kill();
  await hub.until(({ dependents, unseen: { total } }) => dependents.total === 2 && total === 2);
  await ask(hub);

  say('web-2 gets dns.nameservers in its agent.yaml, and on proxy-1 the daemon with c-ares is restarted:');
  await kept.stop();
  const daemon = await CaresDaemon.start(proxy.host, program);
  await Promise.all([web2, proxy].map((member) => member.stop()));
  await Promise.all([web2, proxy].map((member) => member.run(holding(NEW))));
  await hub.until(({ verdict }) => verdict === 'unknown');
  await ask(hub);

  say(
    'Holdfast starts again on db-1, and for the first time on db-2. (On a real fleet every host must count for a day',
  );
  say('that nobody asks the old server. Here the counts were made a day older.)');
  await Promise.all([silent, unseen].map((member) => member.run(holding(NEW))));
  await hub.until(({ verdict }) => verdict === 'safe');
  await ask(hub);

  await client.leased();
  const found = await Promise.all([
    ...members.map(({ host }) => host.run(['getent', 'ahostsv4', NAME]).then(({ code }) => code === 0)),
    daemon.finds(NAME),
  ]);
  const lost = found.filter((one) => !one).length;
  say('Look-ups on every host, also by the daemon with c-ares, and after one more lease on web-2:');
  show(
    lost === 0
      ? colour('green', `all ${found.length} found ${NAME}: nobody needs the old name server`)
      : colour('red', `${lost} of ${found.length} failed: an outage`),
  );
  return lost === 0;
}

/** Asks, and says what became of the old name server. */
async function ask(hub: FleetHub): Promise<void> {
  say(`$ ${SWITCH_OFF}`);
  const { code, stdout } = await hub.switchOff();
  show(stdout);
  show(
    hub.oldRuns
      ? `(exit status ${code}: the old name server runs on)`
      : colour('green', `(exit status ${code}: the old name server is stopped)`),
  );
}

function programOf(): Buffer | string {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-demo-'));
  try {
    return caresProgram(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
