#include "serve/outcome.hpp"

#include <algorithm>

#include "base/exit_code.hpp"
#include "base/sql_state.hpp"
#include "serve/load_flags.hpp"

namespace sluice::serve {
namespace {

using nlohmann::ordered_json;

/// The one of a command of one file.
const ordered_json* only_one(const ordered_json& json) {
  for (const char* name : {"loads", "checks", "files"}) {
    const auto found = json.find(name);
    if (found != json.end() && found->is_array() && found->size() == 1 &&
        found->front().is_object())
      return &found->front();
  }
  return nullptr;
}

std::string text_at(const ordered_json& json, const char* name) {
  const auto found = json.find(name);
  return found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
}

/// A failure that the server has reasons for, or a record.
int status_of_failure(const ordered_json& error) {
  if (error.contains("record") || error.contains("unreadable")) return 422;
  const std::string state = text_at(error, "sqlstate");
  if (state == sql_state::undefined_table || state == sql_state::invalid_schema_name) return 404;
  if (state == sql_state::insufficient_privilege) return 403;
  return state.empty() ? 500 : 422;
}

/// A role that is not there, or that the server's user may not be, is not there in five seconds
/// either.
int status_of_no_connection(const ordered_json& error) {
  const std::string state = text_at(error, "sqlstate");
  const bool is_of_role =
      state == sql_state::insufficient_privilege || state == sql_state::invalid_parameter_value;
  return is_of_role ? 403 : 503;
}

/// Where the database is, and as whom it is asked, is nobody's business.
const char* said_of_no_connection(int status) {
  return status == 403 ? "the role of this token cannot be taken on in the database"
                       : "the database cannot be reached";
}

int status_of(int exit_code, const ordered_json& load, const ordered_json& error) {
  switch (exit_code) {
    case exit_ok:
    case exit_rejected: return text_at(load, "status") == "stored" ? 201 : 200;
    case exit_failed: return status_of_failure(error);
    case exit_usage: return 400;
    case exit_budget: return 422;
    case exit_held:
    case exit_changed: return 409;
    case exit_connect: return status_of_no_connection(error);
    default: return exit_code >= exit_signal ? 503 : 500;
  }
}

/// Of a load that did not end well: a mended upload is another content, and comes beside it.
std::string what_stays(const ordered_json& load, bool is_unreadable) {
  const auto rows = load.find("rows_stored");
  const auto staged = load.find("staged");
  const bool is_staged = staged != load.end() && staged->is_boolean() && staged->get<bool>();
  if (rows == load.end() || !rows->is_number_unsigned() || *rows == 0 || is_staged) return {};
  return rows->dump() + " rows of it are in the table already; " +
         (is_unreadable ? "" : "the same upload goes on behind them, and ") +
         "another one would come beside them (atomic=true stores all or nothing)";
}

/// What a command advises that an upload may not do.
std::string without_other_ways(std::string text) {
  const std::size_t flag = text.find("--no-ledger");
  const std::size_t begin = flag == text.npos ? flag : text.rfind('\n', flag);
  if (begin == text.npos) return text;
  return text.erase(begin, std::min(text.find('\n', flag), text.size()) - begin);
}

/// The error of a command, or of its one load.
ordered_json error_in(const ordered_json& json, const ordered_json& load) {
  if (load.contains("error")) return load["error"];
  if (json.is_object() && json.contains("error")) return json["error"];
  return ordered_json::object();
}

}  // namespace

std::string error_of_command(const std::string& text) {
  const ordered_json json = ordered_json::parse(text, nullptr, false);
  const ordered_json* const one = json.is_object() ? only_one(json) : nullptr;
  const ordered_json error = error_in(json, one != nullptr ? *one : ordered_json::object());
  return error.is_object() ? text_at(error, "message") : "";
}

Answer answer_of_command(int exit_code, const std::string& text, const std::string& said) {
  const ordered_json json = ordered_json::parse(text, nullptr, false);
  const ordered_json* const one = json.is_object() ? only_one(json) : nullptr;
  ordered_json load = one != nullptr ? *one : ordered_json::object();
  // Where a host keeps its files is nobody's business.
  load.erase("rejects_path");
  load.erase("source");
  if (const auto notes = load.find("notes"); notes != load.end() && notes->is_array())
    for (ordered_json& note : *notes)
      if (note.is_string()) note = in_words_of_query(note.get<std::string>());
  ordered_json error = error_in(json, load);
  int status = status_of(exit_code, load, error);
  // It is the file that cannot be read, and no more than that was asked for.
  if (status == 500 && exit_code == exit_failed && json.is_object() &&
      text_at(json, "command") == "inspect")
    status = 422;
  if (status < 300 && one == nullptr) {
    status = 500;
    error["message"] =
        "how it ended cannot be told: its report is longer than is read (exit code " +
        std::to_string(exit_code) + ")";
  }
  Headers headers;
  if (const auto id = load.find("load"); id != load.end() && id->is_number_integer())
    headers.emplace_back("Location", "/v1/loads/" + std::to_string(id->get<std::int64_t>()));
  if (status < 300) {
    load["exit_code"] = exit_code;
    Answer answer = answer_of(status, load);
    answer.headers = std::move(headers);
    return answer;
  }
  if (status == 503) headers.emplace_back("Retry-After", "5");
  std::string detail = exit_code == exit_connect
                           ? said_of_no_connection(status)
                           : in_words_of_query(without_other_ways(text_at(error, "message")));
  if (detail.empty())
    detail = said.empty() ? "the load ended without a word" : in_words_of_query(said);
  ordered_json problem{{"title", reason_of(status)},
                       {"status", status},
                       {"detail", detail},
                       {"exit_code", exit_code}};
  if (const std::string stays = what_stays(load, error.contains("unreadable")); !stays.empty())
    problem["detail"] = problem["detail"].get<std::string>() + "\n  " + stays;
  for (const char* name : {"sqlstate", "record", "unreadable"})
    if (error.contains(name)) problem[name] = error[name];
  if (!load.empty()) {
    load.erase("error");
    problem["load"] = std::move(load);
  }
  Answer answer = answer_of(status, problem);
  answer.headers = std::move(headers);
  answer.type = "application/problem+json";
  return answer;
}

}  // namespace sluice::serve
