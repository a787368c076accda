#include "script/foresight.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "script/sql_lexer.hpp"
#include "script/stretches.hpp"

namespace sluice::script {
namespace {

std::string in_capitals(std::string_view text) {
  std::string word(text);
  std::ranges::transform(word, word.begin(), [](char c) {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  });
  return word;
}

/// A statement as its tokens.
class Words {
 public:
  explicit Words(std::string_view sql) : sql_(sql), tokens_(lex_tokens(sql).all) {}

  std::size_t size() const { return tokens_.size(); }
  std::string_view written(std::size_t at) const {
    return at < size() ? sql_.substr(tokens_[at].begin, tokens_[at].end - tokens_[at].begin) : "";
  }
  std::string upper_at(std::size_t at) const { return in_capitals(written(at)); }
  bool is(std::size_t at, std::string_view word) const { return upper_at(at) == word; }
  bool has(std::string_view word) const {
    for (std::size_t i = 0; i < size(); ++i)
      if (is(i, word)) return true;
    return false;
  }
  /// What follows this one, from the first on.
  std::size_t behind(std::string_view word) const {
    for (std::size_t i = 0; i < size(); ++i)
      if (is(i, word)) return i + 1;
    return size();
  }
  /// The last part of a name with dots, as catalogs have it; moves behind it.
  std::string name(std::size_t& at) const {
    std::string last;
    for (; at < size(); ++at) {
      last = written(at);
      if (written(at + 1) != ".") break;
      ++at;
    }
    ++at;
    if (last.starts_with('"')) return last;
    std::ranges::transform(last, last.begin(), [](char c) {
      return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    return last;
  }

 private:
  std::string_view sql_;
  std::vector<Token> tokens_;
};

bool has_word(const Unit& unit, std::string_view word) {
  return std::ranges::find(unit.words, word) != unit.words.end();
}

/// What stands between the dollars, or the quotes, of the first such text; empty: there is none.
std::string_view body_of(const Words& words) {
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string_view text = words.written(i);
    if (!text.starts_with('$')) continue;
    const std::size_t tag = text.find('$', 1);
    if (tag != std::string_view::npos && text.size() >= 2 * (tag + 1))
      return text.substr(tag + 1, text.size() - 2 * (tag + 1));
  }
  return {};
}

/// COMMIT or ROLLBACK as a statement of a block: behind what ends or begins one.
bool ends_transactions(std::string_view body) {
  const Words words(body);
  static constexpr std::array<std::string_view, 6> in_front{";",    "BEGIN", "THEN",
                                                            "LOOP", "ELSE",  ">"};
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (!words.is(i, "COMMIT") && !words.is(i, "ROLLBACK")) continue;
    const bool begins =
        i > 0 && std::ranges::find(in_front, words.upper_at(i - 1)) != in_front.end();
    if (begins && (words.is(i + 1, ";") || words.is(i + 1, "AND"))) return true;
  }
  return false;
}

constexpr const char* ends_it =
    "ends a transaction, and that of this file is not its own (2D000); say, in front of the first "
    "statement: -- pgsluice: no-transaction";

/// The doubts about a file, statement by statement.
class Doubter {
 public:
  void take(const Unit& unit, Place place, std::string_view sql) {
    if (unit.words.empty()) return;
    const std::string& first = unit.words.front();
    if (first == "DO") {
      const Words words(sql);
      if (ends_transactions(body_of(words)))
        doubts.push_back({place, std::string("this block ") + ends_it, ""});
    } else if (first == "CALL") {
      const Words words(sql);
      std::size_t at = 1;
      std::string name = words.name(at);
      doubts.push_back({place, "the procedure " + name + " " + ends_it, name});
    } else if (first == "CREATE" && has_word(unit, "TYPE")) {
      const Words words(sql);
      std::size_t at = words.behind("TYPE");
      made_.insert(words.name(at));
    } else if (first == "ALTER" && has_word(unit, "TYPE") && Words(sql).has("VALUE")) {
      add_value(place, Words(sql));
    } else if (!values_.empty() && first != "COMMENT") {
      use(place, Words(sql));
    }
  }

  std::vector<Doubt> doubts;

 private:
  void add_value(Place place, const Words& words) {
    std::size_t at = words.behind("TYPE");
    if (made_.contains(words.name(at)) || !words.is(at, "ADD")) return;
    at = words.behind("VALUE");
    if (words.is(at, "IF")) at += 3;
    values_.emplace(words.written(at), place);
  }
  void use(Place place, const Words& words) {
    for (std::size_t i = 0; i < words.size(); ++i) {
      const auto found = values_.find(std::string(words.written(i)));
      if (found == values_.end()) continue;
      doubts.push_back(
          {place,
           "uses " + found->first + ", which line " + std::to_string(found->second.line) +
               " adds to an enum: a new value can be used when its transaction has ended (55P04); "
               "put what uses it into a file of its own, behind this one",
           ""});
      values_.erase(found);
    }
  }

  std::set<std::string> made_;           ///< types of this file, whose values may be used
  std::map<std::string, Place> values_;  ///< as they are written, and where they are added
};

/// REINDEX [(options)] kind [CONCURRENTLY] name
std::string reindex_needs(const Words& words) {
  std::size_t kind = 1;
  bool is_concurrent = false;
  if (words.is(kind, "(")) {
    for (; kind < words.size() && !words.is(kind, ")"); ++kind) {
      const bool is_off = words.is(kind + 1, "FALSE") || words.is(kind + 1, "OFF");
      is_concurrent = is_concurrent || (words.is(kind, "CONCURRENTLY") && !is_off);
    }
    ++kind;
  }
  if (is_concurrent || words.is(kind + 1, "CONCURRENTLY")) return "REINDEX CONCURRENTLY";
  for (const char* const what : {"DATABASE", "SYSTEM", "SCHEMA"})
    if (words.is(kind, what)) return std::string("REINDEX ") + what;
  return "";
}

template <class Each>
void for_each_unit(const Script& script, const Placeholders& values, const Each& each) {
  if (!script.is_kept) return;
  Stretches stretches(script, values);
  while (const std::optional<Stretch> stretch = stretches.next()) {
    for (std::size_t i = 0; i < stretch->units.size(); ++i)
      each(stretch->units[i], stretch->unit(i));
  }
}

}  // namespace

std::string needs_no_transaction(const Unit& unit, std::string_view sql) {
  const std::vector<std::string>& words = unit.words;
  if (words.empty()) return "";
  const std::string& first = words.front();
  const std::string second = words.size() > 1 ? words[1] : "";
  if (first == "VACUUM") return first;
  const bool makes = first == "CREATE" || first == "DROP";
  if ((makes && (second == "DATABASE" || second == "TABLESPACE")) ||
      (first == "ALTER" && second == "SYSTEM"))
    return first + " " + second;
  if (first == "CLUSTER" && Words(sql).size() == 1) return "CLUSTER of all tables";
  if (first == "REINDEX") return reindex_needs(Words(sql));
  if (makes && has_word(unit, "INDEX")) {
    const Words tokens(sql);
    if (tokens.is(tokens.behind("INDEX"), "CONCURRENTLY")) return first + " INDEX CONCURRENTLY";
  }
  if (first == "ALTER" && second == "TABLE") {
    const Words tokens(sql);
    const bool detaches = tokens.has("DETACH") && tokens.has("PARTITION");
    if (detaches && tokens.is(tokens.size() - 1, "CONCURRENTLY"))
      return "DETACH PARTITION CONCURRENTLY";
  }
  return "";
}

std::vector<Doubt> doubts_of(const Script& script, const Placeholders& values) {
  Doubter doubter;
  if (script.directives.in_transaction) {
    for_each_unit(script, values, [&](const Unit& unit, std::string_view sql) {
      doubter.take(unit, unit.place, sql);
    });
  }
  return std::move(doubter.doubts);
}

std::vector<std::string> ending_procedures(const Script& script, const Placeholders& values) {
  std::vector<std::string> names;
  for_each_unit(script, values, [&](const Unit& unit, std::string_view sql) {
    if (unit.words.empty() || unit.words.front() != "CREATE" || !has_word(unit, "PROCEDURE"))
      return;
    const Words words(sql);
    std::size_t at = words.behind("PROCEDURE");
    std::string name = words.name(at);
    if (ends_transactions(body_of(words))) names.push_back(std::move(name));
  });
  return names;
}

}  // namespace sluice::script
