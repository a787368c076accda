#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "base/names.hpp"

namespace sluice::script {

/// Whose way of writing a file is in. The names are those of the tools.
enum class Style { plain, goose, dbmate, sql_migrate, node_pg_migrate };
constexpr auto names_of(Style) {
  return std::array{Named{Style::plain, "plain"}, Named{Style::goose, "goose"},
                    Named{Style::dbmate, "dbmate"}, Named{Style::sql_migrate, "sql-migrate"},
                    Named{Style::node_pg_migrate, "node-pg-migrate"}};
}

/// A comment by which another tool knows what a file's lines are for.
struct ToolMark {
  enum class Kind {
    up,
    down,
    statement_begin,
    statement_end,
    no_transaction,
    variables_on,  ///< of the environment, which are put into the text
    variables_off,
    unknown,  ///< of a tool whose files are read, and that says nothing known
    foreign,  ///< of a tool whose files are not read
  };
  Kind kind = Kind::unknown;
  Style style = Style::plain;
  std::string tool;
  bool in_transaction = true;  ///< of up and down
};

/// Of a comment, given from its "--" to the end of the line; nothing: no tool's.
std::optional<ToolMark> read_tool_mark(std::string_view comment);

/// A comment that is nearly a mark, and none to the tool.
struct NearMark {
  Style style = Style::plain;  ///< whose it seems to be; plain: nobody knows
  std::string what;            ///< "Up", "Down", "StatementBegin", "StatementEnd"
};
/// Of a comment of either kind that is on one line, given with what begins and ends it. In one of
/// many lines a word alone is no mark.
std::optional<NearMark> read_near_mark(std::string_view comment, bool is_one_of_many = false);

/// How the tool writes it.
std::string mark_text(Style style, const std::string& what);

}  // namespace sluice::script
