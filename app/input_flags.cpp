#include "app/load_flags.hpp"

namespace sluice::app {
namespace {

/// What of a dialect is not said.
enum class Dialect { copy, automatic };
constexpr auto names_of(Dialect) {
  return std::array{Named{Dialect::copy, "copy"}, Named{Dialect::automatic, "auto"}};
}

const std::string input_group = "Input (the defaults are those of COPY ... (FORMAT csv))";

void add_dialect_flags(CLI::App& c, LoadFlags& f) {
  const std::string& group = input_group;
  add_choice_option<csv::Format>(c, "--format", f.load.format,
                                 "csv (default); text: COPY's text format, as \\copy and pg_dump "
                                 "write it; auto: as the file's "
                                 "beginning looks")
      .group(group);
  const auto finds = [&f](const Dialect& how) { f.finds_dialect = how == Dialect::automatic; };
  add_choice_option<Dialect>(c, "--dialect", finds,
                             "copy: what COPY would read (default); auto: what each file looks "
                             "like, where no flag says it, or exit code 2 in doubt")
      .group(group);
  const auto delimiter = [&f](const std::string& text) {
    f.dialect.delimiter = csv::Delimiter::of(text);
  };
  add_characters_option(
      c, "--delimiter", delimiter,
      "between values: one to eight bytes, such as ';', '||', '\\t', pipe, '\\x1f' "
      "(default: comma, or what a first line sep=; says; tab in text)")
      .group(group);
  const auto no_quote = [&f] { f.dialect.quote = csv::Dialect::none; };
  add_character_option(c, "--quote", f.dialect.quote, {"none", no_quote},
                       "around values (default: \"); none: a quote is like any other character")
      .group(group);
  const auto backslash = [&f] {
    f.dialect.escape = '\\';
    f.dialect.escapes_everywhere = true;
  };
  add_character_option(
      c, "--escape", f.dialect.escape, {"backslash", backslash},
      "before a quote inside quotes (default: the quote itself); backslash, or any with --quote "
      "none: before any character, in quotes or not, as MySQL, Hive and Spark write it")
      .group(group);
  add_list_option(c, "--null", f.nulls, false,
                  "unquoted text that means NULL (default: empty; \\N in text and with backslash "
                  "escapes); given several times, each does")
      .option_text("TEXT")
      ->group(group);
  add_choice_option<csv::Newline>(
      c, "--newline", f.load.newline,
      "how records end: as the first line does (auto), one of these, or each in any of these ways "
      "(any)")
      .group(group);
  const auto comment = [&f](const std::string& text) { f.dialect.comment = text; };
  add_characters_option(c, "--comment", comment, "lines that begin with it are no records")
      .group(group);
}

void add_column_flags(CLI::App& c, LoadFlags& f) {
  const std::string& group = input_group;
  const auto header = [&f](const plan::HeaderMode& mode) {
    f.header_given = true;
    f.load.header = mode;
  };
  add_choice_option<plan::HeaderMode>(
      c, "--header", header,
      "match: the first record names the columns (default); skip: it is ignored; "
      "none: it is data")
      .group(group);
  add_list_option(c, "--columns", f.load.columns, true,
                  "the file's columns in order, with --header=skip or --header=none; one with a "
                  "comma in quotes, as in CSV")
      .option_text("A,B,C")
      ->group(group);
  add_list_option(c, "--map", f.maps, false, "which table column a CSV column goes to (repeatable)")
      .option_text("CSV=COLUMN")
      ->group(group);
  add_list_option(c, "--skip-column", f.load.skipped_columns, false,
                  "drop that CSV column (repeatable)")
      .option_text("NAME")
      ->group(group);
  c.add_flag("--ignore-extra", f.load.ignore_extra, "drop CSV columns that the table lacks")
      ->group(group);
}

void add_value_flags(CLI::App& c, LoadFlags& f) {
  const std::string group = "Values";
  tuple::ValueWishes& values = f.load.values;
  add_list_option(c, "--null-for", values.nulls_for, false,
                  "unquoted text that means NULL in that column too (repeatable)")
      .option_text("COLUMN=TEXT")
      ->group(group);
  c.add_flag("--null-quoted", f.null_quoted,
             "such texts mean NULL in quotes too, in all columns or in these")
      ->option_text("[=A,B]")
      ->group(group);
  c.add_flag("--trim", f.trim, "blanks around values do not count; all: around those in quotes too")
      ->option_text("[=all]")
      ->group(group);
  not_empty(*c.add_option("--decimal", values.decimal,
                          "what stands in front of decimals, in columns of numbers (default: .)"))
      .option_text("CHAR")
      ->group(group);
  not_empty(
      *c.add_option("--thousands", values.thousands, "what stands between groups of three digits"))
      .option_text("CHAR")
      ->group(group);
  add_list_option(c, "--booleans", values.booleans, false,
                  "what is true and what is false in columns of booleans, such as Y,N (repeatable)")
      .option_text("TRUE,FALSE")
      ->group(group);
  add_list_option(
      c, "--date-format", values.date_formats, false,
      "how dates and times are written, in to_timestamp's words, or epoch, epoch_ms; in "
      "one column: COLUMN=FORMAT (repeatable)")
      .option_text("FORMAT")
      ->group(group);
  add_list_option(
      c, "--add", values.added, false,
      "a value for a column that the file lacks: a text, or :file, :path, :line, :record, :load, "
      ":now (repeatable)")
      .option_text("COLUMN=VALUE")
      ->group(group);
}

}  // namespace

void add_input_flags(CLI::App& c, LoadFlags& f) {
  const std::string& group = input_group;
  add_dialect_flags(c, f);
  add_column_flags(c, f);
  add_value_flags(c, f);
  const auto skip_lines = [&f](const std::uint64_t& lines) { f.load.skip_lines = lines; };
  add_number_option(c, "--skip-lines", {}, skip_lines,
                    "lines in front of the header or the data that are not read")
      .group(group);
  const auto skip_footer = [&f](const std::uint64_t& lines) { f.load.skip_footer = lines; };
  add_number_option(c, "--skip-footer", {0, limits::footer_lines_max}, skip_footer,
                    "lines at the end that are not read")
      .group(group);
  not_empty(*c.add_option("--encoding", f.load.encoding,
                          "of the file, as PostgreSQL, Python or iconv names it (default: UTF-16 "
                          "and UTF-32 are seen; else PGCLIENTENCODING or UTF8)"))
      .option_text("NAME")
      ->group(group);
  add_size_option(c, "--max-record-bytes", f.load.record_bytes_max,
                  "largest record, before it is an error (default: 64MiB)")
      .group(group);
  const auto record_lines = [&f](const std::uint64_t& lines) { f.load.record_lines_max = lines; };
  add_number_option(c, "--max-record-lines", {1}, record_lines,
                    "most lines of a record, before it is an error (default: no limit)")
      .group(group);
}

void add_packing_flags(CLI::App& c, LoadFlags& f) {
  const std::string group = "Packed input (gz, zst, lz4, xz, bz2, zip, tar, 7z: by content)";
  not_empty(add_list_option(c, "--member", f.load.unpack.members, false,
                            "the file of an archive that is meant, or a pattern for several "
                            "(repeatable; default: the only one)"))
      .option_text("GLOB")
      ->group(group);
  add_size_option(c, "--decode-memory", f.load.unpack.memory_max,
                  "what a packed file's window or dictionary may take (default: 256MiB)")
      .group(group);
  add_size_option(c, "--max-bytes", f.bytes_max,
                  "stop where a packed file unpacks to more than this (default: no limit)")
      .group(group);
}

}  // namespace sluice::app
