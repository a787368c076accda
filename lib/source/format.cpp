#include "source/format.hpp"

#include "base/failure.hpp"

namespace sluice::source {
namespace {

using namespace std::string_view_literals;

struct Format {
  std::string_view magic;
  std::string_view what;
};
constexpr Format formats[] = {
    {"\xff\xfe"sv, "UTF-16; convert it first: iconv -f UTF-16 -t UTF-8"},
    {"\xfe\xff"sv, "UTF-16; convert it first: iconv -f UTF-16 -t UTF-8"},
    {"\x1f\x8b"sv, "compressed with gzip; pipe it in: zcat FILE | pgsluice load - --table T"},
    {"\x28\xb5\x2f\xfd"sv,
     "compressed with zstd; pipe it in: zstdcat FILE | pgsluice load - --table T"},
    {"\xfd"
     "7zXZ\0"sv,
     "compressed with xz; pipe it in: xzcat FILE | pgsluice load - --table T"},
    {"PK\x03\x04"sv, "a ZIP archive; pipe it in: unzip -p FILE | pgsluice load - --table T"},
    {"PGCOPY\n\xff\r\n\0"sv,
     "PostgreSQL's binary COPY format, not CSV; psql's \\copy ... (format binary) loads it"},
};

}  // namespace

void require_text(std::string_view beginning, const std::string& name) {
  for (const Format& format : formats) {
    if (beginning.starts_with(format.magic)) {
      throw Failure(FailureKind::usage, name + ": is " + std::string(format.what));
    }
  }
}

}  // namespace sluice::source
