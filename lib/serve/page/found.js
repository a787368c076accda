// What a file was found to be, shown.

import { make, write } from "./dom.js";
import { bytes, count, counted } from "./format.js";
import { queryOf } from "./look.js";

function rowsOf(found) {
  const head = make(
    "tr", {},
    found.columns.map((column) =>
      make("th", { scope: "col" }, make("span", { class: "name" }, column.column), make("span", { class: "type" }, column.type))),
  );
  const rows = found.first_rows.map((row) =>
    make("tr", {}, row.map((value) => (value === null ? make("td", { class: "null" }, "NULL") : make("td", {}, value)))));
  return make(
    "div", { class: "scroll", role: "region", tabindex: 0, "aria-label": "First rows" },
    make("table", { class: "rows" }, make("thead", {}, head), make("tbody", {}, rows)),
  );
}

function doubtsOf({ found, encoding, isWhole }) {
  const doubts = [];
  if (!found.is_sure) doubts.push(`It is not sure how this is read: ${found.doubt}.`);
  if (found.header_doubt) doubts.push(`It is not sure whether the first record names the columns: ${found.header_doubt}.`);
  if (encoding) doubts.push(`The text is no UTF-8; it is taken for ${encoding}.`);
  if (found.misfits > 0) {
    doubts.push(`${counted(found.misfits, "record")} of ${count(found.records)} cannot be read, or ` +
      "have another number of values.");
  }
  for (const column of found.columns) {
    if (column.why_text) doubts.push(`“${column.column}” is text: ${column.why_text}.`);
  }
  if (!isWhole) doubts.push(`Looked at: the first ${bytes(found.bytes)}.`);
  return doubts;
}

/// The proposal names a table that nobody has chosen.
function createOf(found, table) {
  const name = table || "…";
  return found.create_table.replace(/^(create table )\S+/, (_, words) => words + name);
}

/// The same node says it for another table.
export function nameTable(node, looked, table) {
  write(node.querySelector("pre"), createOf(looked.found, table));
}

/// What lookAt() has told; `table` is for what would be made.
export function shownFound(looked, table) {
  const { found } = looked;
  const facts = [
    counted(found.columns.length, "column"),
    looked.isWhole ? counted(found.records, "record") : `${count(found.records)} records and more`,
    found.header ? "names in the first record" : "no names of columns",
    ...queryOf(found.flags).map(([name, value]) => `${name}=${value}`),
  ];
  return make(
    "div", { class: "found" },
    make("p", { class: "facts" }, facts.join(" · ")),
    rowsOf(found),
    make("ul", { class: "doubts" }, doubtsOf(looked).map((doubt) => make("li", {}, doubt))),
    make(
      "details", {},
      make("summary", {}, "The table that would take it"),
      make("pre", { tabindex: 0, class: "scroll" }, createOf(found, table)),
    ),
  );
}
