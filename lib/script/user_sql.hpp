#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/sql.hpp"
#include "script/sql_lexer.hpp"

namespace sluice::script {

/// SQL of the user's that becomes a part of a statement of ours: a condition, or a list of
/// expressions. Its lexical structure is whole: nothing in it ends the place where it stands, and
/// no quote or comment of it reaches beyond. Whether it says something only the server knows.
class UserSql {
 public:
  UserSql() = default;
  /// `flag` is what it was given with. Throws Failure(usage) where it is empty or not whole, and
  /// for what only psql would understand.
  UserSql(std::string flag, std::string text);

  bool empty() const { return tokens_.empty(); }
  const std::string& flag() const { return flag_; }
  const std::string& text() const { return text_; }
  const std::vector<Token>& tokens() const { return tokens_; }

  std::string_view word(std::size_t token) const;
  /// A token as the name that it is: without its quotes, else in lower case.
  std::optional<std::string> name(std::size_t token) const;
  /// The tokens [first, end) between commas outside of parentheses and brackets.
  struct Part {
    std::size_t first = 0;
    std::size_t end = 0;
  };
  std::vector<Part> parts() const;

  /// False only where no subquery can stand in it.
  bool may_have_subquery() const;

  /// The word of a token and the colon that touches it in front: ":file" is "file"; of the others
  /// nothing. A cast is none, nor is what is no word of `known_words`.
  std::optional<std::string> colon_word(std::size_t colon) const;

  /// The text from a token to another one, without what stands around, where each word with a colon
  /// becomes what `fill` says.
  using Fill = std::function<Sql(const std::string& word)>;
  Sql filled(Part part, const Fill& fill) const;
  Sql filled(const Fill& fill) const { return filled({0, tokens_.size()}, fill); }

 private:
  void require_whole(bool is_unfinished) const;
  bool touches(std::size_t token, std::size_t next) const;

  std::string flag_;
  std::string text_;
  std::vector<Token> tokens_;
};

}  // namespace sluice::script
