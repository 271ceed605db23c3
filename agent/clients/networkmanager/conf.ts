/** NetworkManager.conf(5): the settings from all its files, in the order of reading. */
import { type IniLine, iniLines } from '../../host/files/ini.ts';
import type { Host } from '../../host/host.ts';

const MAIN = '/etc/NetworkManager/NetworkManager.conf';

export interface MainSetting {
  readonly file: string;
  readonly line: number;
  readonly key: string;
  readonly value: string;
}

/** If a key occurs twice, the last value counts. */
export function mainSettings(host: Host): MainSetting[] {
  return allConfFiles(host).flatMap((file) => {
    let section = '';
    return (host.readText(file) ?? '').split('\n').flatMap((raw, index) => {
      const text = raw.trim();
      section = /^\[([^\]]*)\]/.exec(text)?.[1] ?? section;
      const [, key, value = ''] = /^([^#;[\s=][^=]*?)\s*=\s*(.*)$/.exec(text) ?? [];
      return section === 'main' && key !== undefined ? [{ file, line: index + 1, key, value }] : [];
    });
  });
}

/** Every line of every section. */
export function allConfLines(host: Host): IniLine[] {
  return allConfFiles(host).flatMap((file) => iniLines(host, file));
}

/** With `dns=none` or `rc-manager=unmanaged`, NetworkManager leaves resolv.conf alone. */
export function leavesResolvConf(host: Host): boolean {
  const last = new Map(mainSettings(host).map(({ key, value }) => [key, value]));
  return last.get('dns') === 'none' || last.get('rc-manager') === 'unmanaged';
}

/** The line whose `dhcp=` names another DHCP client than NetworkManager's own; null if no line does. */
export function foreignClient(host: Host): string | null {
  const last = mainSettings(host).findLast(({ key }) => key === 'dhcp');
  if (last === undefined || last.value === 'internal' || last.value === '') return null;
  return `${last.file}:${last.line} sets dhcp=${last.value}`;
}

/** A file of /etc or /run replaces a file of the same name in /usr/lib. The files of /etc come after the main file. */
export function allConfFiles(host: Host): string[] {
  const [vendor = [], runtime = [], local = []] = ['/usr/lib', '/run', '/etc'].map((parent) => {
    const folder = `${parent}/NetworkManager/conf.d`;
    const files = host.list(folder).filter((name) => name.endsWith('.conf'));
    return files.map((name) => `${folder}/${name}`).filter((file) => host.stat(file)?.isFile());
  });
  const name = (file: string) => file.slice(file.lastIndexOf('/') + 1);
  const masked = new Set([...runtime, ...local].map(name));
  return [...vendor.filter((file) => !masked.has(name(file))), ...runtime, MAIN, ...local];
}
