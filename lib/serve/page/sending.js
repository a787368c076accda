// One upload on its way: the bytes, the load's number, its progress, how it ended.

import { addressOf, ask, askJson, authorization, eventsOf, hasOtherToken, part, Problem, problemOf, Unreachable } from "./api.js";
import { headersOf, typeOf } from "./look.js";
import { Pace, secondsLeft } from "./pace.js";
import { token } from "./token.js";

/// How often a load is looked for that has just begun, and its progress, where the line was cut.
const LOOK_AGAIN = 400;

/// How long an answer is waited for behind the word that it was stopped: what is still being sent may hold it up.
const ANSWER_WAIT = 2_000;
/// How often a load is looked for by its key, before one of its table will do.
const BY_KEY_MAX = 5;

const pause = (milliseconds) => new Promise((done) => { setTimeout(done, milliseconds); });

/// The browser was told to stop it.
export class Cancelled extends Error {}

/// Follows a load's events until it has ended or is run by somebody else: then false.
export async function follow(load, { signal, onProgress }) {
  let seen = 0;
  for (;;) {
    const answer = await ask(`loads/${load}/events`, { signal, headers: seen > 0 ? { "Last-Event-ID": String(seen) } : {} });
    try {
      for await (const event of eventsOf(answer)) {
        if (event.name !== "progress") return event.name === "end";
        seen += 1;
        onProgress(event.data);
      }
    } catch (error) {
      if (signal.aborted) throw error;
    }
    // The line was cut.
    await pause(LOOK_AGAIN);
    if (signal.aborted) return false;
  }
}

export class Sending {
  /// `query`: pairs. `verb`: loads, or check, which stores nothing and has no number. `onChange` is called whenever
  /// something of it is another.
  constructor({ file, table, query, verb = "loads", onChange }) {
    Object.assign(this, { file, table, query, verb, onChange });
    this.load = undefined; ///< its number, once it is known
    this.sent = 0;
    this.progress = undefined;
    this.rates = { rows: 0, bytes: 0 };
    this.isCancelled = false;
  }

  /// 0 to 1; undefined where nobody can say.
  get fraction() {
    if (!this.progress || this.file.size === 0) return undefined;
    const { bytes_done: done, packed_bytes_done: packed } = this.progress;
    if (packed !== undefined) return Math.min(1, packed / this.progress.packed_bytes_total);
    return typeOf(this.file).startsWith("text/") ? Math.min(1, done / this.file.size) : undefined;
  }

  get secondsLeft() {
    if (this.fraction === undefined || this.progress.packed_bytes_done !== undefined) return undefined;
    return secondsLeft(this.progress.bytes_done, this.file.size, this.rates.bytes);
  }

  /// {status, report}. Throws Problem, Unreachable, Cancelled.
  async run() {
    const ends = new AbortController();
    try {
      for (;;) {
        const used = token();
        if (this.verb === "loads") this.#watch(ends.signal).catch(() => {});
        const answer = await this.#send();
        if (answer.status < 300) return { status: answer.status, report: JSON.parse(answer.text) };
        const problem = problemOf(answer.status, answer.text);
        if (this.isCancelled) throw new Cancelled(problem.message);
        if (answer.status !== 401 || !(await hasOtherToken(used, problem.message))) throw problem;
      }
    } finally {
      ends.abort();
    }
  }

  /// What is stored stays. A load that has no number yet, or is not the server's own, ends with the line.
  async cancel() {
    this.isCancelled = true;
    this.onChange();
    try {
      if (this.load === undefined) throw new Problem(409);
      await ask(`loads/${this.load}`, { method: "DELETE" });
      await pause(ANSWER_WAIT);
    } catch {
      // It ends with the line.
    }
    this.request?.abort();
  }

  /// Rows of it that the ledger has; undefined where nobody can say.
  async rowsKept() {
    if (this.load === undefined) return undefined;
    try {
      return (await askJson(`loads/${this.load}`)).rows_stored;
    } catch {
      return undefined;
    }
  }

  /// fetch() does not tell how much has been sent.
  #send() {
    this.key = crypto.randomUUID?.() ?? String(Math.random()).slice(2);
    const request = new XMLHttpRequest();
    this.request = request;
    request.open("POST", addressOf(`tables/${part(this.table)}/${this.verb}`, this.query));
    const headers = {
      ...headersOf(this.file), "Idempotency-Key": this.key, ...authorization(),
    };
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.upload.addEventListener("progress", (event) => {
      this.sent = event.loaded;
      this.onChange();
    });
    return new Promise((done, fail) => {
      request.addEventListener("load", () => done({ status: request.status, text: request.responseText }));
      request.addEventListener("error", () => fail(this.isCancelled ? new Cancelled() : new Unreachable()));
      request.addEventListener("abort", () => fail(new Cancelled()));
      request.send(this.file);
    });
  }

  async #watch(signal) {
    let looks = 0;
    while (this.load === undefined && !signal.aborted) {
      await pause(LOOK_AGAIN);
      this.load = await this.#find(signal, looks);
      looks += 1;
    }
    if (signal.aborted) return;
    this.onChange();
    const pace = new Pace();
    await follow(this.load, {
      signal,
      onProgress: (progress) => {
        this.progress = progress;
        this.rates = pace.add(this.load, progress);
        this.onChange();
      },
    });
  }

  /// The load that was begun under its key. One that goes on has the key that it was begun with: then it is the
  /// only one of the table that runs.
  async #find(signal, looks) {
    try {
      const { loads } = await askJson("loads", { query: { idempotency_key: this.key }, signal });
      if (loads.length > 0 || looks < BY_KEY_MAX) return loads[0]?.load;
      const { loads: running } = await askJson("loads", { query: { table: this.table, state: "running", count: 2 }, signal });
      return running.length === 1 ? running[0].load : undefined;
    } catch {
      return undefined;
    }
  }
}
