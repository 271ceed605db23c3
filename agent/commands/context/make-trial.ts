/** Makes the guard that tries changes. Loaded only when something is about to be changed. */
import type { Source } from '../../config/compiled.ts';
import type { ConfiguredState } from '../../config/desired.ts';
import type { DesiredConfirm } from '../../config/desired-confirm.ts';
import type { DesiredDaemon } from '../../config/desired-daemon.ts';
import { desiredConfirm } from '../../config/meaning/confirm-meaning.ts';
import { configurationText, earlierConfiguration } from '../../confirm/trial/confirmed-configuration.ts';
import { TrialGuard } from '../../confirm/trial/trial-guard.ts';
import { makeConfirmWitnesses } from '../../confirm/witnesses/confirm-witnesses.ts';
import type { Guard } from '../../hold/converge.ts';
import type { Host } from '../../host/host.ts';
import { Credentials } from '../../report/delivery/credentials.ts';
import { identify } from '../../report/identity.ts';
import { WAY_BACK } from '../../resources/leftovers.ts';
import { agentCommand } from './agent-command.ts';
import type { TrialMode } from './late-trial.ts';
import { VERSION } from './version.ts';

export interface TrialParts {
  readonly host: Host;
  readonly proof: Guard | null;
  readonly desired: Pick<ConfiguredState, 'dns'>;
  readonly daemon: DesiredDaemon;
  readonly hash: string;
  readonly sources: readonly Source[];
  /** Whether all resources are applied. */
  readonly complete: boolean;
  /** The compiled form of the configuration that was in force before; null if there is none. */
  readonly earlier: string | null;
  readonly mode: TrialMode;
}

export function makeTrial(parts: TrialParts): TrialGuard {
  const { host, proof, desired, daemon, hash, sources, complete, earlier, mode } = parts;
  const { report } = daemon;
  const confirm = confirmOf(daemon, mode);
  const hostId = () => {
    const { labels, interval } = report;
    return identify({ host, version: VERSION, configHash: hash, labels, interval }).hostId;
  };
  const { endpoint, ...names } = report;
  return new TrialGuard({
    ...{ host, proof, confirm, hash },
    configuration: complete ? configurationText(hash, sources) : null,
    earlier: complete ? earlierConfiguration(earlier, hash) : null,
    witnesses: async () =>
      confirm === null ? [] : makeConfirmWitnesses(host, desired, confirm, { report, hostId: hostId() }),
    wave:
      endpoint === null || confirm?.waves == null
        ? null
        : async (asked) => {
            const { askWave } = await import('../../confirm/waves/ask-wave.ts');
            return askWave(host, { endpoint, names, credentials: new Credentials(), hostId: hostId() }, asked);
          },
    agent: agentCommand(),
    wayBack: async () => WAY_BACK,
  });
}

function confirmOf({ confirm, report }: DesiredDaemon, mode: TrialMode): DesiredConfirm | null {
  if (mode === 'never') return null;
  return confirm ?? (mode === 'always' ? desiredConfirm({}, report.endpoint !== null) : null);
}
