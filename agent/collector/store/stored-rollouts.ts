/** Rollouts in the database: each rollout that admitted a host or was stopped, and its admitted hosts. */
import { MEMBER_STANDINGS, Rollout } from '../waves/rollout.ts';
import type { Rollouts } from '../waves/rollouts.ts';
import type { RolloutChanges } from '../waves/unsaved-rollouts.ts';
import type { Database } from './database.ts';
import type { LeftOut } from './left-out.ts';
import { asNumber } from './row-checks.ts';

export class StoredRollouts {
  readonly #db: Database;
  readonly #leftOut: LeftOut;

  constructor(db: Database, leftOut: LeftOut) {
    this.#db = db;
    this.#leftOut = leftOut;
  }

  /** Gives everything that is stored to `rollouts`. */
  restore(rollouts: Rollouts): void {
    type Row = Record<'id' | 'why', string> &
      Record<'named' | 'wave' | 'begun' | 'admitted_at' | 'touched' | 'by_operator', number> & {
        stopped: number | null;
      };
    for (const row of this.#db.all<Row>('SELECT * FROM rollouts ORDER BY touched')) {
      this.#leftOut.read('a rollout', () => {
        const rollout = new Rollout(row.id, row.named !== 0, asNumber(row.begun));
        rollout.wave = asNumber(row.wave);
        rollout.admittedAt = asNumber(row.admitted_at);
        rollout.touched = asNumber(row.touched);
        rollout.stop =
          row.stopped === null ? null : { why: row.why, since: row.stopped, byOperator: row.by_operator !== 0 };
        rollouts.restore(rollout);
      });
    }
    type Member = Record<'host' | 'rollout' | 'configuration' | 'change' | 'standing', string> &
      Record<'since' | 'within' | 'excused', number>;
    for (const { host, rollout, since, within, excused, ...row } of this.#db.all<Member>('SELECT * FROM admitted')) {
      this.#leftOut.read('a host of a rollout', () => {
        const standing = MEMBER_STANDINGS.find((one) => one === row.standing);
        if (standing === undefined) throw new Error(row.standing);
        const times = { since: asNumber(since), within: asNumber(within) };
        rollouts.restoreMember(rollout, { ...row, ...times, host, standing, excused: excused !== 0 });
      });
    }
  }

  /** Stores all or nothing. Throws DatabaseError. */
  save({ rollouts, ended, members, left }: RolloutChanges): void {
    const run = this.#db.run.bind(this.#db);
    this.#db.transaction(() => {
      for (const { id, named, wave, stop, begun, admittedAt, touched } of rollouts) {
        const sql = 'INSERT OR REPLACE INTO rollouts VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)';
        const stopped = stop === null ? null : Math.round(stop.since);
        const times = [begun, admittedAt, touched].map(Math.round);
        run(sql, id, Number(named), wave, ...times, stopped, stop?.why ?? '', Number(stop?.byOperator ?? false));
      }
      for (const id of ended) run('DELETE FROM rollouts WHERE id = ?', id);
      for (const { host, rollout, configuration, change, standing, since, within, excused } of members) {
        const sql = 'INSERT OR REPLACE INTO admitted VALUES (?, ?, ?, ?, ?, ?, ?, ?)';
        const times = [since, within].map(Math.round);
        run(sql, host, rollout.id, configuration, change, standing, ...times, Number(excused));
      }
      for (const host of left) run('DELETE FROM admitted WHERE host = ?', host);
    });
  }
}
