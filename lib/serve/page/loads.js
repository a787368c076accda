// The list of loads, as the ledger has them.

import { askJson } from "./api.js";
import { chartOf } from "./chart.js";
import { button, by, make } from "./dom.js";
import { bytes, count, counted, instant, took, when } from "./format.js";
import { Pace, paceOf } from "./pace.js";
import { showRejects } from "./rejects.js";
import { follow } from "./sending.js";

const PAGE = 15;
/// How often the list is asked for: while something runs, and otherwise.
const SOON = 2_000;
const LATER = 20_000;
/// Loads of others that are followed at once, for their charts.
const FOLLOWED_MAX = 4;

function stateOf(load) {
  if (load.given_up) return "given up";
  return load.running ? "running" : load.state;
}

const kindOf = (state) =>
  ({ finished: "good", running: "live", unfinished: "warned", staged: "warned", "given up": "off", void: "off" })[state] ?? "";

export const stateMark = (state, kind = kindOf(state)) => make("span", { class: `state ${kind}` }, state);

export function timeOf(text) {
  const date = instant(text);
  return date ? make("time", { datetime: date.toISOString(), title: text }, when(date)) : text ?? "";
}

export class LoadList {
  #body = by("loads-body");
  #state = by("loads-state");
  #loads = [];
  #open = new Set();
  #followed = new Map();
  #next = null;
  #pages = 1;
  #asked;
  #timer;
  #asking;

  constructor() {
    this.#state.addEventListener("change", () => {
      this.#pages = 1;
      this.refresh();
    });
    document.addEventListener("visibilitychange", () => !document.hidden && this.refresh());
  }

  /// Names of tables that loads went to.
  tables() {
    return [...new Set(this.#loads.map((load) => load.table))].sort();
  }

  refresh() {
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = undefined;
      clearTimeout(this.#timer);
      const soon = this.#loads.some((load) => load.running) || this.#followed.size > 0;
      this.#timer = setTimeout(() => !document.hidden && this.refresh(), soon ? SOON : LATER);
    });
    return this.#asking;
  }

  async #ask() {
    try {
      let loads = [];
      let next;
      for (let page = 0; page < this.#pages && next !== null; page += 1) {
        const some = await askJson("loads", { query: { count: PAGE, state: this.#state.value, before: next } });
        loads = loads.concat(some.loads);
        next = some.next;
      }
      this.#loads = loads;
      this.#next = next;
      this.#show();
      this.#asked = new Date();
      this.#followThoseThatRun();
    } catch (error) {
      if (this.#loads.length > 0) return this.#tellOfSilence(error);
      this.#body.replaceChildren(make("p", { class: "soft" }, `They cannot be shown: ${error.message} `,
        button("Try again", () => this.refresh())));
    }
  }

  /// What is shown stays, and is not what is.
  #tellOfSilence(error) {
    this.#body.querySelector(".note")?.remove();
    this.#body.prepend(make("p", { class: "note", role: "status" },
      `${error.message} What is below was so at ${this.#asked.toLocaleTimeString()}.`));
  }

  #followThoseThatRun() {
    for (const { load, running } of this.#loads) {
      if (!running || this.#followed.has(load) || this.#followed.size >= FOLLOWED_MAX) continue;
      const ends = new AbortController();
      const pace = new Pace();
      this.#followed.set(load, ends);
      follow(load, { signal: ends.signal, onProgress: (progress) => pace.add(load, progress) })
        .then((hasEnded) => (hasEnded ? this.refresh() : undefined), () => {})
        .finally(() => this.#followed.delete(load));
    }
  }

  /// Rows keep their place and their focus: only what has changed is made anew.
  #show() {
    if (this.#loads.length === 0) {
      this.#body.replaceChildren(make("p", { class: "soft" }, "There are none."));
      return;
    }
    const focused = document.activeElement?.dataset?.load;
    const rows = this.#loads.flatMap((load) => this.#rowsOf(load));
    const table = make("table", { class: "list" },
      make("caption", { class: "unseen" }, "Loads, newest first"),
      make("thead", {}, make("tr", {},
        make("th", { scope: "col" }, "Table"), make("th", { scope: "col" }, "State"),
        make("th", { scope: "col", class: "number" }, "Rows"), make("th", { scope: "col", class: "wider" }, "Rows/s"),
        make("th", { scope: "col", class: "wider" }, "Begun"))),
      make("tbody", {}, rows));
    const more = this.#next !== null && make("div", { class: "buttons" }, button("Show older", () => {
      this.#pages += 1;
      this.refresh();
    }, { "data-load": "older" }));
    this.#body.replaceChildren(...[table, more].filter(Boolean));
    if (focused) this.#body.querySelector(`[data-load="${CSS.escape(focused)}"]`)?.focus();
  }

  #rowsOf(load) {
    const isOpen = this.#open.has(load.load);
    const state = stateOf(load);
    const points = paceOf(load.load);
    const row = make(
      "tr", {},
      make("th", { scope: "row" },
        button(load.table, () => {
          if (!this.#open.delete(load.load)) this.#open.add(load.load);
          this.#show();
        }, { class: "opens", "aria-expanded": String(isOpen), "data-load": load.load }),
        make("span", { class: "soft" }, `${load.load} · ${load.source}`)),
      make("td", {}, stateMark(state)),
      make("td", { class: "number" }, count(load.rows_stored),
        load.rows_rejected > 0 && make("span", { class: "rejected" }, `${count(load.rows_rejected)} rejected`)),
      make("td", { class: "wider" }, points.length > 2 ? chartOf(points, { isSmall: true }) : meanOf(load)),
      make("td", { class: "wider" }, timeOf(load.started_at)),
    );
    return isOpen ? [row, make("tr", { class: "open" }, make("td", { colspan: 5 }, this.#detailOf(load)))] : [row];
  }

  /// Made once, so that what is shown of bad records stays while the list is asked for again.
  #detailOf(load) {
    const points = paceOf(load.load);
    const known = this.#details.get(load.load);
    const print = JSON.stringify(load) + points.length;
    if (known?.print === print) return known.node;
    const rejects = known?.rejects ?? make("div", {});
    if (!known && load.rows_rejected > 0) showRejects(load.load, load.rows_rejected, rejects,
      { heading: "h3", caption: `Bad records of load ${load.load}` });
    const node = detailOf(load, points, rejects);
    this.#details.set(load.load, { print, node, rejects });
    return node;
  }

  #details = new Map();
}

function meanOf(load) {
  const mean = load.seconds > 0 ? load.rows_stored / load.seconds : 0;
  return mean > 0 ? make("span", { class: "soft" }, `${count(mean)} on average`) : "";
}

function detailOf(load, points, rejects) {
  const facts = [
    ["Records read", count(load.records_read)],
    ["Rows stored", count(load.rows_stored)],
    load.rows_updated > 0 && ["Updated", count(load.rows_updated)],
    load.rows_unchanged > 0 && ["Unchanged", count(load.rows_unchanged)],
    load.rows_rejected > 0 && ["Rejected", count(load.rows_rejected)],
    load.rows_undone > 0 && ["Undone", count(load.rows_undone)],
    ["Bytes", bytes(load.bytes)],
    ["Took", took(load.seconds)],
    ["Runs", count(load.runs)],
    ["Begun", timeOf(load.started_at)],
    load.finished_at && ["Finished", timeOf(load.finished_at)],
  ].filter(Boolean);
  return make(
    "div", { class: "detail" },
    load.state === "unfinished" && !load.running && !load.given_up && make("p", {}, "It is unfinished: ",
      `${counted(load.rows_stored, "row")} of it are stored. Choose the same file again, with the same table and options, `,
      "and the upload goes on behind them."),
    load.damage && make("p", { class: "bad" }, load.damage),
    points.length > 2 && make("figure", {}, chartOf(points), make("figcaption", { class: "soft" }, "Rows per second")),
    make("dl", { class: "facts" }, facts.map(([name, value]) => make("div", {}, make("dt", {}, name), make("dd", {}, value)))),
    rejects,
  );
}
