/**
 * Serves the page's files: from the executable, or from the folder beside this file if the program runs from its
 * sources.
 */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { extname, join } from 'node:path';
import { gzipSync } from 'node:zlib';

/** JSON of `pageFiles`, inserted by the build. */
declare const HOLDFAST_PAGE: string;

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** The page loads nothing from other hosts, and may not be shown inside another page. */
export const SECURITY_HEADERS = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
} as const;

interface File {
  readonly type: string;
  readonly etag: string;
  readonly packed: Buffer;
  readonly plain: Buffer;
}

/** The texts of the page's files in a folder, sorted by name. The build also uses this. */
export function pageFiles(folder: string): Record<string, string> {
  const names = readdirSync(folder).filter((name) => extname(name) in TYPES);
  names.sort(); // the order of a folder differs between file systems, but the build must be the same everywhere
  return Object.fromEntries(names.map((name) => [name, readFileSync(join(folder, name), 'utf8')]));
}

function builtFiles(): Record<string, string> | null {
  return typeof HOLDFAST_PAGE === 'undefined' ? null : JSON.parse(HOLDFAST_PAGE);
}

export class Page {
  readonly #files: ReadonlyMap<string, File>;

  constructor() {
    this.#files = new Map(
      Object.entries(builtFiles() ?? pageFiles(join(import.meta.dirname, 'page'))).map(([name, text]) => {
        const plain = Buffer.from(text);
        const etag = `"${createHash('sha256').update(plain).digest('base64url').slice(0, 22)}"`;
        return [name, { type: TYPES[extname(name)]!, etag, plain, packed: gzipSync(plain) }];
      }),
    );
  }

  has(path: string): boolean {
    return this.#files.has(nameOf(path));
  }

  /** Returns false if there is no such file. */
  serve(path: string, request: IncomingMessage, response: ServerResponse): boolean {
    const file = this.#files.get(nameOf(path));
    if (file === undefined) return false;
    const headers = { etag: file.etag, 'cache-control': 'no-cache', vary: 'accept-encoding' };
    if (request.headers['if-none-match'] === file.etag) {
      response.writeHead(304, headers).end();
      return true;
    }
    const packs = /\bgzip\b/.test(request.headers['accept-encoding'] ?? '');
    const body = packs ? file.packed : file.plain;
    response.writeHead(200, {
      ...headers,
      ...(packs ? { 'content-encoding': 'gzip' } : {}),
      'content-type': file.type,
      'content-length': body.length,
    });
    response.end(request.method === 'HEAD' ? undefined : body);
    return true;
  }
}

function nameOf(path: string): string {
  return path === '/' ? 'index.html' : path.slice(1);
}
