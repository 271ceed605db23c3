/** A TCP port of another host, as an operator writes it: `10.0.0.5:22`, `[2001:db8::5]:22`, `db.example.com:5432`. */
import { ipAddress } from '../../address/address-checks.ts';
import { show } from '../config-error.ts';
import { domainProblem } from './names.ts';

/** `host`: an address without brackets, or a name. */
export interface TcpTarget {
  readonly host: string;
  readonly port: number;
}

const MOST = 65_535;

export function checkTcpTarget(text: string): { readonly target: TcpTarget } | { readonly problem: string } {
  const [, bracketed, bare, digits] = /^(?:\[([^\]]*)\]|([^:[\]]*)):([0-9]{1,5})$/.exec(text) ?? [];
  const port = Number(digits);
  const name = bracketed ?? bare ?? '';
  if (digits === undefined || name === '') {
    const six = ipAddress(text.replace(/:[0-9]+$/, ''));
    if (six?.includes(':')) return { problem: `${show(text)}: write the address in brackets: [${six}]:22` };
    return { problem: `${show(text)} is no address with a port; write one such as 10.0.0.5:22` };
  }
  if (port < 1 || port > MOST) return { problem: `${show(text)}: ${port} is no port; write 1 to ${MOST}` };
  const address = ipAddress(name);
  if (bracketed !== undefined && !address?.includes(':'))
    return { problem: `${show(text)}: only an IPv6 address is written in brackets; write ${name}:${port}` };
  if (address !== null) return { target: { host: address, port } };
  const problem = domainProblem(name);
  return problem === undefined ? { target: { host: name, port } } : { problem };
}
