#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "csv/dialect.hpp"
#include "csv/odd_line.hpp"
#include "csv/scanner.hpp"

namespace sluice::csv {

/// One value of a record. The bytes live in the parsed text or in the parser's scratch space, until
/// the next record; 16 more may be read behind them, whatever they hold.
struct Field {
  const char* text = nullptr;
  std::uint32_t size = 0;
  bool quoted = false;
  bool null = false;  ///< unquoted and equal to the dialect's null text

  std::string_view view() const { return {text, size}; }
};

/// What makes a record unreadable, whatever its table is.
enum class Defect {
  none,
  stray_carriage_return,  ///< a CR outside quotes where records end with LF, or without its LF
                          ///< where they end with CRLF
  stray_line_feed,        ///< an LF outside quotes where records end with CR or CRLF
  unterminated_quote,     ///< the input ends inside quotes
  open_quote,             ///< the same, and this is the record's first line
  too_long,               ///< it is larger than a record may be; this is its first line
  too_many_lines,         ///< the same of its lines
  end_marker,             ///< the marker of the data's end, with something beside it
};

/// PostgreSQL's words for it, where it has some.
std::string_view message_of(Defect defect);

/// One CSV record as field views.
struct Record {
  std::span<const Field> fields;
  std::size_t begin = 0;  ///< offset of its first byte in the parsed text
  std::size_t end = 0;    ///< offset behind its last field, without the line end
  Defect defect = Defect::none;
};

/// Whole records and their structure, as the chunker hands them over.
///
/// The last entry of `index` ends the last record. Where the input's last record has no line end,
/// the chunker writes one behind `text` (and says so here by `text` not including it).
struct ParseInput {
  const char* bytes = nullptr;
  std::size_t size = 0;
  std::span<const std::uint32_t> index;
  bool unterminated_quote = false;  ///< the last record's quote never closes
  std::span<const OddLine> odd_lines;
};

/// Turns whole records into fields, without allocating once it is warm. Pure: no I/O, no judgement
/// about tables.
///
/// Follows CopyReadAttributesCSV of PostgreSQL's copyfromparse.c: quotes may open and close
/// anywhere in a field, an unquoted field that equals the null text is NULL, a quoted one never is.
/// Where an escape counts everywhere, what stands in the file is compared, as
/// CopyReadAttributesText does it.
class Parser {
 public:
  /// So many bytes behind a field that was unescaped may be read, whatever they hold. Behind one
  /// that stands in the text there is more: Scanner::padding.
  static constexpr std::size_t padding = 16;

  Parser(const Dialect& dialect, LineEnd line_end)
      : dialect_(dialect),
        line_end_(line_end),
        has_pairs_(line_end == LineEnd::crlf || line_end == LineEnd::any),
        is_usual_(dialect.delimiter.size() == 1 && !dialect.escapes_everywhere() &&
                  line_end != LineEnd::any && dialect.more_null_texts.empty() &&
                  !dialect.nulls_between_blanks) {}

  /// Begins with `input`, at the record that starts at byte `begin`. `input` must live as long as
  /// the parse.
  void start(const ParseInput& input, std::size_t begin = 0);

  /// The next record; false at the end. A record with a defect has no fields.
  bool next(Record& record);

 private:
  void begin(Record& record);
  void end(Record& record, const Field* end);
  template <bool usual>
  bool next_of(Record& record);
  template <bool usual>
  Field with_entries(std::size_t begin, std::size_t end, std::span<const std::uint32_t> entries);
  bool is_pair(std::size_t entry) const;
  bool ends_record(char c, bool is_pair) const;
  bool take_odd_line(Record& record);
  void look_for_odd_line();
  Field quoted(std::size_t begin, std::size_t end, std::span<const std::uint32_t> openings);
  Field unescape(const char* from, const char* to);
  Field unescape_everywhere(const char* from, const char* to);
  Field* grow_fields(const Field* full);
  char* reserve_scratch(std::size_t bytes);

  Dialect dialect_;
  LineEnd line_end_;
  bool has_pairs_;  ///< a CR and its LF may end a record
  bool is_usual_;   ///< one byte delimits, one or two that are known end a record, one text is NULL
  ParseInput input_;
  std::size_t at_ = 0;         ///< next record's first byte
  std::size_t entry_ = 0;      ///< next entry of the index
  std::size_t odd_ = 0;        ///< next odd line
  std::size_t odd_begin_ = 0;  ///< its first byte, or none that comes
  bool marks_end_ = false;     ///< the record has the marker of the data's end in it
  std::vector<Field> fields_;  ///< as many as the longest record so far; a record uses the first
  std::vector<std::unique_ptr<char[]>>
      scratch_;  ///< blocks, so that views stay valid while a record grows
  std::size_t scratch_block_ = 0;
  std::size_t scratch_used_ = 0;
  std::vector<std::size_t> scratch_sizes_;
};

}  // namespace sluice::csv
