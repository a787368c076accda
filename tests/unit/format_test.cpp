#include "source/format.hpp"

#include <gmock/gmock.h>

#include "base/failure.hpp"
#include "source/packing.hpp"

namespace sluice::test {
namespace {

using namespace std::string_view_literals;
using ::testing::HasSubstr;

std::string refusal_of(std::string_view beginning) {
  try {
    source::require_text(beginning, "f");
  } catch (const Failure& failure) {
    EXPECT_EQ(FailureKind::usage, failure.kind());
    return failure.what();
  }
  return "";
}

TEST(Format, OfOthersIsRefusedByName) {
  const std::pair<std::string_view, const char*> cases[] = {
      {"PGCOPY\n\xff\r\n\0\0"sv, "binary COPY"},
      {"PGDMP\x01\x0e\0\x04"sv, "pg_restore"},
      {"PAR1\x15\x04\x15\x10"sv, "Parquet"},
      {"Obj\x01\x04\x14"sv, "Avro"},
      {"Rar!\x1a\x07\x01\0"sv, "RAR"},
      {"MZ\x90\0\x03\0"sv, "a program for Windows"},
      {"\x7f"
       "ELF\2\1"sv,
       "a program"},
      {"LZIP\x01\x14"sv, "lzip"},
      {"\x1f\x9d\x90"sv, "compress"},
      {"\x5d\0\0\x80\0"sv, ".lzma"},
      {"SQLite format 3\0"sv, "SQLite"},
      {"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"sv, "xls"}};
  for (const auto& [bytes, name] : cases) {
    EXPECT_THAT(refusal_of(bytes), HasSubstr(name));
    EXPECT_EQ(source::Packing::none, source::packing_of(bytes));
  }
}

TEST(Format, ATextThatBeginsLikeOneIsAText) {
  for (const char* text : {"PAR1,PAR2\n1,2\n", "PGDMP\n", "ORC,ELF\n1,2\n", "%PDF-,a\n", "LZIP\n",
                           "]\n1\n", "Rar!\n", "MZ,a\n", "Obj,a\n"})
    EXPECT_EQ("", refusal_of(text)) << text;
}

}  // namespace
}  // namespace sluice::test
