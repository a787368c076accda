// Jobs and migrations, to look at. A server that does not tell of them has no such section.

import { askJson, part } from "./api.js";
import { button, by, make } from "./dom.js";
import { count, took } from "./format.js";
import { stateMark, timeOf } from "./loads.js";

const RUNS = 20;
const EVERY = 30_000;

const kindOf = (state) => (["ran", "applied", "baseline"].includes(state) ? "good"
  : ["running", "queued"].includes(state) ? "live" : ["skipped", "missed"].includes(state) ? "off" : "bad");

function reveal(name, isThere) {
  by(name).hidden = !isThere;
  document.querySelector(`nav a[href="#${name}"]`).hidden = !isThere;
}

const heads = (names) => make("thead", {}, make("tr", {}, names.map(([name, kind]) =>
  make("th", { scope: "col", class: kind }, name))));

/// The last runs as marks, oldest first, and in words.
function marksOf(states) {
  if (states.length === 0) return make("span", { class: "soft" }, "none yet");
  const words = `Last runs, newest first: ${states.join(", ")}`;
  return make("span", { class: "marks", role: "img", "aria-label": words, title: words },
    [...states].reverse().map((state) => make("span", { class: `mark ${kindOf(state)}` })));
}

const nameOf = (one, name) => (one.project && one.project !== "default" ? `${one.project} · ${name}` : name);

class Jobs {
  #open = new Map();

  async refresh() {
    const { jobs } = await askJson("jobs");
    reveal("jobs", jobs.length > 0);
    const focused = document.activeElement?.dataset?.job;
    by("jobs-body").replaceChildren(make(
      "table", { class: "list" },
      make("caption", { class: "unseen" }, "Jobs"),
      heads([["Job"], ["Last runs"], ["Next slot"], ["Last success", "wider"]]),
      make("tbody", {}, jobs.flatMap((job) => this.#rowsOf(job))),
    ));
    if (focused) by("jobs-body").querySelector(`[data-job="${CSS.escape(focused)}"]`)?.focus();
  }

  #rowsOf(job) {
    const key = JSON.stringify([job.project, job.job]);
    const runs = this.#open.get(key);
    const row = make(
      "tr", {},
      make("th", { scope: "row" },
        button(nameOf(job, job.job), () => this.#toggle(key, job), { class: "opens", "aria-expanded": String(!!runs), "data-job": key }),
        make("span", { class: "soft" }, `${job.schedule}${job.time_zone ? ` ${job.time_zone}` : ""}`)),
      make("td", {}, marksOf(job.last_states ?? [])),
      make("td", {}, timeOf(job.next_slot)),
      make("td", { class: "wider" }, timeOf(job.last_success?.finished_at)),
    );
    return runs ? [row, make("tr", { class: "open" }, make("td", { colspan: 4 }, runs))] : [row];
  }

  async #toggle(key, job) {
    if (this.#open.delete(key)) return this.refresh();
    const place = make("div", { class: "detail" });
    this.#open.set(key, place);
    await this.refresh();
    const { runs } = await askJson(`jobs/${part(job.job)}/runs`, { query: { count: RUNS, project: job.project } });
    place.replaceChildren(runs.length === 0 ? make("p", { class: "soft" }, "It has not run.") : make(
      "div", { class: "scroll", role: "region", tabindex: 0, "aria-label": `Runs of ${job.job}` },
      make("table", { class: "records" },
        make("caption", { class: "unseen" }, `Runs of ${job.job}`),
        heads([["Slot"], ["State"], ["Took", "number"], ["Attempts", "number"], ["What it said"]]),
        make("tbody", {}, runs.map((run) => make("tr", {},
          make("td", {}, timeOf(run.slot)), make("td", {}, stateMark(run.state, kindOf(run.state))),
          make("td", { class: "number" }, took(run.seconds)), make("td", { class: "number" }, count(run.attempts)),
          make("td", { class: "value" }, run.message ?? ""))))),
    ));
  }
}

class Migrations {
  #shown = [];

  async refresh(before) {
    const page = await askJson("migrations", { query: { count: RUNS, before } });
    this.#shown = before ? this.#shown.concat(page.migrations) : page.migrations;
    reveal("migrations", this.#shown.length > 0);
    by("migrations-body").replaceChildren(make(
      "table", { class: "list" },
      make("caption", { class: "unseen" }, "Migrations, newest first"),
      heads([["Migration"], ["State"], ["Applied"], ["Took", "number wider"]]),
      make("tbody", {}, this.#shown.map((one) => make(
        "tr", {},
        make("th", { scope: "row" }, make("span", { class: "name" }, nameOf(one, one.file)),
          one.applied_by && make("span", { class: "soft" }, one.applied_by),
          one.error && make("span", { class: "bad" }, one.error)),
        make("td", {}, stateMark(one.state, kindOf(one.state))),
        make("td", {}, timeOf(one.applied_at ?? one.begun_at)),
        make("td", { class: "number wider" }, took(one.seconds)),
      ))),
    ), ...(page.next === null ? [] : [make("div", { class: "buttons" }, button("Show older", () => this.refresh(page.next)))]));
  }
}

/// What a server does not know of, or does not show to whoever asks, is left out.
async function follow(view, name) {
  try {
    if (!document.hidden) await view.refresh();
  } catch (error) {
    if (error.status === 404 || error.status === 403) return reveal(name, false);
  }
  if (name === "jobs") setTimeout(() => follow(view, name), EVERY);
}

export function showViews() {
  follow(new Jobs(), "jobs");
  follow(new Migrations(), "migrations");
}
