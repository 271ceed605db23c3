/**
 * EC2's instance metadata service, version 2 only: a PUT gives a token, and each GET with that token gives plain text.
 * Version 1 needs no token, so any program on the path could use it: we never try it.
 * https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html
 */
import { show } from '../../config/config-error.ts';
import { METADATA_NAMES, type MetadataName } from '../../config/desired-metadata.ts';
import { errorMessage } from '../../host/errors.ts';
import { type MetadataClient, type MetadataReply, refusedReply, SilentError } from './http.ts';
import type { MetadataAnswer, MetadataQuestion, Provider } from './provider.ts';
import { firstAddress, hardwareAddress, lines, networks } from './value-checks.ts';

/**
 * Seconds that a token lasts: longer than any fetch, and short in case another program reads the token. Never stored.
 */
const TOKEN_TTL = 60;
const DATA = '/latest/meta-data';
const INTERFACES = `${DATA}/network/interfaces/macs/`;

/** An interface may lack these items. If it lacks any other item, the service gave no answer. */
const OPTIONAL: readonly MetadataName[] = ['vpc-ipv6-cidr-blocks', 'subnet-ipv6-cidr-blocks'];

export const EC2: Provider = {
  title: 'EC2’s metadata',
  async fetch(client, questions) {
    const service = await Session.start(client);
    const macs = lines(await service.read(INTERFACES)).map((line) => hardwareAddress(line.replace(/\/$/, '')));
    const known = macs.filter((mac) => mac !== null);
    if (known.length === 0) throw new Error('its list of interfaces has no hardware address');
    const first = questions.some(({ mac }) => mac === null) ? await firstOf(service, known) : null;
    const answers: MetadataAnswer[] = [];
    for (const { name, mac } of questions) {
      const meant = mac ?? first;
      if (meant === null || !known.includes(meant)) {
        answers.push({ problem: `it knows no interface with the hardware address ${meant}` });
      } else answers.push(await answer(service, { name, mac: meant }));
    }
    return answers;
  },
};

async function firstOf(service: Session, known: readonly string[]): Promise<string> {
  const text = (await service.read(`${DATA}/mac`)).trim();
  const mac = hardwareAddress(text);
  if (mac === null || !known.includes(mac))
    throw new Error(`the instance’s own interface is not in its list: ${show(text)}`);
  return mac;
}

async function answer(
  service: Session,
  { name, mac }: MetadataQuestion & { readonly mac: string },
): Promise<MetadataAnswer> {
  const of = name === 'subnet-gateway' ? 'subnet-ipv4-cidr-block' : name;
  try {
    const values = networks(lines(await service.item(mac, of)), METADATA_NAMES[of].family, of);
    if (values.length === 0 && !OPTIONAL.includes(name)) return { problem: `${of} is empty` };
    return { mac, values: name === 'subnet-gateway' ? values.map(firstAddress) : values };
  } catch (error) {
    return { problem: errorMessage(error) };
  }
}

/** The requests made with one token. */
class Session {
  readonly #client: MetadataClient;
  #token: string;
  readonly #folders = new Map<string, readonly string[]>();

  private constructor(client: MetadataClient, token: string) {
    this.#client = client;
    this.#token = token;
  }

  static async start(client: MetadataClient): Promise<Session> {
    return new Session(client, await tokenFrom(client));
  }

  /** The text at a path that must exist. Throws an Error if the service does not give it. */
  async read(path: string): Promise<string> {
    const reply = await this.#get(path);
    if (reply.status !== 200) throw refusedReply(reply, path);
    return reply.text;
  }

  /**
   * One item of an interface. Empty if the interface has no such item: its folder must also say so, because a 404
   * proves too little.
   */
  async item(mac: string, name: MetadataName): Promise<string> {
    const folder = `${INTERFACES}${mac}/`;
    const reply = await this.#get(`${folder}${name}`);
    if (reply.status === 200 && reply.text.trim() !== '') return reply.text;
    if (reply.status === 200) throw new Error(`${name} is empty`);
    if (reply.status !== 404 || !OPTIONAL.includes(name)) throw refusedReply(reply, `${folder}${name}`);
    const items = this.#folders.get(mac) ?? lines(await this.read(folder));
    this.#folders.set(mac, items);
    if (!items.includes('mac') || items.includes(name)) throw refusedReply(reply, `${folder}${name}`);
    return '';
  }

  /** A token may expire early, so a 401 is tried once more with a new token. */
  async #get(path: string): Promise<MetadataReply> {
    const reply = await this.#ask(path);
    if (reply.status !== 401) return reply;
    this.#token = await tokenFrom(this.#client);
    return this.#ask(path);
  }

  #ask(path: string): Promise<MetadataReply> {
    return this.#client.ask('GET', path, { 'x-aws-ec2-metadata-token': this.#token });
  }
}

async function tokenFrom(client: MetadataClient): Promise<string> {
  let reply: MetadataReply;
  try {
    const ttl = { 'x-aws-ec2-metadata-token-ttl-seconds': String(TOKEN_TTL) };
    reply = await client.ask('PUT', '/latest/api/token', ttl);
  } catch (error) {
    if (!(error instanceof SilentError)) throw error;
    throw new Error(
      `${error.message}: where a bridge or NAT lies between, its hop limit (HttpPutResponseHopLimit) must be 2 or more`,
    );
  }
  if (reply.status !== 200) throw refusedReply(reply, 'a token');
  // This error is made here so that no other error can quote the token.
  if (!/^[\x21-\x7e]{1,1024}$/.test(reply.text)) throw new Error('it gives no token of its second version');
  return reply.text;
}
