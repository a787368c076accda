#include "source/format.hpp"

#include <algorithm>

#include "base/failure.hpp"

namespace sluice::source {
namespace {

using namespace std::string_view_literals;

struct Format {
  std::string_view magic;
  std::string_view what;
  /// A text may begin so too: it is the format where bytes are in it that no text has.
  bool may_be_text = false;
};
constexpr Format formats[] = {
    {"PGCOPY\n\xff\r\n\0"sv,
     "PostgreSQL's binary COPY format, not CSV; psql's \\copy ... (format binary) loads it"},
    {"PGDMP"sv, "a dump of pg_dump, not CSV; pg_restore restores it", true},
    {"PAR1"sv,
     "Parquet, not CSV; convert it first, for example: duckdb -c \"copy 'FILE' to '/dev/stdout' "
     "(format csv)\" | pgsluice load - ...",
     true},
    {"Obj\x01"sv, "Avro, not CSV; convert it first, for example with avro-tools or duckdb"},
    {"ORC"sv, "ORC, not CSV; convert it first, for example with orc-contents", true},
    {"ARROW1\0\0"sv, "an Arrow file, not CSV; convert it first, for example with duckdb"},
    {"SQLite format 3\0"sv,
     "an SQLite database, not CSV; export a table first: sqlite3 -header -csv FILE 'select ...'"},
    {"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"sv,
     "an old Office document (xls), not CSV; save the sheet as CSV first"},
    {"%PDF-"sv, "PDF, not CSV", true},
    {"Rar!\x1a\x07"sv,
     "a RAR archive, which is not read; pipe it in: unrar p -inul FILE | pgsluice "
     "load - ..."},
    {"LZIP\x01"sv,
     "packed by lzip, which is not read; pipe it in: lzip -dc FILE | pgsluice load - "
     "..."},
    {"\x1f\x9d"sv,
     "packed by compress (.Z), which is not read; pipe it in: zcat FILE | pgsluice "
     "load - ..."},
    {"\x1f\xa0"sv,
     "packed by compress (.Z), which is not read; pipe it in: zcat FILE | pgsluice "
     "load - ..."},
    {"\x5d\0\0"sv,
     "packed as .lzma, which is not read; pipe it in: lzma -dc FILE | pgsluice load - "
     "..."},
    {"\x89LZO\0\r\n\x1a\n"sv,
     "packed by lzop, which is not read; pipe it in: lzop -dc FILE | "
     "pgsluice load - ..."},
    {"\xff\x06\0\0sNaPpY"sv,
     "packed by Snappy, which is not read; pipe it in: snzip -dc FILE | "
     "pgsluice load - ..."},
    {"MZ"sv,
     "a program for Windows, not CSV; if it is an archive that unpacks itself, 7z x FILE unpacks "
     "it",
     true},
    {"\x7f"
     "ELF"sv,
     "a program, not CSV"},
    {"!<arch>\n"sv, "an ar archive (a .deb, or a library), which is not read"},
};

/// Bytes below the tabulator: no encoding of text has them among its characters.
bool has_no_text(std::string_view beginning) {
  return std::ranges::any_of(beginning.substr(0, 300),
                             [](const char c) { return c >= 0 && c < 9; });
}

}  // namespace

void require_text(std::string_view beginning, const std::string& name) {
  for (const Format& format : formats) {
    if (!beginning.starts_with(format.magic)) continue;
    if (format.may_be_text && !has_no_text(beginning)) continue;
    throw Failure(FailureKind::usage, name + ": is " + std::string(format.what));
  }
}

}  // namespace sluice::source
