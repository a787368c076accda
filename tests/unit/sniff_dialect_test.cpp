#include <gmock/gmock.h>

#include "sniff/dialect.hpp"

namespace sluice::sniff {
namespace {

struct Example {
  std::string name;
  std::string file;
  std::string delimiter = ",";
  char quote = '"';
  csv::Escapes escapes = csv::Escapes::in_quotes;
  std::size_t columns = 3;
  std::uint64_t skip_lines = 0;
  std::uint64_t skip_footer = 0;
  std::string comment = {};
};

std::vector<Example> examples() {
  using csv::Dialect;
  using csv::Escapes;
  return {
      {.name = "plain", .file = "id,name,v\n1,a,2\n2,b,3\n"},
      {.name = "semicolon", .file = "id;name;v\n1;a;2,5\n2;b;3,5\n", .delimiter = ";"},
      {.name = "commas within",
       .file = "1,5;2,5\n3,5;4,5\n5,5;6,5\n",
       .delimiter = ";",
       .columns = 2},
      {.name = "tab", .file = "id\tname\tv\n1\ta, b\t2\n2\tc\t3\n", .delimiter = "\t"},
      {.name = "pipe", .file = "id|name|v\n1|a|2\n2|b|3\n", .delimiter = "|"},
      {.name = "two pipes", .file = "id||name||v\n1||a||2\n2||b||3\n", .delimiter = "||"},
      {.name = "unit separator",
       .file = "1\x1f"
               "a\x1f"
               "2\n2\x1f"
               "b\x1f"
               "3\n",
       .delimiter = "\x1f"},
      {.name = "a delimiter in quotes", .file = "id,name,v\n1,\"a;b;c\",2\n2,\"d;e;f\",3\n"},
      {.name = "a line end in quotes", .file = "id,name,v\n1,\"a\nb\",2\n2,\"c\n,d\",3\n"},
      {.name = "backslashes",
       .file = "1,\"say \\\"a, b\\\"\",2\n2,\"c\\\\\",3\n3,\"d\",4\n",
       .escapes = Escapes::everywhere},
      {.name = "apostrophes as quotes", .file = "id,name,v\n1,'a,b',2\n2,'c,d',3\n", .quote = '\''},
      {.name = "inches",
       .file = "id|name|v\n1|5\" pipe|2\n2|3\" pipe|3\n3|bolt|4\n",
       .delimiter = "|",
       .quote = Dialect::none},
      {.name = "a title",
       .file = "Report of May\n\nid,name,v\n1,a,2\n2,b,3\n3,c,4\n",
       .skip_lines = 2},
      {.name = "a footer", .file = "id,name,v\n1,a,2\n2,b,3\n3,c,4\nTotal: 3\n", .skip_footer = 1},
      {.name = "comments", .file = "id,name,v\n# x\n1,a,2\n2,b,3\n# y, z\n3,c,4\n", .comment = "#"},
      {.name = "times",
       .file = "2025-12-31 10:15:00,5\n2025-12-31 11:15:00,6\n2025-12-31 12:15:00,7\n",
       .columns = 2},
      {.name = "one column of times",
       .file = "2025-12-31 10:15:00\n2025-12-31 11:15:00\n",
       .columns = 1},
      {.name = "one column of words", .file = "name\nJohn Smith\nJane Doe\nHeinz\n", .columns = 1},
      {.name = "trailing delimiters", .file = "1|a|2|\n2|b|3|\n", .delimiter = "|"},
      {.name = "crlf", .file = "id,name,v\r\n1,a,2\r\n2,b,3\r\n"},
      {.name = "no line end at the end", .file = "id,name,v\n1,a,2\n2,b,3"},
      {.name = "text in sentences",
       .file = "id,name,v\n1,\"To be, or not\",2\n2,\"That is: it; so\",3\n"},
      {.name = "blanks", .file = "1 2 3\n4 5 6\n7 8 9\n", .delimiter = " "},
  };
}

TEST(SniffedDialect, IsThatOfTheFile) {
  for (const Example& example : examples()) {
    SCOPED_TRACE(example.name);
    const Readings found = find_dialect(Sample(example.file, true));
    ASSERT_FALSE(found.all.empty());
    const Reading& best = found.all.front();
    EXPECT_EQ("", found.doubt);
    EXPECT_EQ(example.columns, best.columns);
    if (example.columns > 1) {
      EXPECT_EQ(example.delimiter, best.dialect.delimiter.text());
    }
    EXPECT_EQ(example.quote, best.dialect.quote);
    EXPECT_EQ(example.escapes, best.dialect.escapes);
    EXPECT_EQ(example.skip_lines, best.skip_lines);
    EXPECT_EQ(example.skip_footer, best.skip_footer);
    EXPECT_EQ(example.comment, best.dialect.comment);
  }
}

/// What cannot be told is not.
TEST(SniffedDialect, IsRefusedInDoubt) {
  for (const char* const file : {"| id | name |\n|----|------|\n| 1  | a    |\n| 2  | b    |\n",
                                 "id | name\n---|---\n1 | a\n2 | b\n", "", "a,b;c\n",
                                 "x,y;z\nu,v;w\n", "a,b\nc,d,e\nf\ng,h,i,j\n"}) {
    SCOPED_TRACE(file);
    EXPECT_NE("", find_dialect(Sample(file, true)).doubt);
  }
}

TEST(SniffedDialect, AsksTheTablesNames) {
  const Sample sample("id;a,b;v\n1;2,3;4\n5;6,7;8\n", true);
  EXPECT_EQ(
      ";",
      find_dialect(sample, {.names = {"id", "v", "a_b"}}).all.front().dialect.delimiter.text());
}

}  // namespace
}  // namespace sluice::sniff
