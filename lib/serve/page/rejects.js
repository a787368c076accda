// Bad records: the reasons, and the file to be mended.

import { ask, download } from "./api.js";
import { button, make, refill } from "./dom.js";
import { count } from "./format.js";

const SHOWN_MAX = 50;

/// The first of them; what follows is not waited for.
async function firstOf(load, most) {
  const answer = await ask(`loads/${load}/rejects.jsonl`);
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  const found = [];
  let text = "";
  for (;;) {
    const { done, value } = await reader.read();
    text += value ?? "";
    const lines = text.split("\n");
    text = lines.pop();
    for (const line of lines) found.push(JSON.parse(line));
    if (done || found.length >= most) break;
  }
  reader.cancel().catch(() => {});
  return found.slice(0, most);
}

export function tableOfRecords(records, caption) {
  const head = ["Line", "Column", "Value", "Reason"].map((name) => make("th", { scope: "col" }, name));
  const rows = records.map((record) =>
    make("tr", {},
      make("td", { class: "number" }, count(record.line)),
      make("td", {}, record.column ?? ""),
      make("td", { class: "value" }, record.value ?? ""),
      make("td", {}, record.message ?? "")));
  return make(
    "div", { class: "scroll", role: "region", tabindex: 0, "aria-label": caption },
    make("table", { class: "records" },
      make("caption", { class: "unseen" }, caption),
      make("thead", {}, make("tr", {}, head)), make("tbody", {}, rows)),
  );
}

/// The bad records of a load, into `place`, under a heading of that level: both places may show the same.
export async function showRejects(load, rejected, place, { heading, caption }) {
  const get = (ending) => async (event) => {
    const pressed = event.currentTarget;
    pressed.disabled = true;
    try {
      await download(`loads/${load}/rejects${ending}`, `load-${load}.rejects${ending}`);
    } catch (error) {
      place.append(make("p", { class: "bad", role: "alert" }, error.message));
    } finally {
      pressed.disabled = false;
    }
  };
  try {
    const records = await firstOf(load, SHOWN_MAX);
    refill(
      place,
      make(heading, {}, "Bad records"),
      tableOfRecords(records, caption),
      rejected > records.length && make("p", { class: "soft" }, `The first ${records.length} of ${count(rejected)}.`),
      make("div", { class: "buttons" },
        button("Download rejects.csv", get(".csv")), button("Reasons (.jsonl)", get(".jsonl"))),
    );
  } catch (error) {
    place.replaceChildren(make("p", { class: "soft" }, `The bad records cannot be shown: ${error.message}`));
  }
}
