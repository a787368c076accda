// The upload of a file: chosen, looked at, sent, and what became of it.

import { askJson, Problem, Unreachable } from "./api.js";
import { button, by, make, say } from "./dom.js";
import { bytes, count } from "./format.js";
import { nameTable, shownFound } from "./found.js";
import * as cutOff from "./interrupted.js";
import { isPacked, lookAt, queryOf } from "./look.js";
import { Options } from "./options.js";
import { shownCheck, shownProblem, shownReport } from "./result.js";
import { Running } from "./running.js";
import { Cancelled, Sending } from "./sending.js";

export class UploadCard {
  #body = by("upload-body");
  #looking;

  /// `loads`: the list, which is told when something has changed.
  constructor(loads) {
    this.loads = loads;
    this.#listenToDrops();
    addEventListener("beforeunload", (event) => {
      if (this.sending) event.preventDefault();
    });
    this.cut = cutOff.interrupted();
    this.choose();
    if (this.cut) this.#tellOfCut();
  }

  /// Nothing is chosen.
  choose() {
    this.#looking?.abort();
    this.file = undefined;
    this.#show(this.#drop("Choose a file", "or drop it here. CSV, plain or packed."));
  }

  #show(...nodes) {
    this.#body.replaceChildren(...nodes);
  }

  #drop(words, more) {
    const input = make("input", { type: "file", id: "file", class: "unseen", on: { change: () => this.take(input.files[0]) } });
    return make("div", { class: "drop" }, input,
      make("label", { for: "file", class: "button main" }, words), make("span", { class: "soft" }, more));
  }

  /// A file is dropped anywhere on the page.
  #listenToDrops() {
    const isFile = (event) => event.dataTransfer?.types.includes("Files");
    const mark = (isOver) => document.body.classList.toggle("over", isOver);
    addEventListener("dragover", (event) => {
      if (!isFile(event)) return;
      event.preventDefault();
      mark(!this.sending);
    });
    addEventListener("dragleave", (event) => event.relatedTarget === null && mark(false));
    addEventListener("drop", (event) => {
      if (!isFile(event)) return;
      event.preventDefault();
      mark(false);
      if (!this.sending) this.take(event.dataTransfer.files[0]);
    });
  }

  /// Looks at it, and offers to load it.
  async take(file) {
    if (!file) return;
    this.#looking?.abort();
    const looking = new AbortController();
    this.#looking = looking;
    this.file = file;
    this.#show(this.#headOf(file), make("p", { class: "soft", "aria-busy": "true" }, "Looking at it …"));
    try {
      const permissions = await this.#permissions();
      const looked = await lookAt(file, looking.signal).catch((error) => {
        if (looking.signal.aborted || error.status === 401) throw error;
        return { problem: error };
      });
      if (looking.signal.aborted) return;
      this.#offer(file, looked, permissions);
    } catch (error) {
      if (looking.signal.aborted) return;
      this.#show(this.#headOf(file), shownProblem("It cannot be looked at", error),
        make("div", { class: "buttons" }, button("Try again", () => this.take(file), { class: "main" })));
    }
  }

  async #permissions() {
    try {
      return await askJson("permissions");
    } catch (error) {
      if (error.status === 404) return { name: null, tables: ["*"], flags: [] };
      throw error;
    }
  }

  #headOf(file) {
    return make("div", { class: "file" },
      make("div", {}, make("h3", { tabindex: -1 }, file.name), make("span", { class: "soft" }, bytes(file.size))),
      button("Another file", () => {
        this.choose();
        by("file").focus();
      }));
  }

  #offer(file, looked, permissions) {
    const tables = this.loads.tables();
    const options = new Options({ permissions, tables });
    if (looked?.found) {
      const found = queryOf(looked.found.flags);
      options.use(looked.encoding ? [...found, ["encoding", looked.encoding]] : found);
    } else if (isPacked(file)) {
      options.use([["dialect", "auto"]]);
    }
    const isCut = this.cut && cutOff.isSame(file, this.cut);
    if (isCut) options.restore(this.cut.table, this.cut.query);
    else options.table.value = tableFor(file, permissions, tables);
    const place = make("div", {});
    if (looked?.found) {
      // Nothing moves while somebody goes from the table's name to the button.
      const found = shownFound(looked, options.table.value.trim());
      options.table.addEventListener("input", () => nameTable(found, looked, options.table.value.trim()));
      place.append(found);
    }
    if (!looked) place.append(make("p", { class: "soft" }, "It is packed: what is in it is found out when it is loaded."));
    if (looked?.problem) place.append(shownProblem("It cannot be looked at", looked.problem));
    const form = make("form", { on: { submit: (event) => {
      event.preventDefault();
      this.#send(file, options, "loads");
    } } }, options.node,
    make("div", { class: "buttons" },
      make("button", { type: "submit", class: "main" }, isCut ? "Go on with the upload" : "Upload"),
      button("Only check it", () => form.reportValidity() && this.#send(file, options, "check"))));
    const head = this.#headOf(file);
    // What cannot be read is not loaded by the next click.
    const isRefused = looked?.problem instanceof Problem && looked.problem.status < 500 && looked.problem.status !== 404;
    this.#show(head, place, isRefused ? make("details", {}, make("summary", {}, "Load it all the same"), form) : form);
    head.querySelector("h3").focus();
    say(looked?.found ? `${file.name}: ${looked.found.columns.length} columns, ${count(looked.found.records)} records looked at.` : file.name);
  }

  async #send(file, options, verb) {
    const table = options.table.value.trim();
    const query = verb === "check" ? options.reading() : options.query();
    const form = [...this.#body.childNodes];
    let running;
    const sending = new Sending({ file, table, query, verb, onChange: () => {
      running?.update();
      if (sending.load !== undefined && !isKnown) {
        isKnown = true;
        this.loads.refresh();
      }
    } });
    let isKnown = false;
    running = new Running(sending);
    this.sending = sending;
    this.#show(running.node);
    this.#clearNotice();
    running.node.querySelector("h3").focus();
    if (verb === "loads") cutOff.begin({ file, table, query });
    try {
      const { report } = await sending.run();
      this.#settle();
      this.#end(verb === "check" ? shownCheck(report) : shownReport(report),
        verb === "check" ? [button("Back to the upload", () => this.#back(form), { class: "main" })]
          : [button("Upload another file", () => this.#again(), { class: "main" })]);
    } catch (error) {
      // Where the line was cut, the same upload may go on.
      if (error instanceof Unreachable) this.sending = undefined;
      else this.#settle();
      await this.#failed(error, sending, form, () => this.#send(file, options, verb));
    }
    this.loads.refresh();
  }

  #settle() {
    this.sending = undefined;
    this.cut = undefined;
    cutOff.end();
  }

  #again() {
    this.choose();
    by("file").focus();
  }

  #back(form) {
    this.#show(...form);
    form[0].querySelector("h3").focus();
  }

  async #failed(error, sending, form, again) {
    // What is wrong with the file or the flags is so once more.
    const isWrong = error instanceof Problem && error.status < 500 && error.status !== 409;
    const buttons = [button("Try again", again, { class: isWrong ? undefined : "main" }),
      button("Back to the file", () => this.#back(form), { class: isWrong ? "main" : undefined }),
      button("Another file", () => this.#again())];
    if (isWrong) buttons.splice(0, 2, buttons[1], buttons[0]);
    if (error instanceof Cancelled) {
      const stored = await sending.rowsKept();
      const kept = stored === undefined ? "What is stored of it stays; the same upload goes on behind that."
        : stored > 0 ? `${count(stored)} rows of it are in ${sending.table}; the same upload goes on behind them.`
          : "Nothing of it is stored.";
      return this.#end(make("div", { class: "outcome" }, make("h3", { tabindex: -1 }, "Cancelled"), make("p", {}, kept)), buttons);
    }
    if (error instanceof Unreachable) {
      const cut = new Error("What is stored stays. The same file sent again goes on behind it.");
      return this.#end(shownProblem("The connection was cut", cut), buttons);
    }
    const title = error instanceof Problem && error.body.record ? "A record is bad" : "It was not stored";
    return this.#end(shownProblem(sending.verb === "check" ? "It cannot be checked" : title, error), buttons);
  }

  #end(outcome, buttons) {
    this.#show(outcome, make("div", { class: "buttons" }, buttons));
    const title = outcome.querySelector("h3");
    title.focus();
    say(title.textContent);
  }

  #clearNotice() {
    by("upload-notice").replaceChildren();
  }

  #tellOfCut() {
    const { name, table } = this.cut;
    by("upload-notice").replaceChildren(make(
      "div", { class: "note" },
      make("p", {}, "The upload of ", make("b", {}, name), " into ", make("b", {}, table),
        " was cut when this page was left. What is stored of it stays: choose the same file again, and it goes on behind that."),
      make("div", { class: "buttons" }, button("It need not go on", () => {
        this.cut = undefined;
        cutOff.end();
        this.#clearNotice();
      })),
    ));
  }
}

/// A name that is likely meant: the only one that is allowed, or a table that loads went to and that is called so.
function tableFor(file, permissions, tables) {
  const [only] = permissions.tables;
  if (permissions.tables.length === 1 && !/[*?]/.test(only)) return only;
  const name = file.name.toLowerCase().replace(/\..*$/, "").replace(/[^a-z0-9_]+/g, "_");
  return tables.find((table) => table.split(".").at(-1) === name) ?? "";
}
