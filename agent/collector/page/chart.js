/**
 * One kernel table over time against its limit, as SVG. With a pointer or the arrow keys each point can be read. A
 * screen reader finds a slider that says time and value. Below the chart the same data stands as a table.
 */
import { fill, html, svg } from './dom.js';
import { count, counted, exact, percent, short } from './format.js';
import { NEAR } from './row.js';
import { clockTicks, niceSteps } from './ticks.js';

/** @typedef {readonly (readonly [time: number, value: number])[]} Points */
/**
 * @typedef {object} Plot
 * @property {Points} points in the order of their times; milliseconds since the epoch, and routes
 * @property {Points} entries the numbers that the kernel compares with the limit, if these are not the routes (Linux
 *   4.18 and later: cached routes, net.ipv6.route.max_size); otherwise empty
 * @property {number | null} limit null if no limit is in force
 * @property {number} from @property {number} to milliseconds since the epoch
 */

const HEIGHT = 220;
const MARGIN = { top: 14, right: 12, bottom: 26, left: 56 };
/** Rows of the table below the chart: a readable number, not every point. */
const ROWS = 48;

/**
 * @param {string} name `IPv4`
 * @returns {{ element: HTMLElement, update(plot: Plot): void }}
 */
export function routeChart(name) {
  const state = html('p', { class: 'quiet' });
  const readout = html('output', { class: 'readout' });
  const drawing = svg('svg', {
    class: 'plot',
    height: HEIGHT,
    tabindex: 0,
    role: 'slider',
    'aria-label': `${name} routes over time`,
  });
  const rows = html('tbody');
  const head = html(
    'tr',
    {},
    html('th', { scope: 'col' }, 'Time'),
    html('th', { scope: 'col', class: 'number' }, 'Routes'),
  );
  const details = html(
    'details',
    {},
    html('summary', {}, 'As a table'),
    html(
      'div',
      { class: 'scroll' },
      html('table', { 'aria-label': `${name} routes over time` }, html('thead', {}, head), rows),
    ),
  );
  const element = html('figure', {}, html('figcaption', {}, html('h3', {}, name), state, readout), drawing, details);

  /** @type {Plot} */
  let plot = { points: [], entries: [], limit: null, from: 0, to: 1 };
  /**
   * Time of the point that is read; null for the newest point.
   * @type {number | null}
   */
  let read = null;
  let width = 0;
  const cursor = svg('g', { class: 'cursor' });

  function draw() {
    const { points } = plot;
    details.hidden = points.length === 0;
    drawing.classList.toggle('empty', points.length === 0);
    fill(state, [points.at(-1), plot.entries.at(-1), plot.limit], () => [tells(plot)]);
    if (width < 60) return;
    drawing.setAttribute('viewBox', `0 0 ${width} ${HEIGHT}`);
    drawing.replaceChildren(...scene(plot, width), cursor);
    point();
    fill(rows, points, () => thinned(points).map((each) => line(each, plot)));
  }

  /** Marks the point that is being read. */
  function point() {
    const at = nearest(plot.points, read ?? Infinity);
    const chosen = plot.points[at];
    const { x, y } = scales(plot, width);
    for (const [name, value] of Object.entries({
      valuemin: 0,
      valuemax: Math.max(0, plot.points.length - 1),
      valuenow: Math.max(0, at),
    })) {
      drawing.setAttribute(`aria-${name}`, String(value));
    }
    const text = chosen ? says(chosen, plot) : 'No data in this time';
    drawing.setAttribute('aria-valuetext', text);
    readout.textContent = chosen && read !== null ? text : '';
    if (!chosen) return cursor.replaceChildren();
    const [cx, cy] = [x(chosen[0]), y(chosen[1])];
    cursor.replaceChildren(
      ...(read === null ? [] : [svg('line', { x1: cx, x2: cx, y1: MARGIN.top, y2: HEIGHT - MARGIN.bottom })]),
      svg('circle', { cx, cy, r: 3.5 }),
    );
  }

  drawing.addEventListener('pointermove', (event) => {
    read = scales(plot, width).time(event.clientX - drawing.getBoundingClientRect().left);
    point();
  });
  drawing.addEventListener('pointerleave', () => {
    read = null;
    point();
  });
  drawing.addEventListener('blur', () => {
    read = null;
    point();
  });
  drawing.addEventListener('keydown', (event) => {
    const at = nearest(plot.points, read ?? Infinity);
    const big = Math.max(1, Math.round(plot.points.length / 10));
    /** @type {Record<string, number>} */
    const moves = {
      ArrowLeft: at - 1,
      ArrowDown: at - 1,
      ArrowRight: at + 1,
      ArrowUp: at + 1,
      PageDown: at - big,
      PageUp: at + big,
      Home: 0,
      End: Infinity,
    };
    const to = Object.hasOwn(moves, event.key) ? moves[event.key] : undefined;
    if (to === undefined || plot.points.length === 0) return;
    event.preventDefault();
    read = plot.points[Math.min(plot.points.length - 1, Math.max(0, to))]?.[0] ?? null;
    point();
  });
  new ResizeObserver(([entry]) => {
    const now = Math.floor(entry?.contentRect.width ?? 0);
    if (now === width) return;
    width = now;
    draw();
  }).observe(element);

  return {
    element,
    update(wanted) {
      plot = wanted;
      draw();
    },
  };
}

/** @param {Plot} plot */
function tells(plot) {
  const last = plot.points.at(-1);
  if (!last) return 'Not reported in this time.';
  const { limit } = plot;
  if (limit === null) return `${counted(last[1], 'route')}; no limit is in force.`;
  const near = counts(last, plot) >= limit * NEAR;
  return html('span', { class: near ? 'bad' : '' }, `${amounts(last, plot)} of ${count(limit)}.`);
}

/** @param {readonly [number, number]} point @param {Plot} plot */
const says = (point, plot) => `${exact(point[0])}: ${amounts(point, plot)}`;

/** @param {readonly [number, number]} point @param {Plot} plot */
const line = (point, plot) =>
  html('tr', {}, html('td', {}, exact(point[0])), html('td', { class: 'number' }, amounts(point, plot)));

/**
 * `12 routes`, and their share of the limit.
 * @param {readonly [number, number]} point
 * @param {Plot} plot
 */
function amounts(point, plot) {
  const routes = counted(point[1], 'route');
  if (plot.limit === null) return routes;
  const share = `${percent(counts(point, plot) / (plot.limit || 1))} of the limit`;
  return plot.entries.length > 0 ? `${routes}; ${count(counts(point, plot))} cached, ${share}` : `${routes}, ${share}`;
}

/**
 * The number that the kernel compared with its limit at the time of the point.
 * @param {readonly [number, number]} point
 * @param {Plot} plot
 */
const counts = ([time, value], { entries }) => entries[nearest(entries, time)]?.[1] ?? value;

/**
 * At most ROWS points, the newest first.
 * @param {Points} points
 */
const thinned = (points) => {
  const step = Math.max(1, Math.ceil(points.length / ROWS));
  return points.toReversed().filter((_, index) => index % step === 0);
};

/**
 * Index of the point nearest to `time`; -1 if there is no point.
 * @param {Points} points
 * @param {number} time
 */
function nearest(points, time) {
  if (time === Infinity) return points.length - 1;
  let best = -1;
  for (const [index, [at]] of points.entries()) {
    if (best < 0 || Math.abs(at - time) < Math.abs((points[best]?.[0] ?? 0) - time)) best = index;
  }
  return best;
}

/**
 * The top of the scale. The limit is drawn if the table comes near enough to show it. Otherwise the scale fits the
 * data, and a line of text says where the limit is.
 * @param {Plot} plot
 */
function top({ points, entries, limit }) {
  const [most = 0, limited = 0] = [[...points, ...entries], entries.length > 0 ? entries : points].map((all) =>
    all.reduce((sum, [, value]) => Math.max(sum, value), 0),
  );
  const limitInSight = limit !== null && limited >= limit * 0.2;
  return { limitInSight, steps: niceSteps((limitInSight ? Math.max(limit, most) : most) * 1.05 || 1) };
}

/** @param {Plot} plot @param {number} width */
function scales(plot, width) {
  const { from, to } = plot;
  const highest = top(plot).steps.at(-1) ?? 1;
  const [w, h] = [width - MARGIN.left - MARGIN.right, HEIGHT - MARGIN.top - MARGIN.bottom];
  return {
    /** @param {number} time */
    x: (time) => Math.round((MARGIN.left + ((time - from) / (to - from)) * w) * 10) / 10,
    /** @param {number} value */
    y: (value) => Math.round((MARGIN.top + (1 - value / highest) * h) * 10) / 10,
    /** @param {number} x */
    time: (x) => from + ((x - MARGIN.left) / w) * (to - from),
  };
}

/** @param {Plot} plot @param {number} width @returns {SVGElement[]} */
function scene(plot, width) {
  const { points, entries, limit, from, to } = plot;
  const { x, y } = scales(plot, width);
  const { limitInSight, steps } = top(plot);
  const right = width - MARGIN.right;
  const floor = HEIGHT - MARGIN.bottom;
  const axes = steps.flatMap((value) => [
    svg('line', { class: 'grid', x1: MARGIN.left, x2: right, y1: y(value), y2: y(value) }),
    svg('text', { class: 'axis', x: MARGIN.left - 6, y: y(value) + 4, 'text-anchor': 'end' }, short(value)),
  ]);
  const times = clockTicks(from, to, Math.max(2, Math.floor(width / 110))).map(({ time, text }) =>
    svg('text', { class: 'axis', x: x(time), y: floor + 18, 'text-anchor': 'middle' }, text),
  );
  const unit = svg(
    'text',
    { class: 'axis', x: MARGIN.left, y: MARGIN.top - 4 },
    entries.length > 0 ? 'routes, and cached (dashed)' : 'routes',
  );
  /** @param {Points} all @param {string} name */
  const drawn = (all, name) =>
    runs(all).map((run) => {
      const along = run.map(([time, value]) => `${x(time)},${y(value)}`);
      return run.length > 1
        ? svg('path', { class: `line ${name}`, d: `M${along.join('L')}` })
        : svg('circle', { class: `dot ${name}`, cx: x(run[0]?.[0] ?? 0), cy: y(run[0]?.[1] ?? 0), r: 1.5 });
    });
  const lines = [...drawn(points, 'routes'), ...drawn(entries, 'entries')];
  return [...axes, ...times, unit, ...lines, ...limitLine(limit, limitInSight, y, right)];
}

/** @param {number | null} limit @param {boolean} inSight @param {(value: number) => number} y @param {number} right */
function limitLine(limit, inSight, y, right) {
  if (limit === null) return [];
  const text = `limit ${count(limit)}`;
  if (!inSight)
    return [svg('text', { class: 'limit', x: right, y: MARGIN.top - 4, 'text-anchor': 'end' }, `${text}, far above`)];
  return [
    svg('line', { class: 'limit', x1: MARGIN.left, x2: right, y1: y(limit), y2: y(limit) }),
    svg('text', { class: 'limit', x: right, y: y(limit) - 5, 'text-anchor': 'end' }, text),
  ];
}

/**
 * The line is broken while a host was silent, because the values in between are unknown.
 * @param {Points} points
 */
function runs(points) {
  const gaps = points.slice(1).map(([time], index) => time - (points[index]?.[0] ?? 0));
  const usual = gaps.toSorted((a, b) => a - b)[Math.floor(gaps.length / 2)] ?? 0;
  /** @type {(readonly [number, number])[][]} */
  const found = [];
  for (const [index, point] of points.entries()) {
    if (index === 0 || (gaps[index - 1] ?? 0) > usual * 3) found.push([]);
    found.at(-1)?.push(point);
  }
  return found;
}
