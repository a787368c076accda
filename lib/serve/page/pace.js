// How fast loads are: what their progress told, kept in this tab for charts.

const PLACE = "pgsluice.paces";
const POINTS_MAX = 160;
const LOADS_MAX = 30;
/// How far back a rate looks, in seconds.
const WINDOW = 8;

const known = new Map(read());

function read() {
  try {
    return JSON.parse(sessionStorage.getItem(PLACE)) ?? [];
  } catch {
    return [];
  }
}

function keep() {
  while (known.size > LOADS_MAX) known.delete(known.keys().next().value);
  try {
    sessionStorage.setItem(PLACE, JSON.stringify([...known]));
  } catch {
    // No room: the charts end with the page then.
  }
}

/// The rows per second over a load, as {at, rate}: seconds since its begin.
export const paceOf = (load) => known.get(load) ?? [];

/// One load's progress as it comes. Rates are those of the last seconds, and not since the begin.
export class Pace {
  #samples = [];

  /// `progress` as GET /v1/loads/ID/events has it. Returns {rows, bytes}: per second.
  add(load, progress) {
    const sample = { at: progress.seconds, rows: progress.rows_stored, bytes: progress.bytes_done };
    const last = this.#samples.at(-1);
    if (last && sample.at <= last.at) return this.rates();
    this.#samples.push(sample);
    while (this.#samples.length > 2 && sample.at - this.#samples[1].at >= WINDOW) this.#samples.shift();
    if (last) this.#note(load, sample, last);
    return this.rates();
  }

  rates() {
    const [first, last] = [this.#samples[0], this.#samples.at(-1)];
    if (!first || first === last) return { rows: 0, bytes: 0 };
    const seconds = last.at - first.at;
    return { rows: (last.rows - first.rows) / seconds, bytes: (last.bytes - first.bytes) / seconds };
  }

  #note(load, sample, last) {
    if (load === undefined) return;
    let points = paceOf(load);
    // It is run again: its chart begins anew.
    if (points.length > 0 && points.at(-1).at >= sample.at) points = [];
    points.push({ at: sample.at, rate: Math.max(0, (sample.rows - last.rows) / (sample.at - last.at)) });
    if (points.length > POINTS_MAX) points = halved(points);
    known.delete(load);
    known.set(load, points);
    keep();
  }
}

/// Two points become one: a long load has no more of them than a short one.
function halved(points) {
  const half = [];
  for (let i = 0; i < points.length; i += 2) {
    const pair = points.slice(i, i + 2);
    half.push({ at: pair.at(-1).at, rate: pair.reduce((sum, point) => sum + point.rate, 0) / pair.length });
  }
  return half;
}

/// Seconds until `total` bytes are there; undefined where nobody can say.
export function secondsLeft(done, total, bytesPerSecond) {
  if (!total || done > total || bytesPerSecond <= 0) return undefined;
  return (total - done) / bytesPerSecond;
}
