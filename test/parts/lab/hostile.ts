/** What a DHCP server should never send. */

/** A value that leaves a trace if a shell runs it: `exists('/run/lab/canary')`. */
export const CANARY = 'touch /run/lab/canary';

export const VALUES: Record<string, string> = {
  'a command substitution': `$(${CANARY})`,
  backquotes: `\`${CANARY}\``,
  'a closed single quote': `'; ${CANARY}; '`,
  'a closed double quote': `"; ${CANARY}; "`,
  'a semicolon': `a; ${CANARY}`,
  'line breaks': `a\nnameserver 6.6.6.6\nsearch evil.example\n${CANARY}\n`,
  'a carriage return and a tab': 'a\r\tnameserver 6.6.6.6',
  'a glob': '/*',
  'an option': '-rf',
  'printf directives': '%s%n%d\\n\\0\\c',
  'an arithmetic substitution': `$((a[$(${CANARY})]))`,
  parameters: '${IFS}$0$@${PATH}',
  'a path': '../../../../etc/passwd',
  'a trailing backslash': 'a\\',
  'the end of our block': '# END holdfast',
  '255 bytes': 'A'.repeat(255),
  '255 quotes': "'".repeat(255),
  'control and high bytes': '\x01\x07\x1b[2J\x7f\xff\xfe',
  'a NUL': 'a\0b',
};

/** Every option whose value is text, and the two fields of the BOOTP header. */
const TEXT = [
  'domain-name',
  'host-name',
  'root-path',
  'nis-domain',
  'merit-dump',
  'extensions-path',
  'tftp-server-name',
  'bootfile-name',
];
const FORCED = [12, 14, 15, 17, 18, 40, 66, 67, 119, 6, 42, 26]
  .map((code) => code.toString(16).padStart(2, '0'))
  .join(':');

/** dhcpd.conf(5): octal escapes in strings, and any bytes where an option is given as an expression. */
export function hostileOffers(value: string): string {
  const bytes = Buffer.from(value, 'latin1');
  const octal = [...bytes].map((byte) => `\\${byte.toString(8).padStart(3, '0')}`).join('');
  const labels = [...bytes.subarray(0, 63)].map((byte) => byte.toString(16).padStart(2, '0'));
  const search = [labels.length.toString(16).padStart(2, '0'), ...labels, '00'].join(':');
  return `${TEXT.map((option) => `option ${option} "${octal}";`).join('\n  ')}
  filename "${octal.slice(0, 120 * 4)}";
  server-name "${octal.slice(0, 60 * 4)}";
  option domain-search = ${search};
  option dhcp-parameter-request-list = concat(option dhcp-parameter-request-list, 3a:3b:${FORCED});`;
}
