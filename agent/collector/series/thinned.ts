/**
 * Points that are thinned as they come: the lowest and the highest point of each stretch stay, so that no peak is lost.
 */

export type ThinnedPoint = readonly [time: number, value: number];

/** `full` points in a row; fewer in the last stretch. */
interface Stretch {
  count: number;
  low: ThinnedPoint;
  high: ThinnedPoint;
}

export class Thinned {
  /** The number of points to keep: at least 2; may become less. */
  most: number;
  #stretches: Stretch[] = [];
  #full = 1;

  constructor(most: number) {
    this.most = most;
  }

  add(time: number, value: number): void {
    const point = [time, value] as const;
    const last = this.#stretches.at(-1);
    if (last !== undefined && last.count < this.#full) {
      last.count += 1;
      if (value < last.low[1]) last.low = point;
      if (value > last.high[1]) last.high = point;
      return;
    }
    this.#stretches.push({ count: 1, low: point, high: point });
    while (this.#stretches.length > this.most) this.#halve();
  }

  /** At most `most` points, by time. If a time occurs twice, the last point stays. */
  all(): readonly ThinnedPoint[] {
    const points = this.#stretches.flatMap(({ low, high }) => (low === high ? [low] : [low, high]));
    return thin(inOrder(points), this.most);
  }

  /** Joins neighbouring stretches in pairs. */
  #halve(): void {
    this.#full *= 2;
    const before = this.#stretches;
    this.#stretches = [];
    for (let index = 0; index < before.length; index += 2) {
      const [first, second = first] = [before[index]!, before[index + 1]];
      const low = second.low[1] < first.low[1] ? second.low : first.low;
      const high = second.high[1] > first.high[1] ? second.high : first.high;
      this.#stretches.push({ count: second === first ? first.count : first.count + second.count, low, high });
    }
  }
}

function inOrder(points: readonly ThinnedPoint[]): readonly ThinnedPoint[] {
  return [...new Map(points).entries()].sort(([a], [b]) => a - b);
}

function thin(points: readonly ThinnedPoint[], most: number): readonly ThinnedPoint[] {
  if (points.length <= most) return points;
  const thinned: ThinnedPoint[] = [];
  const stretches = Math.floor(most / 2);
  for (let stretch = 0; stretch < stretches; stretch += 1) {
    const [start, end] = [stretch, stretch + 1].map((each) => Math.floor((each * points.length) / stretches));
    let low = points[start!]!;
    let high = low;
    for (const point of points.slice(start, end)) {
      if (point[1] < low[1]) low = point;
      if (point[1] > high[1]) high = point;
    }
    if (low === high) thinned.push(low);
    else thinned.push(...(low[0] < high[0] ? [low, high] : [high, low]));
  }
  return thinned;
}
