#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "script/checksum.hpp"
#include "script/tool_mark.hpp"

namespace sluice::script {

/// What of a file is meant.
enum class Way { forth, back };

/// What a file's environment variable is in its text, as goose writes it: ${NAME}, ${NAME-default}
/// or ${NAME:-default}.
struct Variable {
  std::string form;
  std::string name;
  std::optional<std::string> fallback;
  bool counts_if_empty = true;  ///< not with ${NAME:-default}

  auto operator<=>(const Variable&) const = default;
};

/// Takes out of a file's text, which comes in parts, the lines that go one way. The first comment
/// of a tool that stands in front of all statements says whose file it is; without one all lines go
/// forth. Each line is looked at as those tools do it, whatever quotes are open. What is left out
/// in front of a line that is taken becomes empty lines, so that places are those of the file.
/// Comments in front of both ways belong to both. Throws Failure{usage} with the line of what is
/// not understood.
class Ways {
 public:
  Ways(std::string path, Way wanted) : path_(std::move(path)), wanted_(wanted) {}

  /// Appends what is taken to `text`; what stands in the file is added to the checksum.
  void add(std::string_view part, std::string& text, Sha256& hash);
  /// Behind the last part.
  void end(std::string& text, Sha256& hash);

  // Known behind the last part.

  Style style() const { return style_; }
  bool has_way_back() const { return line_of_down_ != 0; }
  /// False where the file says that its way needs none.
  bool in_transaction() const;
  const std::vector<Variable>& variables() const { return variables_; }

 private:
  enum class Part { header, forth, back };
  struct Taken {
    std::string& text;
    Sha256& hash;
  };

  void take_line(std::string_view line, Taken& out);
  void keep(std::string_view line, Taken& out);
  bool is_wanted() const;
  /// Without statements; follows comments in the style of C.
  bool is_header_line(std::string_view line);
  void obey(const ToolMark& mark, std::string_view line);
  void begin_way(const ToolMark& mark);
  void judge_indented(const ToolMark& mark, std::string_view line) const;
  void take_variables(std::string_view line);
  void take_variable(std::string_view form);
  [[noreturn]] void refuse(const std::string& why) const;

  std::string path_;
  Way wanted_;
  bool takes_all_ = false;  ///< it is no tool's
  Style style_ = Style::plain;
  Part part_ = Part::header;
  std::uint64_t line_ = 0;  ///< that is looked at
  std::string held_;        ///< the beginning of a line
  bool in_line_ = false;    ///< the rest of a long line comes
  std::size_t blank_lines_ = 0;
  std::size_t comment_depth_ = 0;
  std::uint64_t line_of_up_ = 0;
  std::uint64_t line_of_down_ = 0;
  std::uint64_t line_of_block_ = 0;  ///< of a StatementBegin that is open
  bool no_transaction_ = false;      ///< of both
  bool forth_in_transaction_ = true;
  bool back_in_transaction_ = true;
  bool puts_variables_ = false;
  std::vector<Variable> variables_;
  std::vector<std::pair<std::uint64_t, std::string>> left_alone_;  ///< lines with ${ as they are
};

}  // namespace sluice::script
