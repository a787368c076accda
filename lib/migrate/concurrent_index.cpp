#include "migrate/concurrent_index.hpp"

#include <algorithm>
#include <cctype>
#include <vector>

#include "base/failure.hpp"
#include "base/sql.hpp"

namespace sluice::migrate {
namespace {

struct Token {
  std::string written;
  std::string folded;  ///< a name as the catalog has it
  bool quoted = false;

  bool is(std::string_view word) const { return !quoted && folded == word; }
};

std::size_t end_of_comment(std::string_view text, std::size_t at) {
  if (text.compare(at, 2, "--") == 0) return std::min(text.find('\n', at), text.size());
  if (text.compare(at, 2, "/*") != 0) return at;
  const std::size_t end = text.find("*/", at);
  return end == std::string_view::npos ? text.size() : end + 2;
}

Token quoted_name(std::string_view text, std::size_t at) {
  Token token{.written = "\"", .folded = "", .quoted = true};
  for (std::size_t i = at + 1; i < text.size(); ++i) {
    token.written += text[i];
    if (text[i] == '"') {
      if (i + 1 >= text.size() || text[i + 1] != '"') break;
      token.written += text[++i];
    }
    token.folded += text[i];
  }
  return token;
}

Token plain_token(std::string_view text, std::size_t at) {
  Token token;
  const auto is_name = [](char c) {
    const auto u = static_cast<unsigned char>(c);
    return std::isalnum(u) != 0 || c == '_' || c == '$' || u >= 0x80;
  };
  std::size_t end = at;
  while (end < text.size() && is_name(text[end])) ++end;
  token.written = text.substr(at, std::max<std::size_t>(end - at, 1));
  token.folded = token.written;
  std::ranges::transform(token.folded, token.folded.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return token;
}

std::vector<Token> tokens_of(std::string_view text) {
  constexpr std::size_t enough = 32;  // the names stand in front of the columns
  std::vector<Token> tokens;
  for (std::size_t at = 0; at < text.size() && tokens.size() < enough;) {
    const std::size_t behind = end_of_comment(text, at);
    if (behind != at) {
      at = behind;
    } else if (std::isspace(static_cast<unsigned char>(text[at])) != 0) {
      ++at;
    } else {
      tokens.push_back(text[at] == '"' ? quoted_name(text, at) : plain_token(text, at));
      at += tokens.back().written.size();
    }
  }
  return tokens;
}

/// to_regclass takes more than names: a number is an object's number, and "-" is none.
bool is_name(std::string_view written) {
  return !written.empty() && written != "-" &&
         written.find_first_not_of("0123456789") != std::string_view::npos;
}

/// The index and, if it is being built, by whom.
Sql index_query(const ConcurrentIndex& index) {
  // The table is found as the statement finds it, so all else is qualified.
  return sql(
      "select i.indisvalid, i.indexrelid::pg_catalog.regclass, p.pid "
      "from pg_catalog.pg_index i join pg_catalog.pg_class c on c.oid operator(pg_catalog.=) "
      "i.indexrelid left join pg_catalog.pg_stat_progress_create_index p on p.index_relid "
      "operator(pg_catalog.=) i.indexrelid where i.indrelid operator(pg_catalog.=) "
      "pg_catalog.to_regclass({})::pg_catalog.oid and c.relname operator(pg_catalog.=) "
      "{}::pg_catalog.name",
      literal(index.table), literal(index.name));
}

}  // namespace

std::optional<ConcurrentIndex> concurrent_index(std::string_view statement) {
  const std::vector<Token> tokens = tokens_of(statement);
  std::size_t at = 0;
  const auto next_is = [&](std::string_view word) {
    if (at >= tokens.size() || !tokens[at].is(word)) return false;
    ++at;
    return true;
  };
  if (!next_is("create")) return std::nullopt;
  next_is("unique");
  if (!next_is("index") || !next_is("concurrently")) return std::nullopt;
  if (next_is("if") && !(next_is("not") && next_is("exists"))) return std::nullopt;
  if (next_is("on") || at >= tokens.size()) return std::nullopt;
  ConcurrentIndex index{tokens[at++].folded, ""};
  if (!next_is("on")) return std::nullopt;
  next_is("only");
  if (at < tokens.size()) index.table = tokens[at++].written;
  while (next_is(".") && at < tokens.size()) index.table += "." + tokens[at++].written;
  if (!is_name(index.table)) return std::nullopt;
  return index;
}

IndexState state_of(Session& session, const ConcurrentIndex& index) {
  const script::Rows rows = session.query_in_user_path(index_query(index));
  if (rows.empty()) return IndexState::absent;
  return rows.front()[0] == "t" ? IndexState::valid : IndexState::invalid;
}

void drop_leftover(Session& session, const ConcurrentIndex& index, const std::string& where,
                   const Stop& stop) {
  const script::Rows rows = session.query_in_user_path(index_query(index));
  if (rows.empty() || rows.front()[0] == "t") return;
  if (!rows.front()[2].empty()) {
    throw Failure(FailureKind::held, where + ": process " + rows.front()[2] +
                                         " of the server is just building this index");
  }
  // A regclass as the server writes it.
  session.query(sql("drop index concurrently {}", Sql::trusted(rows.front()[1])), stop);
}

}  // namespace sluice::migrate
