#include "app/trace_output.hpp"

#include "app/output.hpp"
#include "base/quantity.hpp"

namespace sluice::app {
namespace {

using nlohmann::ordered_json;

std::string blocked_by(migrate::LockMode mode) {
  if (migrate::blocks_reads(mode)) return "reads and writes";
  return migrate::blocks_writes(mode) ? "writes" : "nothing";
}

std::string lock_line(const migrate::TracedLock& lock) {
  std::string line = "locks " + lock.kind + " " + lock.relation + " (" +
                     (lock.extent.rows ? format_count(*lock.extent.rows) + " rows"
                                       : std::string("never analysed")) +
                     ", " + format_decimal_bytes(lock.extent.bytes) +
                     "): " + std::string(name_of(lock.mode)) + ", blocks " + blocked_by(lock.mode);
  return line;
}

void add_line(std::string& text, const std::string& line) { text += "    " + cell(line) + "\n"; }

std::string statement_text(const migrate::TracedFile& file,
                           const migrate::TracedStatement& statement) {
  std::string text = "  " + std::to_string(statement.place.line) + ":" +
                     std::to_string(statement.place.column) + "  " + cell(statement.excerpt) +
                     "  (" + format_duration(statement.duration) + ")\n";
  for (const migrate::TracedLock& lock : statement.locks)
    if (lock.mode >= migrate::LockMode::share_update_exclusive) add_line(text, lock_line(lock));
  for (const std::string& one : statement.rewritten) add_line(text, "writes anew " + one);
  for (const std::string& one : statement.made) add_line(text, "makes " + one);
  for (const std::string& one : statement.gone) add_line(text, "drops " + one);
  for (const std::string& one : statement.waits) add_line(text, "waits for " + one);
  if (statement.is_hidden) {
    add_line(text,
             "catalogs are locked that are read to see what it locks and changes: none of that is "
             "known");
  }
  if (!file.script->directives.in_transaction)
    add_line(text, "its locks are not known: it runs without a transaction");
  return text;
}

ordered_json json_of_lock(const migrate::TracedLock& lock) {
  ordered_json json{{"relation", lock.relation},
                    {"kind", lock.kind},
                    {"mode", name_of(lock.mode)},
                    {"blocks_reads", migrate::blocks_reads(lock.mode)},
                    {"blocks_writes", migrate::blocks_writes(lock.mode)}};
  json["rows"] = lock.extent.rows ? ordered_json(*lock.extent.rows) : ordered_json();
  json["bytes"] = lock.extent.bytes;
  return json;
}

}  // namespace

std::string text_of(const std::vector<migrate::TracedFile>& files) {
  std::string text;
  for (const migrate::TracedFile& file : files) {
    text += cell(file.script->path);
    text += file.is_run ? "\n" : "  not traced: it runs without a transaction (--scratch does)\n";
    for (const migrate::TracedStatement& statement : file.statements)
      text += statement_text(file, statement);
  }
  return text;
}

ordered_json json_of(const std::vector<migrate::TracedFile>& files) {
  ordered_json all = ordered_json::array();
  for (const migrate::TracedFile& file : files) {
    ordered_json statements = ordered_json::array();
    for (const migrate::TracedStatement& statement : file.statements) {
      ordered_json locks = ordered_json::array();
      for (const migrate::TracedLock& lock : statement.locks) locks.push_back(json_of_lock(lock));
      statements.push_back({{"line", statement.place.line},
                            {"column", statement.place.column},
                            {"excerpt", statement.excerpt},
                            {"seconds", statement.duration.count()},
                            {"locks", locks},
                            {"rewritten", statement.rewritten},
                            {"made", statement.made},
                            {"gone", statement.gone},
                            {"waits", statement.waits},
                            {"is_hidden", statement.is_hidden}});
    }
    ordered_json json{
        {"file", file.script->path}, {"run", file.is_run}, {"statements", statements}};
    if (!file.error.empty()) json["error"] = file.error;
    all.push_back(std::move(json));
  }
  return all;
}

}  // namespace sluice::app
