/** The endpoint of heartbeats, and the files that prove who sends and receives them. */
import { type Checked, show } from '../config-error.ts';

/** Paths that other senders expect after the base URL, one for each signal. */
const SIGNAL_PATH = /\/v1\/(metrics|logs|traces)$/;

/**
 * The base URL of an OTLP/HTTP receiver, without a final slash. `/v1/metrics` and `/v1/logs` are appended. An endpoint
 * that already ends in one of these paths means the same receiver.
 */
export function checkEndpoint(text: string): Checked {
  const example = 'write one such as https://collector.example.com:4318';
  const isBare = /^[\w.-]*\w\.\w+(:\d+)?(\/\S*)?$/.test(text) && URL.canParse(`https://${text}`);
  // 4318 is the port of OTLP/HTTP; without a port https means 443.
  const host = /^[^/]*:\d/.test(text) ? text : text.replace(/^[^/]*/, '$&:4318');
  if (isBare) return { problem: `${show(text)} is no URL; write https://${host}` };
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !['http:', 'https:'].includes(url.protocol))
    return { problem: `${show(text)} is no URL; ${example}` };
  if (url.username !== '' || url.password !== '') {
    return { problem: 'holds a user name or password; leave them out, and write a token into a file (token-file)' };
  }
  if (url.search !== '' || url.hash !== '') return { problem: `has a query or a fragment; ${example}` };
  return { value: url.href.replace(/\/+$/, '').replace(SIGNAL_PATH, '').replace(/\/+$/, '') };
}

/** Whether the endpoint is on another host and without TLS, so that anyone on the path can read and change requests. */
export function isPlainAndRemote(endpoint: string): boolean {
  const { protocol, hostname } = new URL(endpoint);
  return protocol === 'http:' && !/^(localhost|127(\.[0-9]+){3}|\[::1\])$/.test(hostname);
}

/** The error of a file's path; undefined if the path is valid. */
export function pathProblem(path: string): string | undefined {
  if (/[\x00-\x1f\x7f]/.test(path)) return `${show(path)} has a line break or control character; write a path`;
  if (!path.startsWith('/'))
    return `${show(path)} is not absolute; write one such as /etc/holdfast/${path.replace(/^.*\//, '')}`;
  if (path.endsWith('/')) return `${show(path)} names a folder; write the path of a file`;
  return path.length > 4095 ? 'is longer than 4095 bytes, which the kernel refuses' : undefined;
}

/** The prefix of a secret that systemd passes to the service (agent/host/service/secret-files.ts). */
const CREDENTIAL = 'credential:';

/** For a JSON Schema: an absolute path, or a credential's name. */
export const SECRET_PATTERN = `^(/.*[^/]|${CREDENTIAL}[A-Za-z0-9_-][A-Za-z0-9_.-]*)$`;

/** The error of a file's path or a credential's name; undefined if valid. */
export function secretProblem(text: string): string | undefined {
  if (!text.startsWith(CREDENTIAL)) return pathProblem(text);
  if (new RegExp(SECRET_PATTERN).test(text)) return undefined;
  return `${show(text)} names no credential; write ${CREDENTIAL}token, with LoadCredential=token:/PATH in the service`;
}
