// A load's rows per second, drawn.

import { draw } from "./dom.js";
import { count, took } from "./format.js";

/// Of points {at, rate}; in words for who does not see it. `isSmall`: for a row of a list.
export function chartOf(points, { isSmall = false } = {}) {
  const [width, height] = isSmall ? [96, 24] : [640, 120];
  const most = Math.max(...points.map((point) => point.rate), 1);
  const begin = points[0].at;
  const span = Math.max(points.at(-1).at - begin, 0.001);
  const x = (point) => (((point.at - begin) / span) * (width - 2) + 1).toFixed(1);
  const y = (point) => (height - 1 - (point.rate / most) * (height - 3)).toFixed(1);
  const line = points.map((point, i) => `${i === 0 ? "M" : "L"}${x(point)} ${y(point)}`).join("");
  const mean = points.reduce((sum, point) => sum + point.rate, 0) / points.length;
  return draw(
    "svg",
    {
      class: isSmall ? "spark" : "chart", viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none", role: "img",
      "aria-label": `Rows per second over ${took(span)}: ${count(mean)} on average, ${count(most)} at most`,
    },
    draw("path", { class: "area", d: `${line}L${x(points.at(-1))} ${height}L1 ${height}Z` }),
    draw("path", { class: "line", d: line }),
  );
}
