// How an upload ended.

import { make } from "./dom.js";
import { count, counted, took } from "./format.js";
import { showRejects, tableOfRecords } from "./rejects.js";

function figure(name, value) {
  return make("div", {}, make("dt", {}, name), make("dd", {}, value));
}

/// "rows stored 100", "updated 3" ...: those that are none are left out.
function figures(report) {
  const named = [
    ["Rows stored", report.rows_stored, true],
    ["Updated", report.rows_updated],
    ["Unchanged", report.rows_unchanged],
    ["Rejected", report.rows_rejected],
    ["Skipped", report.rows_skipped],
    ["Deleted", report.rows_deleted],
  ];
  return make(
    "dl", { class: "figures" },
    named.filter(([, value, always]) => always || value > 0).map(([name, value]) => figure(name, count(value))),
    report.seconds !== undefined && figure("Took", took(report.seconds)),
  );
}

function titleOf(report, table) {
  if (report.status === "nothing to do") return `It is in ${table} already`;
  if (report.records_read === 0) return `The file has no records: nothing was stored in ${table}`;
  if (report.rows_rejected > 0) return `Stored in ${table}, but for ${counted(report.rows_rejected, "bad record")}`;
  return `Stored in ${table}`;
}

/// A report of a load that is stored, or was before.
export function shownReport(report) {
  const node = make(
    "div", { class: report.rows_rejected > 0 ? "outcome warned" : "outcome good" },
    make("h3", { tabindex: -1 }, titleOf(report, report.table)),
    figures(report),
    report.notes && make("ul", { class: "doubts" }, report.notes.map((note) => make("li", {}, note))),
  );
  if (report.rows_rejected > 0 && report.load) {
    const place = make("div", {});
    node.append(place);
    showRejects(report.load, report.rows_rejected, place, { heading: "h4", caption: "Bad records of this upload" });
  }
  return node;
}

function recordOf(record) {
  return make(
    "dl", { class: "record" },
    figure("Line", count(record.line)),
    record.column && figure("Column", record.column),
    figure("Value", record.value ?? ""),
    figure("Reason", record.message ?? ""),
  );
}

/// A refusal, with the record that it is about.
export function shownProblem(title, problem) {
  const { record, load } = problem.body ?? {};
  return make(
    "div", { class: "outcome bad" },
    make("h3", { tabindex: -1 }, title),
    record && recordOf(record),
    make("p", { class: "detail" }, problem.message),
    load?.rows_stored > 0 ? figures(load) : load?.rows_stored === 0 && make("p", { class: "soft" }, "Nothing was stored."),
  );
}

/// What a check has found: nothing of it is stored.
export function shownCheck(report) {
  const bad = report.rejects ?? report.records ?? [];
  const node = make(
    "div", { class: report.rows_rejected > 0 ? "outcome warned" : "outcome good" },
    make("h3", { tabindex: -1 },
      report.rows_rejected > 0 ? `${count(report.rows_rejected)} of ${counted(report.records_read, "record")} ${report.rows_rejected === 1 ? "is" : "are"} bad`
        : `${counted(report.records_read, "record")} can be stored`),
    make("p", { class: "soft" }, "Nothing was stored."),
  );
  if (bad.length > 0) node.append(tableOfRecords(bad, "Bad records"));
  return node;
}
