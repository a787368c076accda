#include "script/ways.hpp"

#include <algorithm>
#include <cctype>
#include <utility>

#include "base/failure.hpp"
#include "base/limits.hpp"

namespace sluice::script {
namespace {

/// A longer line has no mark.
constexpr std::size_t mark_bytes_max = 4 * limits::KiB;
constexpr std::string_view line_blanks = " \t\r\n";

bool in_variable(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }
bool begins_variable(char c) {
  return in_variable(c) && std::isdigit(static_cast<unsigned char>(c)) == 0;
}

/// From its "--" on; nothing: no comment stands there alone.
std::optional<std::string_view> comment_in(std::string_view line) {
  const std::size_t begin = line.find_first_not_of(line_blanks);
  if (begin == std::string_view::npos || !line.substr(begin).starts_with("--")) return std::nullopt;
  return line.substr(begin, line.find_last_not_of(line_blanks) + 1 - begin);
}

}  // namespace

void Ways::add(std::string_view part, std::string& text, Sha256& hash) {
  Taken out{text, hash};
  while (!part.empty() && !takes_all_) {
    const std::size_t newline = part.find('\n');
    const bool is_whole = newline != std::string_view::npos;
    const std::string_view line = part.substr(0, is_whole ? newline + 1 : newline);
    part.remove_prefix(line.size());
    if (in_line_) {
      keep(line, out);
    } else if (!is_whole && held_.size() + line.size() <= mark_bytes_max) {
      held_ += line;
      continue;
    } else if (held_.empty()) {
      take_line(line, out);
    } else {
      held_ += line;
      const std::string all = std::exchange(held_, {});
      take_line(all, out);
    }
    in_line_ = !is_whole;
  }
  if (!part.empty()) keep(part, out);
}

void Ways::end(std::string& text, Sha256& hash) {
  Taken out{text, hash};
  if (!held_.empty()) take_line(std::exchange(held_, {}), out);
  if (style_ == Style::plain) return;
  if (line_of_block_ != 0) {
    line_ = line_of_block_;
    refuse("the statement that begins here has no StatementEnd");
  }
  if (line_of_up_ == 0) {
    line_ = std::max<std::uint64_t>(line_of_down_, 1);
    refuse("a file of " + std::string(name_of(style_)) + " without a way forth");
  }
  for (const auto& [line, what] : left_alone_) {
    for (const Variable& variable : variables_) {
      if (!what.contains(variable.form)) continue;
      line_ = line;
      refuse(variable.form +
             " stands where ENVSUB is off, and is put in elsewhere in this file; give it another "
             "name in one of the two places");
    }
  }
}

bool Ways::in_transaction() const {
  return !no_transaction_ && (wanted_ == Way::forth ? forth_in_transaction_ : back_in_transaction_);
}

void Ways::take_line(std::string_view line, Taken& out) {
  ++line_;
  const auto comment = comment_depth_ == 0 ? comment_in(line) : std::nullopt;
  const auto mark = comment ? read_tool_mark(*comment) : std::nullopt;
  const bool is_own = mark && mark->kind != ToolMark::Kind::foreign &&
                      (style_ == Style::plain || mark->style == style_);
  if (is_own) {
    judge_indented(*mark, line);
    obey(*mark, line);
  } else if (part_ == Part::header && !is_header_line(line)) {
    if (style_ != Style::plain)
      refuse("a statement in front of the line that says that the way forth begins");
    takes_all_ = true;
  }
  keep(line, out);
}

void Ways::keep(std::string_view line, Taken& out) {
  if (!is_wanted()) {
    if (line.ends_with('\n')) ++blank_lines_;
    return;
  }
  out.text.append(std::exchange(blank_lines_, 0), '\n');
  out.text += line;
  out.hash.add(line);
  if (line.contains('$') && style_ == Style::goose) take_variables(line);
}

bool Ways::is_wanted() const {
  return part_ == Part::header || (part_ == Part::forth) == (wanted_ == Way::forth);
}

bool Ways::is_header_line(std::string_view line) {
  for (std::size_t at = 0; at < line.size(); ++at) {
    const std::string_view rest = line.substr(at);
    if (rest.starts_with("/*")) {
      ++comment_depth_;
      ++at;
    } else if (comment_depth_ > 0) {
      if (!rest.starts_with("*/")) continue;
      --comment_depth_;
      ++at;
    } else if (rest.starts_with("--")) {
      return true;
    } else if (!line_blanks.contains(line[at])) {
      return false;
    }
  }
  return true;
}

void Ways::obey(const ToolMark& mark, std::string_view line) {
  using Kind = ToolMark::Kind;
  const bool in_block = mark.kind == Kind::statement_end;
  if ((line_of_block_ != 0) != in_block && mark.kind != Kind::unknown) {
    refuse(in_block ? "no StatementBegin is open here"
                    : "a StatementBegin is open, that of line " + std::to_string(line_of_block_));
  }
  switch (mark.kind) {
    case Kind::up:
    case Kind::down: begin_way(mark); break;
    case Kind::statement_begin:
      if (part_ == Part::header) refuse("a statement stands behind the line that begins its way");
      line_of_block_ = line_;
      break;
    case Kind::statement_end: line_of_block_ = 0; break;
    case Kind::no_transaction: no_transaction_ = true; break;
    case Kind::variables_on: puts_variables_ = true; break;
    case Kind::variables_off: puts_variables_ = false; break;
    case Kind::foreign:
    case Kind::unknown: {
      const auto said = comment_in(line);
      refuse("\"" + std::string(said.value_or(line)) + "\" says nothing that " + mark.tool +
             " knows");
    }
  }
  style_ = mark.style;
}

void Ways::begin_way(const ToolMark& mark) {
  const bool is_up = mark.kind == ToolMark::Kind::up;
  std::uint64_t& line = is_up ? line_of_up_ : line_of_down_;
  const bool is_sql_migrate = mark.style == Style::sql_migrate;
  if (line != 0 && !is_sql_migrate) {
    refuse(std::string("the way ") + (is_up ? "forth" : "back") + " has begun already, in line " +
           std::to_string(line));
  }
  // A comment that begins with these words is no sign of that tool by itself.
  if (!is_up && line_of_up_ == 0 && !is_sql_migrate)
    refuse("a file of " + mark.tool + " whose way back stands first; the way forth does");
  line = line_;
  part_ = is_up ? Part::forth : Part::back;
  bool& in_transaction = is_up ? forth_in_transaction_ : back_in_transaction_;
  in_transaction = in_transaction && mark.in_transaction;
}

void Ways::judge_indented(const ToolMark& mark, std::string_view line) const {
  if (mark.style != Style::node_pg_migrate && line_blanks.contains(line.front()))
    refuse("what is said to " + mark.tool +
           " begins its line; take the line_blanks in front of it out");
}

void Ways::take_variables(std::string_view line) {
  if (!puts_variables_) {
    if (line.contains("${")) left_alone_.emplace_back(line_, line);
    return;
  }
  for (std::size_t at = 0; (at = line.find('$', at)) != std::string_view::npos;) {
    const std::string_view rest = line.substr(at + 1);
    if (rest.starts_with('{')) {
      const std::size_t end = rest.find('}');
      if (end == std::string_view::npos) refuse("this ${ has no end in its line");
      take_variable(line.substr(at, end + 2));
      at += end + 2;
    } else if (!rest.empty() && begins_variable(rest.front())) {
      std::string name;
      for (const char c : rest) {
        if (!in_variable(c)) break;
        name += c;
      }
      refuse("$" + name + " would be the variable here: write ${" + name +
             "}, or -- +goose ENVSUB OFF in front of it");
    } else {
      at += rest.starts_with('$') ? 2 : 1;
    }
  }
}

void Ways::take_variable(std::string_view form) {
  const std::string_view inside = form.substr(2, form.size() - 3);
  const auto end = std::ranges::find_if_not(inside, in_variable);
  Variable variable{
      .form = std::string(form), .name = std::string(inside.begin(), end), .fallback = {}};
  std::string_view rest(end, inside.end());
  variable.counts_if_empty = !rest.starts_with(":");
  if (!variable.counts_if_empty) rest.remove_prefix(1);
  if (rest.starts_with('-')) {
    variable.fallback = rest.substr(1);
  } else if (!rest.empty() || !variable.counts_if_empty) {
    variable.name.clear();
  }
  if (variable.name.empty() || !begins_variable(variable.name.front())) {
    refuse(variable.form + ": write ${NAME}, ${NAME-default} or ${NAME:-default}");
  }
  if (std::ranges::find(variables_, variable) == variables_.end())
    variables_.push_back(std::move(variable));
}

void Ways::refuse(const std::string& why) const {
  throw Failure(FailureKind::usage, path_ + ":" + std::to_string(line_) + ": " + why);
}

}  // namespace sluice::script
