// An upload on its way, shown: the bar and its figures.

import { button, make, say, write } from "./dom.js";
import { bytes, clock, count } from "./format.js";

/// How much is heard of it by who does not see it: a word each quarter, and not more often than that.
const HEARD_AT = [0.25, 0.5, 0.75];
const HEARD_EVERY = 10_000;

const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);

export class Running {
  #heard = 0;
  #heardAt = 0;

  constructor(sending) {
    this.sending = sending;
    this.bar = make("progress", { max: 1, "aria-labelledby": "running-title" });
    this.stage = make("span", { class: "stage" }, "Sending");
    this.share = make("span", { class: "share" });
    const cell = (name) => {
      const value = make("dd", {}, "–");
      return [value, make("div", {}, make("dt", {}, name), value)];
    };
    const cells = { rows: cell("Rows stored"), rowRate: cell("Rows/s"), byteRate: cell("MB/s"), left: cell("Time left"), rejected: cell("Rejected") };
    this.values = Object.fromEntries(Object.entries(cells).map(([name, [value]]) => [name, value]));
    this.cancelButton = button("Cancel", () => this.cancel());
    const isCheck = sending.verb === "check";
    cells.rejected[1].hidden = true;
    this.rejectedCell = cells.rejected[1];
    this.node = make(
      "div", { class: "running" },
      make("h3", { id: "running-title", tabindex: -1 }, `${sending.file.name} → ${sending.table}`),
      this.bar,
      make("p", { class: "way" }, this.stage, this.share),
      !isCheck && make("dl", { class: "figures" }, Object.values(cells).map(([, node]) => node)),
      make("div", { class: "buttons" }, this.cancelButton),
    );
    this.update();
  }

  cancel() {
    this.cancelButton.disabled = true;
    write(this.stage, "Stopping");
    for (const name of ["rowRate", "byteRate", "left"]) write(this.values[name], "–");
    this.sending.cancel();
  }

  update() {
    const { sending, values } = this;
    const { progress, fraction, rates, file, sent } = sending;
    // Until the server tells what is stored, the bar is what has been sent; a small file is all on its way at once.
    if (fraction !== undefined) this.bar.value = fraction;
    else if (sending.verb === "check" && file.size > 0) this.bar.value = Math.min(1, sent / file.size);
    else this.bar.removeAttribute("value");
    const done = progress ? progress.bytes_done : sent;
    const share = fraction === undefined ? "" : `${Math.floor(fraction * 100)}\u00a0%, `;
    write(this.share, `${share}${bytes(done)} of ${bytes(file.size)}${progress ? "" : " sent"}`);
    if (!sending.isCancelled) write(this.stage, this.#stage());
    if (!progress) return;
    write(values.rows, count(progress.rows_stored));
    if (sending.isCancelled) return;
    write(values.rowRate, rates.rows > 0 ? count(rates.rows) : "–");
    write(values.byteRate, rates.bytes > 0 ? (rates.bytes / 1e6).toFixed(1) : "–");
    const left = sending.secondsLeft;
    write(values.left, left === undefined ? "–" : clock(left));
    this.rejectedCell.hidden = progress.rows_rejected === 0;
    write(values.rejected, count(progress.rows_rejected));
    this.#tell(fraction ?? 0);
  }

  #stage() {
    const { sending } = this;
    if (sending.verb === "check") return "Checking";
    if (sending.progress) return capital(sending.progress.stage);
    return sending.load === undefined && sending.sent > 0 ? "Waiting for the server" : "Sending";
  }

  #tell(fraction) {
    const quarter = HEARD_AT.filter((at) => fraction >= at).length;
    if (quarter <= this.#heard || Date.now() - this.#heardAt < HEARD_EVERY) return;
    this.#heard = quarter;
    this.#heardAt = Date.now();
    say(`${Math.floor(fraction * 100)} percent of ${this.sending.file.name} are stored.`);
  }
}
