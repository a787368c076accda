#include "script/schema_file.hpp"

#include <algorithm>
#include <string_view>

#include "base/failure.hpp"
#include "script/sql_lexer.hpp"

namespace sluice::script {
namespace {

/// Of a checksum that nobody knows: the file was accepted as gone.
constexpr std::string_view gone = "gone";
constexpr std::string_view title = "-- history:\n";
constexpr std::string_view settings =
    "set check_function_bodies = false;\nset xmloption = content;\n"
    "select pg_catalog.set_config('search_path', '', false);\n";

bool begins_with(const Statement& statement, std::initializer_list<std::string_view> words) {
  return statement.words.size() >= words.size() &&
         std::equal(words.begin(), words.end(), statement.words.begin());
}

class Trimmer {
 public:
  Trimmer(const std::string& dump, const DumpTrim& trim) : dump_(dump), trim_(trim) {}

  std::string run() {
    for (std::size_t at = 0; at < dump_.size();) at = take(at);
    const std::string usual = "SET default_table_access_method = heap";
    std::string text(settings);
    const bool has_others = std::ranges::any_of(kept_, [&](const std::string& one) {
      return one.starts_with("SET default_table_access_method") && one != usual + ";\n";
    });
    for (const std::string& one : kept_)
      if (has_others || one != usual + ";\n") text += "\n" + one;
    return text;
  }

 private:
  /// Returns where it goes on: behind the data of a COPY, or at the end.
  std::size_t take(std::size_t begin) {
    const std::string_view text = std::string_view(dump_).substr(begin);
    const Lexed lexed = lex_sql(text);
    for (const Statement& statement : lexed.statements) {
      const std::string_view sql = text.substr(statement.begin, statement.end - statement.begin);
      if (!is_left_out(statement, sql)) kept_.push_back(std::string(sql) + ";\n");
    }
    if (!lexed.data_begin) return dump_.size();
    const std::size_t data = begin + *lexed.data_begin;
    constexpr std::string_view end_line = "\\.\n";
    const bool is_empty = dump_.compare(data, end_line.size(), end_line) == 0;
    const std::size_t end = is_empty ? data : dump_.find("\n\\.\n", data) + 1;
    if (end == 0) return dump_.size();
    kept_.back() += dump_.substr(data, end + end_line.size() - data);
    return end + end_line.size();
  }

  bool is_left_out(const Statement& statement, std::string_view sql) {
    // It stands in front of the first table, which may be the first thing of all.
    if (sql.starts_with("SET default_table_access_method")) return false;
    if (is_in_front_) {
      const bool is_setting =
          begins_with(statement, {"SET"}) || sql.starts_with("SELECT pg_catalog.set_config(");
      if (is_setting) return true;
      is_in_front_ = false;
    }
    if (begins_with(statement, {"COMMENT", "ON", "EXTENSION"})) return true;
    return !trim_.owner.empty() && sql.ends_with(" OWNER TO " + trim_.owner);
  }

  const std::string& dump_;
  const DumpTrim& trim_;
  bool is_in_front_ = true;
  std::vector<std::string> kept_;
};

std::string line_of(const Entry& entry) {
  if (std::ranges::any_of(entry.file, [](unsigned char c) { return c < ' ' || c == 0x7f; })) {
    throw Failure(FailureKind::usage, "the name of the file \"" + entry.file +
                                          "\" is not one line, so that no line of a file can tell "
                                          "it");
  }
  if (entry.state == Entry::State::baseline) return "baseline " + entry.version.text();
  if (entry.state != Entry::State::applied) {
    throw Failure(FailureKind::usage,
                  entry.file + ": has not ended; a schema with a half of it is nobody's");
  }
  const std::string& now = entry.is_accepted ? entry.accepted_checksum : entry.checksum;
  const std::string checksum = now.empty() ? std::string(gone) : now;
  return (entry.versioned ? "applied " + entry.version.text() : std::string("repeatable")) + " " +
         checksum + " " + entry.file;
}

std::string take_word(std::string_view& line) {
  const std::size_t end = std::min(line.find(' '), line.size());
  std::string word(line.substr(0, end));
  line.remove_prefix(std::min(end + 1, line.size()));
  return word;
}

bool is_checksum(const std::string& word) {
  constexpr std::size_t digits = 64;
  return word == gone ||
         (word.size() == digits && word.find_first_not_of("0123456789abcdef") == std::string::npos);
}

std::optional<Entry> entry_of(std::string_view line) {
  Entry entry;
  const std::string what = take_word(line);
  entry.versioned = what != "repeatable";
  if (what != "applied" && what != "baseline" && what != "repeatable") return std::nullopt;
  if (entry.versioned) {
    const auto version = Version::parse(take_word(line));
    if (!version) return std::nullopt;
    entry.version = *version;
  }
  if (what == "baseline") {
    entry.state = Entry::State::baseline;
    entry.file = what;
    return line.empty() ? std::optional(entry) : std::nullopt;
  }
  entry.checksum = take_word(line);
  entry.file = line;
  if (!is_checksum(entry.checksum) || entry.file.empty()) return std::nullopt;
  if (entry.checksum == gone) entry.checksum.clear();
  return entry;
}

}  // namespace

std::string trimmed_dump(const std::string& dump, const DumpTrim& trim) {
  return Trimmer(dump, trim).run();
}

std::string history_lines(const std::vector<Entry>& entries) {
  std::string text(title);
  for (const Entry& entry : entries) text += "-- " + line_of(entry) + "\n";
  return text;
}

std::vector<Entry> read_history_lines(const std::string& path, const std::string& text) {
  const std::size_t begin = text.rfind("\n" + std::string(title));
  if (begin == std::string::npos) {
    throw Failure(FailureKind::usage,
                  path +
                      ": has no history at its end, so that the next run would apply all files "
                      "once more; pgsluice migrate dump writes such a file");
  }
  std::vector<Entry> entries;
  std::size_t at = begin + 1 + title.size();
  auto number = static_cast<std::size_t>(
      std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(at), '\n'));
  while (at < text.size()) {
    ++number;
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view line = std::string_view(text).substr(at, end - at);
    at = end + 1;
    if (line.empty()) continue;
    constexpr std::string_view comment = "-- ";
    const auto entry =
        line.starts_with(comment) ? entry_of(line.substr(comment.size())) : std::nullopt;
    if (!entry) {
      throw Failure(FailureKind::usage, path + ":" + std::to_string(number) +
                                            ": is no line of a history (-- applied VERSION "
                                            "CHECKSUM FILE, or its like)");
    }
    entries.push_back(*entry);
  }
  return entries;
}

Sql record_loaded(const Home& home, const std::vector<Entry>& entries) {
  const auto row = [&home](const Entry& entry) {
    const bool is_baseline = entry.state == Entry::State::baseline;
    const Sql version = entry.versioned ? sql("{}", entry.version.number()) : sql("null");
    return sql("({}, {}, {}, {}, {}, {}, {}, pg_catalog.clock_timestamp(), {})",
               literal(home.project), version, literal(entry.version.rest()), literal(entry.file),
               literal_or_null(!entry.checksum.empty(), entry.checksum),
               is_baseline ? SqlWords("'baseline'") : SqlWords("'applied'"), literal(runner_name()),
               literal(home.search_path.value_or("")));
  };
  return sql(
      "insert into pgsluice.migrations (project, version, version_rest, file, checksum, state, "
      "runner, finished_at, search_path) values {}",
      sql_list(entries, row));
}

}  // namespace sluice::script
