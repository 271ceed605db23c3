/**
 * Our part of rdnssd's merge hook. rdnssd(8) runs that file as a program at each router advertisement with name servers.
 * Debian's own text takes every IPv6 name server out of resolv.conf, and puts the advertised ones before all others. Our
 * part comes first, puts the configured file into place, and ends the program.
 */
import type { DesiredDns } from '../../config/desired.ts';
import { composeFunction } from '../../resolver/compose-sh.ts';
import { findBlock, marked } from '../../resolver/marked-block.ts';
import { RESOLV_CONF } from '../../resolver/resolv-conf.ts';
import { inOwnNetwork } from '../own-network-sh.ts';

const HEADER = `\
# Holdfast keeps this host's name servers through every router advertisement. Made by "agent apply"; changes here are
# overwritten.
`;

/**
 * An installed resolvconf gets the advertised servers as before, because Debian's text only hands them over then. A link
 * that is left to its owner stays one: Debian's text would replace it by a file.
 */
export function renderMergeHook(dns: DesiredDns): string {
  const link = dns.symlink === 'refuse' ? ` || [ -L ${RESOLV_CONF} ]` : '';
  return `${HEADER}${inOwnNetwork(`${composeFunction('holdfast_resolv_conf', dns, { names: '', servers: '' })}if ! { [ -x /sbin/resolvconf ]${link}; }; then
    holdfast_resolv_conf
    exit 0
fi
`)}`;
}

/** The program with our lines below its first line, and without them elsewhere. */
export function placeFirst(program: string, lines: string): string {
  const { before, after } = findBlock(program) ?? { before: '', after: program };
  const whole = before + after;
  const end = whole.indexOf('\n') + 1;
  return whole.slice(0, end) + marked(lines) + whole.slice(end);
}
