#include "sniff/dialect.hpp"

#include <xxhash.h>

#include <algorithm>
#include <array>
#include <map>

#include "chunk/text_format.hpp"
#include "sniff/header.hpp"
#include "sniff/value_kind.hpp"

namespace sluice::sniff {
namespace {

constexpr std::size_t preamble_lines_max = 50;
constexpr std::size_t footer_records_max = 3;

/// How common a delimiter is, among what would read a text alike.
struct Candidate {
  std::string_view text;
  double prior;
};
constexpr std::array<Candidate, 13> delimiters{{{",", 1},
                                                {";", 1},
                                                {"\t", 1},
                                                {"|", 1},
                                                {"\x1f", 1},
                                                {"\x01", 1},
                                                {"||", 1},
                                                {"~|~", 1},
                                                {"~", 0.8},
                                                {"^", 0.8},
                                                {", ", 0.6},
                                                {":", 0.5},
                                                {" ", 0.3}}};

/// What a cell is worth as a value, from 0 to 1.
double worth_of(const csv::Field& field, const csv::Dialect& dialect) {
  const std::string_view text = field.view();
  if (field.quoted) return 1;
  const Kind kind = classify(csv::without_blanks(text)).kind;
  if (kind == Kind::empty) return 0.9;
  if (kind != Kind::text) return 1;
  const bool has_quote = text.front() == '"' || text.back() == '"' ||
                         (text.front() == '\'' && text.back() == '\'' && text.size() > 1);
  // A delimiter of others with no blank behind it is no punctuation.
  bool has_other = false;
  static constexpr std::string_view others = ",;\t|\x1f\x01";
  for (std::size_t at = text.find_first_of(others); at != std::string_view::npos;
       at = text.find_first_of(others, at + 1))
    has_other |=
        !dialect.delimiter.contains(text[at]) && (at + 1 == text.size() || text[at + 1] != ' ');
  return has_quote || has_other ? 0.1 : 0.8;
}

bool is_in_quotes(std::string_view text) {
  return text.size() > 1 && text.front() == text.back() &&
         (text.front() == '"' || text.front() == '\'');
}

/// What was read of one record.
struct SeenRecord {
  std::size_t fields = 0;
  std::size_t begin = 0;
  double worth = 0;  ///< of all its cells
  bool ends_blank = false;
  bool is_sound = true;
};

/// All that a candidate makes of the sample.
struct Attempt {
  std::vector<SeenRecord> records;
  std::uint64_t digest = 0;  ///< of all cells: equal ones are one reading
  std::size_t odd_quotes = 0;
  std::size_t quoted = 0;           ///< cells
  std::size_t kept_quotes = 0;      ///< cells with quotes around them that are read as a part
  std::vector<std::size_t> filled;  ///< of each column, how many cells are not empty
};

std::size_t usual_fields(const std::vector<SeenRecord>& records) {
  std::map<std::size_t, std::size_t> times;
  for (const SeenRecord& seen : records)
    if (seen.is_sound) ++times[seen.fields];
  std::size_t usual = 0;
  std::size_t most = 0;
  for (const auto& [fields, count] : times) {
    if (count * (fields > 1 ? 2 : 1) < most) continue;
    usual = fields;
    most = count * (fields > 1 ? 2 : 1);
  }
  return usual;
}

Attempt attempt(const Sample& sample, const csv::Dialect& dialect, csv::LineEnd line_end) {
  Attempt made;
  std::string all;
  const auto take = [&](const csv::Record& record) {
    SeenRecord seen{.fields = record.fields.size(),
                    .begin = record.begin,
                    .is_sound = record.defect == csv::Defect::none};
    if (made.filled.size() < record.fields.size()) made.filled.resize(record.fields.size());
    for (std::size_t i = 0; i < record.fields.size(); ++i) {
      const csv::Field& field = record.fields[i];
      if (field.size > 0) ++made.filled[i];
      if (field.quoted) ++made.quoted;
      if (!field.quoted && is_in_quotes(field.view())) ++made.kept_quotes;
      seen.worth += worth_of(field, dialect);
      all += field.view();
      all += field.quoted ? "\1" : "\2";
    }
    all += '\3';
    seen.ends_blank = !record.fields.empty() && record.fields.back().size == 0;
    const bool is_blank = record.fields.size() == 1 && seen.ends_blank;
    if (!is_blank) made.records.push_back(seen);
    return true;
  };
  made.odd_quotes = sample.read(dialect, line_end, take);
  made.digest = XXH3_64bits(all.data(), all.size());
  return made;
}

/// How many records in front are none: a title, a date, what the export was asked.
std::size_t records_in_front(const std::vector<SeenRecord>& records, std::size_t usual) {
  std::size_t front = 0;
  while (front < records.size() && front <= preamble_lines_max && records[front].fields != usual)
    ++front;
  return front < records.size() && front <= preamble_lines_max ? front : 0;
}

/// A footer has hardly any values; a record that lacks some of them is a bad one.
std::size_t records_behind(const std::vector<SeenRecord>& records, std::size_t usual) {
  const auto is_footer = [usual](const SeenRecord& seen) {
    return seen.is_sound && seen.fields < usual && 2 * seen.fields <= usual;
  };
  std::size_t behind = 0;
  while (behind < records.size() && behind <= footer_records_max &&
         is_footer(records[records.size() - 1 - behind]))
    ++behind;
  return behind <= footer_records_max ? behind : 0;
}

Reading judge(const Sample& sample, const csv::Dialect& dialect, csv::LineEnd line_end,
              const Attempt& made, double prior) {
  Reading reading{.dialect = dialect, .line_end = line_end};
  reading.columns = usual_fields(made.records);
  if (reading.columns == 0) return reading;
  const std::size_t front = records_in_front(made.records, reading.columns);
  const std::size_t behind = sample.is_whole() ? records_behind(made.records, reading.columns) : 0;
  const std::size_t end = made.records.size() - std::min(behind, made.records.size() - front);
  reading.skip_lines =
      csv::count_line_ends(sample.bytes().substr(0, made.records[front].begin), line_end);
  reading.skip_footer = behind;
  std::uint64_t usual = 0;
  std::uint64_t ends_blank = 0;
  double worth = 0;
  for (std::size_t i = front; i < end; ++i) {
    const SeenRecord& seen = made.records[i];
    ++reading.records;
    if (!seen.is_sound || seen.fields != reading.columns) continue;
    ++usual;
    worth += seen.worth;
    if (seen.ends_blank) ++ends_blank;
  }
  if (usual == 0) return reading;
  reading.ends_with_delimiter = ends_blank == usual && reading.columns > 2 && usual > 1;
  reading.fits = static_cast<double>(usual) / static_cast<double>(reading.records);
  reading.typed = worth / static_cast<double>(usual * reading.columns);
  // A column in which no record has anything, not even a header, is none: || is no two of |.
  const auto empty = static_cast<double>(std::ranges::count(made.filled, std::size_t{0}) -
                                         (reading.ends_with_delimiter ? 1 : 0));
  const double filled = 1 - empty / static_cast<double>(reading.columns);
  // What is skipped is not read, and a quote within a value is hardly one.
  const double read =
      static_cast<double>(reading.records) / static_cast<double>(made.records.size());
  const double quoted =
      1 - std::min(1.0, static_cast<double>(6 * made.odd_quotes + 2 * made.kept_quotes) /
                            static_cast<double>(reading.records));
  const auto columns = static_cast<double>(reading.columns);
  // One column is what every other text is too; values that are something say more.
  const double alone = reading.typed > 0.99 ? 0.5 : 0.2;
  const double width = reading.columns == 1 ? alone : (columns - 1) / columns;
  reading.score = reading.fits * reading.fits * reading.typed * reading.typed * width * prior *
                  filled * filled * filled * read * quoted;
  if (reading.ends_with_delimiter) --reading.columns;
  return reading;
}

std::vector<std::string> first_record(const Sample& sample, const Reading& reading) {
  std::vector<std::string> cells;
  const std::size_t fields = reading.columns + (reading.ends_with_delimiter ? 1 : 0);
  sample.read(reading.dialect, reading.line_end, [&](const csv::Record& record) {
    if (record.fields.size() != fields) return true;
    for (const csv::Field& field : record.fields) cells.emplace_back(field.view());
    return false;
  });
  return cells;
}

csv::LineEnd line_end_of(const Sample& sample, const csv::Dialect& dialect) {
  return csv::detect_line_end(sample.bytes(), dialect, sample.is_whole())
      .value_or(csv::LineEnd::lf);
}

/// Quotes and escapes that may be told apart here: what does not occur cannot.
std::vector<csv::Dialect> quotings(const Sample& sample, std::string_view delimiter) {
  csv::Dialect plain;
  plain.delimiter = *csv::Delimiter::of(delimiter);
  std::vector<csv::Dialect> all{plain};
  const std::string_view bytes = sample.bytes();
  const bool has_backslash = bytes.find('\\') != std::string_view::npos;
  const auto add = [&](char quote, char escape, csv::Escapes escapes) {
    csv::Dialect dialect = plain;
    dialect.quote = quote;
    dialect.escape = escape;
    dialect.escapes = escapes;
    all.push_back(dialect);
  };
  if (has_backslash) add('"', '\\', csv::Escapes::everywhere);
  if (bytes.find('\'') != std::string_view::npos) add('\'', '\'', csv::Escapes::in_quotes);
  if (bytes.find('"') != std::string_view::npos)
    add(csv::Dialect::none, csv::Dialect::none, csv::Escapes::in_quotes);
  if (has_backslash) add(csv::Dialect::none, '\\', csv::Escapes::everywhere);
  return all;
}

/// A line that begins with # and is no record of the usual width is a comment.
bool has_comments(const Sample& sample, const Reading& reading) {
  if (sample.bytes().find('#') == std::string_view::npos) return false;
  bool any = false;
  bool all = true;
  const std::size_t fields = reading.columns + (reading.ends_with_delimiter ? 1 : 0);
  sample.read(reading.dialect, reading.line_end, [&](const csv::Record& record) {
    if (sample.bytes()[record.begin] != '#') return true;
    any = true;
    all &= record.fields.size() != fields;
    return true;
  });
  return any && all;
}

/// Lines as Markdown and terminals draw them under a header, or around a table.
bool has_drawn_line(std::string_view text) {
  static constexpr std::size_t lines_looked_at = 4;
  for (std::size_t i = 0; i < lines_looked_at && !text.empty(); ++i) {
    const std::size_t end = std::min(text.find_first_of("\r\n"), text.size());
    const std::string_view line = text.substr(0, end);
    if (line.find("---") != std::string_view::npos &&
        line.find_first_of("|+") != std::string_view::npos &&
        line.find_first_not_of("-|+:= \t") == std::string_view::npos)
      return true;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return false;
}

/// What a delimiter of two characters is worth, by where these are.
double prior_of(const Sample& sample, const Candidate& candidate) {
  const std::string_view bytes = sample.bytes();
  const auto times = [bytes](std::string_view text) {
    std::size_t count = 0;
    for (std::size_t at = bytes.find(text); at != std::string_view::npos;
         at = bytes.find(text, at + text.size()))
      ++count;
    return count;
  };
  // A blank behind each comma is a part of the delimiter; behind some it is punctuation.
  if (candidate.text == ", " && times(",") == times(", ")) return 1.1;
  // Single ones between pairs are those of | around an empty value.
  if (candidate.text == "||" && times("|") > 2 * times("||") + times("||") / 4) return 0;
  return candidate.prior;
}

std::string doubt_about(const std::vector<Reading>& all) {
  static constexpr double fits_min = 0.95;
  static constexpr double near = 0.85;
  if (all.empty() || all.front().columns == 0) return "it has no record";
  const Reading& best = all.front();
  if (best.records == 0) return "it has no record";
  if (best.fits < fits_min) return "too many records have another number of values";
  if (best.records < 2 && best.columns > 1) return "one record is too little to tell";
  for (std::size_t i = 1; i < all.size(); ++i) {
    if (all[i].columns < 2 || all[i].fits < fits_min) continue;
    if (all[i].score > near * best.score) return "two dialects read it about equally well";
  }
  return {};
}

}  // namespace

Readings find_dialect(const Sample& sample, const Known& known) {
  std::map<std::uint64_t, Reading> by_digest;
  const auto consider = [&](const csv::Dialect& dialect, double prior) -> Reading {
    const csv::LineEnd line_end = line_end_of(sample, dialect);
    const Attempt made = attempt(sample, dialect, line_end);
    // An apostrophe within words is none that quotes.
    if (dialect.quote == '\'' && made.quoted <= made.odd_quotes) return Reading{};
    Reading reading = judge(sample, dialect, line_end, made, prior);
    const std::vector<std::string> first = first_record(sample, reading);
    if (first.size() > 1 && are_names_of(first, known.names)) reading.score += 1;
    const auto [place, is_new] = by_digest.try_emplace(made.digest, reading);
    return is_new ? reading : Reading{};
  };
  std::vector<Candidate> candidates(delimiters.begin(), delimiters.end());
  for (Candidate& candidate : candidates) candidate.prior = prior_of(sample, candidate);
  if (known.delimiter) candidates = {{known.delimiter->text(), 1}};
  for (const auto& [text, prior] : candidates) {
    const bool occurs = sample.bytes().find(text) != std::string_view::npos;
    if (!occurs && candidates.size() > 1 && text != ",") continue;
    for (csv::Dialect dialect : quotings(sample, text)) {
      if (known.quote && dialect.quote != *known.quote) continue;
      const Reading reading = consider(dialect, prior);
      if (!has_comments(sample, reading)) continue;
      dialect.comment = "#";
      consider(dialect, prior);
    }
  }
  csv::DialectWishes wishes;
  const csv::Dialect text = csv::dialect_of(wishes, csv::Format::text);
  if (!known.delimiter && !known.quote && chunk::looks_like_text(sample.bytes(), text)) {
    const csv::LineEnd line_end = line_end_of(sample, text);
    const Attempt made = attempt(sample, text, line_end);
    Reading reading = judge(sample, text, line_end, made, 1);
    reading.format = csv::Format::text;
    const bool has_escapes = sample.bytes().find('\\') != std::string_view::npos;
    if (has_escapes) by_digest.insert_or_assign(made.digest, reading);
  }
  Readings found;
  for (const auto& [digest, reading] : by_digest) found.all.push_back(reading);
  std::ranges::stable_sort(found.all, std::ranges::greater{}, &Reading::score);
  found.doubt = doubt_about(found.all);
  const std::size_t begin = sample.bytes().find_first_not_of(" \t\r\n");
  const bool is_other =
      begin != std::string_view::npos &&
      std::string_view("{[<").find(sample.bytes()[begin]) != std::string_view::npos;
  if (is_other) found.doubt = "it looks like JSON or markup, and not like CSV";
  if (has_drawn_line(sample.bytes()))
    found.doubt = "it looks like a table that is drawn with lines, and not like CSV";
  return found;
}

}  // namespace sluice::sniff
