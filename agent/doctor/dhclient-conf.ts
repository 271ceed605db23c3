/** What is in dhclient.conf that keeps Holdfast from editing it, or that it cannot see. */
import { dirname } from 'node:path';
import { DEFAULT_CONF, dhcpClients } from '../dhclient/clients.ts';
import { parseConf, type Statement } from '../dhclient/grammar.ts';
import type { Host } from '../host/host.ts';
import type { Seen, Surroundings } from './check.ts';

export function* dhclientConf({ host }: Surroundings): Iterable<Seen> {
  for (const file of confFiles(host)) {
    const text = host.readText(file);
    if (text === null) continue;
    const { problems, statements } = parseConf(text);
    for (const { line, message } of problems) yield { code: 'HF-CONF-SYNTAX', seen: `${file}:${line}: ${message}` };
    for (const { line, name } of includes(statements)) {
      const seen = `${file}:${line}: include "${name}"`;
      // As dhclient opens it: from its own working directory, which is most often /.
      const there = name?.startsWith('/') ? host.stat(name) !== null : true;
      yield there
        ? { code: 'HF-CONF-INCLUDE', seen }
        : { code: 'HF-CONF-INCLUDE', seen: `${seen}, which does not exist`, severity: 'problem' };
    }
  }
}

/** Those that are in use, and those that the next start would use; each once. */
function confFiles(host: Host): string[] {
  const used = dhcpClients(host).filter(({ owner, confFile }) => owner === null && confFile.startsWith('/'));
  const ofInterfaces = [dirname(DEFAULT_CONF), '/etc'].flatMap((folder) => {
    return host
      .list(folder)
      .filter((name) => /^dhclient(-.+)?\.conf$/.test(name))
      .map((name) => `${folder}/${name}`);
  });
  const files = [...used.map(({ confFile }) => confFile), ...ofInterfaces];
  return [...new Set(files.filter((file) => host.stat(file)?.isFile()).map((file) => host.target(file)))];
}

function includes(statements: readonly Statement[]): Statement[] {
  return statements.flatMap((one) => [...(one.kind === 'include' ? [one] : []), ...includes(one.body)]);
}
