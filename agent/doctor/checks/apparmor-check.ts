/** An AppArmor profile that keeps dhclient-script, and so the hooks, inside dhclient's own confinement. */
import type { DoctorObservation, DoctorSurroundings } from '../doctor-check.ts';
import { statements } from '../numbered-lines.ts';

const FOLDER = '/etc/apparmor.d';

export function* apparmorCheck({ host }: DoctorSurroundings): Iterable<DoctorObservation> {
  for (const name of ['sbin.dhclient', 'usr.sbin.dhclient']) {
    const file = `${FOLDER}/${name}`;
    if (host.lstat(`${FOLDER}/disable/${name}`) !== null) continue;
    for (const { text, at } of statements(host, file)) {
      // apparmor.d(5): in `Uxr` and `uxr` the script runs unconfined; in `ix`, `Px`, `Cx` it does not.
      const mode = /^\S*sbin\/dhclient-script\s+([a-zA-Z]+)\s*,/.exec(text)?.[1];
      if (mode === undefined || /ux/i.test(mode)) continue;
      yield { code: 'HF-APPARMOR', seen: `${at}: ${text}` };
    }
  }
}
