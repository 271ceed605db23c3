/** The Salt state applies on real hosts, and a second run changes nothing. */
import { runsTheService } from './booted.ts';
import { example, type Tool } from './contract.ts';
import { holdsTheContract } from './scenario.ts';
import { PACKAGING, said, tool, unavailable } from './tools.ts';

const program = tool('salt-call');

/** What `--out=json` says of one state; null: it would change something (test=True). */
interface State {
  readonly result: boolean | null;
  readonly changes: object;
}

const salt: Tool = {
  skip: unavailable(program),
  bareCheck: /would be installed/,
  foretells: false,
  validates: false,

  async prepare(host) {
    await host.write('/srv/pillar/holdfast.sls', example('Salt', 'yaml'));
    await host.write('/srv/pillar/top.sls', "base: { '*': [holdfast] }\n");
  },

  async run(host, { config, package: given, check = false, absent = false } = {}) {
    const values = { ...(config === undefined ? {} : { config }), ...(given === null ? { package: null } : {}) };
    const places = ['--file-root', `${PACKAGING}/salt`, '--pillar-root', '/srv/pillar', '--id', 'lab'];
    const result = await host.run(
      [
        program,
        '--local',
        '--retcode-passthrough',
        '--out=json',
        '--log-level=error',
        ...places,
        'state.apply',
        absent ? 'holdfast.absent' : 'holdfast',
        `test=${check}`,
        `pillar=${JSON.stringify({ holdfast: values })}`,
      ],
      { env: { LC_ALL: 'C.UTF-8' } },
    );
    const { local } = JSON.parse(result.stdout) as { local: Record<string, State> };
    if (Array.isArray(local)) throw new Error(said(result));
    const states = Object.values(local);
    const failed = states.some((state) => state.result === false);
    if (failed !== (result.code !== 0)) throw new Error(said(result));
    const changed = states.some((state) => state.result === null || Object.keys(state.changes).length > 0);
    return { changed, failed, text: said(result).replaceAll('\\n', '\n') };
  },
};

holdsTheContract('Salt', salt);
runsTheService('Salt', salt);
