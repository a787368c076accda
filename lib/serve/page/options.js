// How a file goes into its table: the form, and the query that it comes to.

import { make } from "./dom.js";

let next = 0;

/// An input with its label and, if there is one, a hint.
function labelled(kind, label, input, hint) {
  const id = `option-${(next += 1)}`;
  input.id = id;
  if (hint) input.setAttribute("aria-describedby", `${id}-hint`);
  const name = make("label", { for: id }, label);
  return make("div", { class: kind }, kind === "tick" ? [input, name] : [name, input],
    hint && make("p", { class: "hint", id: `${id}-hint` }, hint));
}

const field = (label, input, hint) => labelled("field", label, input, hint);
const tick = (label, input, hint) => labelled("tick", label, input, hint);

const text = (attributes = {}) =>
  make("input", { type: "text", autocomplete: "off", autocapitalize: "none", spellcheck: "false", ...attributes });

/// Lines "name=value", as the query has them.
const linesOf = (pairs) => pairs.map(([name, value]) => `${name}=${value}`).join("\n");

function pairsOf(lines) {
  return lines.split("\n").map((line) => line.trim()).filter(Boolean).map((line) => {
    const equals = line.indexOf("=");
    return equals < 0 ? [line, "true"] : [line.slice(0, equals).trim(), line.slice(equals + 1)];
  });
}

export class Options {
  /// `permissions` as GET /v1/permissions has them; `tables`: names that are known.
  constructor({ permissions, tables }) {
    this.table = text({ required: true, list: "tables", placeholder: "public.trips" });
    this.conflict = make("select", {},
      make("option", { value: "" }, "is an error"),
      make("option", { value: "nothing" }, "is left out: the row stays"),
      make("option", { value: "update" }, "updates the row"));
    this.key = text({ placeholder: "the primary key" });
    this.rejects = make("input", { type: "number", min: 0, step: 1, value: 0, inputmode: "numeric" });
    this.nulls = text({ placeholder: "nothing between the delimiters" });
    this.atomic = make("input", { type: "checkbox" });
    this.create = make("input", { type: "checkbox" });
    this.more = make("textarea", { rows: 3, spellcheck: "false", autocapitalize: "none" });
    const keyField = field("Key columns", this.key, "Separated by commas.");
    const showKey = () => { keyField.hidden = this.conflict.value === ""; };
    this.conflict.addEventListener("change", showKey);
    this.showKey = showKey;
    showKey();
    this.node = make(
      "div", { class: "options" },
      make("datalist", { id: "tables" }, tables.map((name) => make("option", { value: name }))),
      make("div", { class: "fields" },
        field("Table", this.table, "As in SQL, with its schema."),
        field("A record whose key is there", this.conflict),
        keyField,
        field("Bad records allowed", this.rejects, "They are kept, with the reason."),
        field("NULL is", this.nulls)),
      make("div", { class: "ticks" },
        tick("All rows or none", this.atomic, "Nothing is in the table before all of it is."),
        permissions.flags.includes("create") && tick("Make the table if it is not there", this.create)),
      make("details", {},
        make("summary", {}, "How the file is read, and more"),
        field("A flag a line", this.more, "Names are those of pgsluice load, with _ for -: delimiter=;")),
    );
  }

  /// What the file was found to be.
  use(pairs) {
    this.more.value = linesOf(pairs);
  }

  /// Pairs, in the order of a query.
  query() {
    const query = this.reading();
    if (this.conflict.value) query.push(["on_conflict", this.conflict.value]);
    if (this.conflict.value && this.key.value.trim()) query.push(["key", this.key.value.trim()]);
    if (Number(this.rejects.value) > 0) query.push(["max_rejects", String(Math.floor(Number(this.rejects.value)))]);
    if (this.atomic.checked) query.push(["atomic", "true"]);
    if (this.create.checked) query.push(["create", "true"]);
    return query;
  }

  /// Those of them that say how records are read.
  reading() {
    const query = pairsOf(this.more.value);
    if (this.nulls.value !== "") query.push(["null", this.nulls.value]);
    return query;
  }

  /// As an earlier upload had it.
  restore(table, query) {
    this.table.value = table;
    const rest = [];
    for (const [name, value] of query) {
      if (name === "on_conflict") this.conflict.value = value;
      else if (name === "key") this.key.value = value;
      else if (name === "max_rejects") this.rejects.value = value;
      else if (name === "atomic") this.atomic.checked = true;
      else if (name === "create") this.create.checked = true;
      else rest.push([name, value]);
    }
    this.use(rest);
    this.showKey();
  }
}
