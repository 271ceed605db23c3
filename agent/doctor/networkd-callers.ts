/**
 * Who acts on the running systemd-networkd without an operator: services and their timers, udev's rules, cron, scripts
 * that other programs run when a network changes, and cloud-init.
 */
import { isMap, isSeq } from 'yaml';
import { SYSTEMD_FOLDERS } from '../clients/networkd/network-lines.ts';
import type { Host } from '../host/host.ts';
import { isUnitEnabled } from '../host/service/units.ts';
import { joinedLines } from '../resources/sysctl/boot/interfaces-file.ts';
import { instanceConfigs, isCloudInitOff, systemConfigs } from './cloud-config.ts';
import { type DeedSeen, deedsOfLine, deedsOfScript } from './networkd-deeds.ts';
import { filesIn } from './numbered-lines.ts';

export interface NetworkdCaller extends DeedSeen {
  /** The unit, or the file, that comes to the command. */
  readonly by: string;
}

/** Folders of scripts that other programs run, in part one folder for each event. */
const SCRIPT_FOLDERS = [
  ...['/etc', '/usr/lib'].flatMap((base) => [
    ...['dormant', 'no-carrier', 'off', 'routable', 'degraded', 'carrier', 'configured', 'configuring'].map(
      (state) => `${base}/networkd-dispatcher/${state}.d`,
    ),
    ...['', '/pre-up.d', '/no-wait.d'].map((kind) => `${base}/NetworkManager/dispatcher.d${kind}`),
  ]),
  ...['if-pre-up.d', 'if-up.d', 'if-down.d', 'if-post-down.d'].map((name) => `/etc/network/${name}`),
  ...['enter', 'exit'].map((when) => `/etc/dhcp/dhclient-${when}-hooks.d`),
  ...['hourly', 'daily', 'weekly', 'monthly'].map((often) => `/etc/cron.${often}`),
  '/etc/ppp/ip-up.d',
  '/etc/ppp/ip-down.d',
];
const SCRIPTS = ['/etc/rc.local', '/etc/rc.d/rc.local'];
/** Programs of root that an own table of cron's starts. */
const CRONTABS = ['/var/spool/cron/crontabs/root', '/var/spool/cron/root'];

export function networkdCallers(host: Host): NetworkdCaller[] {
  const all = [...ofUnits(host), ...ofUdev(host), ...ofCron(host), ...ofScripts(host), ...ofCloudInit(host)];
  const seen = new Set<string>();
  return all.filter(({ at, by, command }) => {
    const key = `${at}\0${by}\0${command}`;
    return !seen.has(key) && seen.add(key);
  });
}

/** Files by name. If two folders have the same name, the first folder counts, also with a link to /dev/null. */
function named(host: Host, folders: readonly string[], ending: string): Map<string, string> {
  const files = new Map<string, string>();
  for (const file of folders.flatMap((folder) => filesIn(host, folder, ending))) {
    const name = file.slice(file.lastIndexOf('/') + 1);
    if (!files.has(name)) files.set(name, file);
  }
  return files;
}

/** A command line of a file, for each statement from which `commandsOf` takes some. */
function deedsIn(
  host: Host,
  file: string,
  by: string,
  commandsOf: (text: string) => readonly string[],
): NetworkdCaller[] {
  if (!host.stat(file)?.isFile()) return [];
  return joinedLines(host.readText(file) ?? '').flatMap(({ text, line }) =>
    commandsOf(text.trim()).flatMap((command) =>
      deedsOfLine(host, command, `${file}:${line}`).map((deed) => ({ ...deed, by })),
    ),
  );
}

const UNIT_FOLDERS = [...SYSTEMD_FOLDERS.map((base) => `${base}/systemd/system`), '/run/systemd/generator'];
const RULE_FOLDERS = SYSTEMD_FOLDERS.map((base) => `${base}/udev/rules.d`);
const ITSELF = 'systemd-networkd.service';

function ofUnits(host: Host): NetworkdCaller[] {
  const timers = named(host, UNIT_FOLDERS, '.timer');
  const units = named(host, UNIT_FOLDERS, '.service');
  // An alias (dbus-org.freedesktop.network1.service) is a link to a unit of another name, which counts itself.
  const isAlias = (file: string, unit: string) => {
    const target = host.readLink(file)?.split('/').at(-1) ?? unit;
    return target !== unit && units.has(target);
  };
  const own = [...units].filter(([unit, file]) => unit !== ITSELF && !isAlias(file, unit));
  return own.flatMap(([unit, file]) => {
    const timer = unit.replace(/\.service$/, '.timer');
    const by = timers.has(timer) ? `${timer} starts ${unit}, which` : unit;
    const dropIns = UNIT_FOLDERS.flatMap((folder) => filesIn(host, `${folder}/${unit}.d`, '.conf'));
    return [file, ...dropIns].flatMap((one) =>
      deedsIn(host, one, by, (text) => /^Exec\w+\s*=\s*[-@:+!|]*(.+)$/.exec(text)?.slice(1) ?? []),
    );
  });
}

function ofUdev(host: Host): NetworkdCaller[] {
  const assignment = /\b(?:RUN|PROGRAM|IMPORT)(?:\{program\})?\s*[+:]?=+\s*"([^"]*)"/g;
  return [...named(host, RULE_FOLDERS, '.rules')].flatMap(([name, file]) =>
    deedsIn(host, file, `udev's ${name}`, (text) => [...text.matchAll(assignment)].map(([, command = '']) => command)),
  );
}

function ofCron(host: Host): NetworkdCaller[] {
  // The tables of the system name a user before the command.
  const ofSystem = ['/etc/crontab', ...filesIn(host, '/etc/cron.d', '')].map((file) => ({ file, user: 1 }));
  return [...ofSystem, ...CRONTABS.map((file) => ({ file, user: 0 }))].flatMap(({ file, user }) =>
    deedsIn(host, file, 'cron', (text) => {
      const times = text.startsWith('@') ? 1 : 5;
      return /^\w+\s*=/.test(text)
        ? []
        : [
            text
              .split(/\s+/)
              .slice(times + user)
              .join(' '),
          ];
    }),
  );
}

function ofScripts(host: Host): NetworkdCaller[] {
  const files = [...SCRIPT_FOLDERS.flatMap((folder) => filesIn(host, folder, '')), ...SCRIPTS];
  return files.flatMap((file) => deedsOfScript(host, file).map((deed) => ({ ...deed, by: file })));
}

/**
 * cloud-init acts for a network card that is plugged in, if its configuration says `hotplug`. It asks the first of
 * ifupdown, netplan and systemd-networkd that is there.
 */
function ofCloudInit(host: Host): NetworkdCaller[] {
  const has = (...files: string[]) => files.some((file) => host.stat(file) !== null);
  if (isCloudInitOff(host) || !isUnitEnabled(host, 'cloud-init-hotplugd.socket')) return [];
  if (has('/sbin/ifup', '/usr/sbin/ifup')) return [];
  const command = has('/usr/sbin/netplan') ? 'netplan apply' : 'systemctl restart systemd-networkd systemd-resolved';
  const wish = [...instanceConfigs(host), ...systemConfigs(host)].flatMap(({ file, entries }) => {
    const updates = entries.findLast(({ key }) => key === 'updates');
    const when = isMap(updates?.value) ? updates.value.getIn(['network', 'when']) : undefined;
    const words = isSeq(when) ? (when.toJSON() as unknown[]) : [];
    return updates !== undefined && words.includes('hotplug') ? [`${file}:${updates.line}`] : [];
  });
  const by = 'for a network card that is plugged in, cloud-init-hotplugd.service';
  return wish.slice(0, 1).flatMap((at) => deedsOfLine(host, command, at).map((deed) => ({ ...deed, by })));
}
