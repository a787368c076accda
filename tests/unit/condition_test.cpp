#include "script/condition.hpp"

#include <gtest/gtest.h>

namespace sluice::script {
namespace {

TEST(Condition, IsOneExpressionBetweenParentheses) {
  for (const char* text :
       {"a = 1", "a = ';'", "a = ')'", "a = '--' -- a comment", "\"odd;)\" = 1", "a = $$;)$$",
        "a /* ) ; */ = 1", "a in (select b from c)", "((a))", "a = E'\\';'", "a = $x$ ; $x$"}) {
    EXPECT_EQ("", fault_of_expression(text)) << text;
  }
  for (const char* text : {"",
                           " ",
                           "-- nothing",
                           "/* nothing */",
                           "a;",
                           "a; b",
                           "(a; b)",
                           "a) or (b",
                           "(a",
                           "a)",
                           "a = 'open",
                           "a = \"open",
                           "a = $x$ open",
                           "a /* open",
                           "a /* /* */",
                           "\\i f",
                           "a \\ b",
                           "a = E'\\'",
                           "a -- c\n) or (b",
                           "a = '\\'; b"}) {
    EXPECT_NE("", fault_of_expression(text)) << text;
  }
  EXPECT_NE("", fault_of_expression(std::string_view("a = '\0'", 7)));
}

}  // namespace
}  // namespace sluice::script
