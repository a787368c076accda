#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::lint {

/// A word of a statement, as the server reads it.
struct Word {
  enum class Kind {
    word,  ///< a keyword or a name without quotes
    name,  ///< a name in double quotes
    text,  ///< a string constant of any kind
    number,
    symbol,  ///< one character
  };
  Kind kind = Kind::symbol;
  std::string_view written;  ///< with its quotes and prefix
  std::string folded;        ///< a word in lower case, a name without its quotes; else as written
  std::size_t begin = 0;     ///< byte offset in the statement

  bool is_name() const { return kind == Kind::word || kind == Kind::name; }
};

/// The words of a statement; comments are none. Placeholders (${name}, :"name", :'name') are names
/// and string constants.
std::vector<Word> words_of(std::string_view statement);

/// A name with its schema, folded as the server does; `schema` is empty where none is written.
struct ObjectName {
  std::string schema;
  std::string name;
  std::string_view written;
};

/// The same object, as far as one can tell without a search_path.
bool is_same(const ObjectName& one, const ObjectName& other);

/// Walks over words. Behind the last one stands an empty symbol.
class Cursor {
 public:
  Cursor(const std::vector<Word>& words, std::string_view statement)
      : words_(words), statement_(statement), end_(words.size()) {}
  /// Only over [begin, end).
  Cursor(const Cursor& other, std::size_t begin, std::size_t end)
      : words_(other.words_), statement_(other.statement_), at_(begin), end_(end) {}

  bool at_end() const { return at_ >= end_; }
  std::size_t at() const { return at_; }
  std::size_t end() const { return end_; }
  void go_to(std::size_t at) { at_ = at; }
  const Word& peek(std::size_t ahead = 0) const;
  void skip() {
    if (!at_end()) ++at_;
  }

  /// These keywords or symbols, with blanks between them, stand here.
  bool is(std::string_view keywords) const;
  /// ... and are passed; all of them or none.
  bool accept(std::string_view keywords);
  /// One of them stands outside of parentheses from here on; passed up to behind it.
  bool find(std::string_view keywords);
  /// The same, where nothing is passed.
  bool has(std::string_view keywords) const { return Cursor(*this).find(keywords); }

  std::optional<ObjectName> take_name();
  /// A column's, or that of a constraint.
  std::string take_plain_name();
  /// Passes one word, or all of a parenthesis.
  void skip_part();
  /// What a parenthesis holds, which is passed; nothing where none begins here.
  std::optional<Cursor> take_parenthesis();
  /// Cuts what is left at its commas.
  std::vector<Cursor> parts() const;
  /// From the word at `begin` to the one in front of here.
  std::string_view text_from(std::size_t begin) const;
  /// From here to the end.
  std::string_view rest() const;
  /// Where in the statement the word here begins.
  std::size_t offset() const;

 private:
  const std::vector<Word>& words_;
  std::string_view statement_;
  std::size_t at_ = 0;
  std::size_t end_;
};

}  // namespace sluice::lint
