#include "script/sql_lexer.hpp"

#include <gtest/gtest.h>

namespace sluice::script {
namespace {

struct Case {
  const char* name;
  std::string text;
  std::vector<std::string> statements;
};

std::vector<std::string> statements_of(const std::string& text) {
  std::vector<std::string> found;
  for (const Statement& s : lex_sql(text).statements)
    found.push_back(text.substr(s.begin, s.end - s.begin));
  return found;
}

TEST(SqlLexer, CutsAsPsqlDoes) {
  const Case cases[] = {
      {"nothing", "  \n-- only a comment\n/* and ; another */", {}},
      {"two", "select 1; select 2", {"select 1", "select 2"}},
      {"empty ones", ";;select 1;;", {"select 1"}},
      {"semicolon in quotes", "select ';', \";\"; select 2", {"select ';', \";\"", "select 2"}},
      {"doubled quotes", "select 'it''s; so'; x", {"select 'it''s; so'", "x"}},
      {"backslash in plain quotes", "select '\\'; x", {"select '\\'", "x"}},
      {"E'' has escapes", "select E'\\';'; x", {"select E'\\';'", "x"}},
      {"e'' with an escaped backslash", "select e'\\\\'; x", {"select e'\\\\'", "x"}},
      {"a name that ends with e", "select type'\\'; x", {"select type'\\'", "x"}},
      {"dollar quotes", "do $$ begin; end $$; x", {"do $$ begin; end $$", "x"}},
      {"tagged, nested",
       "do $a$ select $b$ ; $b$; $$;$$ $a$; x",
       {"do $a$ select $b$ ; $b$; $$;$$ $a$", "x"}},
      {"a parameter is no tag", "select $1; select $2", {"select $1", "select $2"}},
      {"a dollar inside a name", "select a$b$ ; select c$b$", {"select a$b$", "select c$b$"}},
      {"nested comments",
       "select 1 /* a /* ; */ ; */ + 1; x",
       {"select 1 /* a /* ; */ ; */ + 1", "x"}},
      {"line comment with a quote",
       "select 1 -- don't; stop\n+ 1; x",
       {"select 1 -- don't; stop\n+ 1", "x"}},
      {"rules have semicolons in parentheses",
       "create rule r as on insert to t do also (insert into a values (1); insert into b values "
       "(2)); x",
       {"create rule r as on insert to t do also (insert into a values (1); insert into b values "
        "(2))",
        "x"}},
      {"begin atomic",
       "create or replace function f() returns int begin atomic select 1; select case when true "
       "then "
       "1 else 2 end; end; x",
       {"create or replace function f() returns int begin atomic select 1; select case when true "
        "then "
        "1 else 2 end; end",
        "x"}},
      {"begin atomic of a procedure",
       "create procedure p() begin atomic; end; x",
       {"create procedure p() begin atomic; end", "x"}},
      {"case and end as labels",
       "create function f() returns int begin atomic select 1 as case, 2 case, 3 end, t.end; end; "
       "x",
       {"create function f() returns int begin atomic select 1 as case, 2 case, 3 end, t.end; end",
        "x"}},
      {"a case with an end of its own",
       "create function f() returns int begin atomic; select (case when 1 then 2 end) end; end; x",
       {"create function f() returns int begin atomic; select (case when 1 then 2 end) end; end",
        "x"}},
      {"a function that is named begin",
       "create function q.begin() returns begin language sql as 'x'; x",
       {"create function q.begin() returns begin language sql as 'x'", "x"}},
      {"a name in quotes opens no body",
       "create function f() returns \"begin\" atomic; x",
       {"create function f() returns \"begin\" atomic", "x"}},
      {"begin without a routine", "begin; select 1; end; x", {"begin", "select 1", "end", "x"}},
      {"unicode names", "select \xc3\xa9$x$ ; y", {"select \xc3\xa9$x$", "y"}},
      {"CR ends a comment",
       "-- a\rselect 1; -- b\r\nselect 2 -- c\r; x",
       {"select 1", "select 2", "x"}},
      {"E-strings go on", "select E'a' -- b\n '\\'; c'; x", {"select E'a' -- b\n '\\'; c'", "x"}},
      {"others are as good as two", "select 'a'\n'\\'; x", {"select 'a'\n'\\'", "x"}},
      {"E-strings do not without a newline", "select E'a' '\\'; x", {"select E'a' '\\'", "x"}},
      {"CRLF", "select 1;\r\nselect 2;\r\n", {"select 1", "select 2"}},
  };
  for (const Case& c : cases) EXPECT_EQ(c.statements, statements_of(c.text)) << c.name;
}

TEST(SqlLexer, SaysWhereStatementsBegin) {
  const Lexed lexed = lex_sql("-- a\n  select\n1;\nselect 2;  /* x */ select 3");
  ASSERT_EQ(3U, lexed.statements.size());
  EXPECT_EQ(2U, lexed.statements[0].place.line);
  EXPECT_EQ(3U, lexed.statements[0].place.column);
  EXPECT_EQ(4U, lexed.statements[1].place.line);
  EXPECT_EQ(20U, lexed.statements[2].place.column);
  EXPECT_EQ((std::vector<std::string>{"SELECT"}), lexed.statements[0].words);
}

TEST(SqlLexer, FindsPsqlCommandsAndWhatHasNoEnd) {
  const Lexed commands = lex_sql("select 1;\n\\i other.sql\nselect '\\d';\n");
  ASSERT_EQ(1U, commands.psql_commands.size());
  EXPECT_EQ(2U, commands.psql_commands[0].place.line);
  EXPECT_EQ("\\i", commands.psql_commands[0].name);
  EXPECT_EQ(2U, commands.statements.size());
  for (const char* text : {"select 1;\nselect 'x;", "select 1;\ndo $a$ $$", "\n/* /* */", "\n \"x"})
    EXPECT_EQ(2U, lex_sql(text).unfinished.line) << text;
  EXPECT_EQ(0U, lex_sql("select 1").unfinished.line);
}

TEST(SqlLexer, SaysWhichBodyHasNoEnd) {
  const auto line_of = [](std::string_view text) { return lex_sql(text).open_body.line; };
  const std::string begin = "select 1;\ncreate function f() returns int\nbegin atomic select 1;";
  EXPECT_EQ(3U, line_of(begin));
  EXPECT_EQ(3U, line_of(begin + " select 2 end; commit;"));
  EXPECT_EQ(0U, line_of(begin + " end; commit;"));
  EXPECT_EQ(0U, line_of("begin; select 1;"));
}

TEST(SqlLexer, FindsWhatIsNearlyAMark) {
  for (const char* text : {"-- migrate: down",
                           "-- migrate:down;",
                           "-- migrate-down",
                           "-- + goose Down",
                           "-- +goose: Down",
                           "-- goose Down",
                           "/* +goose Down */",
                           "-- Up",
                           "-- Down",
                           "--down",
                           "/* Down */",
                           "---- UP ----",
                           "-- +gose Down",
                           "-- +migrate: Up notransaction",
                           "-- micrate Down",
                           "-- migration down",
                           "/*\n * +goose Down\n */",
                           "-- goose StatementBegin",
                           "-- migrate_down transaction:false",
                           "-- GooseDown",
                           "-- dbmate:down"}) {
    EXPECT_EQ(1U, lex_sql("select 1;\n" + std::string(text)).near_marks.size()) << text;
  }
  for (const char* text :
       {"-- +goose Down", "-- migrate:down", "-- +migrate Up", "-- goes down", "-- down with it",
        "-- migrate the rows up", "-- the goose is down", "-- -- --", "/*\n down\n*/",
        "select '-- migrate: down'", "-- goose", "-- migrate", "-- Down Migration"}) {
    EXPECT_TRUE(lex_sql("select 1;\n" + std::string(text)).near_marks.empty()) << text;
  }
}

TEST(SqlLexer, KnowsWhatControlsTransactions) {
  const auto controls = [](const std::string& text) {
    return controls_transaction(lex_sql(text).statements.at(0));
  };
  for (const char* text :
       {"begin", "BEGIN work", "start transaction isolation level serializable", "commit", "end",
        "rollback", "abort", "prepare transaction 'x'", "/* x */ Commit and chain"})
    EXPECT_TRUE(controls(text)) << text;
  for (const char* text : {"savepoint a", "rollback to a", "rollback work to savepoint a",
                           "release a", "prepare p as select 1", "select 'commit'",
                           "do $$begin end$$", "create table begin (a int)"})
    EXPECT_FALSE(controls(text)) << text;
}

TEST(SqlLexer, KnowsCopyWithTheClient) {
  const auto copies = [](const std::string& text) {
    return copies_with_client(lex_sql(text).statements.at(0));
  };
  EXPECT_TRUE(copies("copy t (a, b) from stdin with (format csv)"));
  EXPECT_TRUE(copies("copy t to stdout"));
  EXPECT_TRUE(copies("copy (select 1) to stdout (format csv)"));
  EXPECT_TRUE(copies("copy t from stdout"));  // as the server has it
  EXPECT_TRUE(copies("copy t to stdin"));
  EXPECT_FALSE(copies("copy t from '/tmp/x'"));
  EXPECT_FALSE(copies("select 'copy t from stdin'"));
  EXPECT_FALSE(copies("copy (select 'from stdin' from stdin) to '/tmp/x' -- from stdin"));
  EXPECT_TRUE(copies("copy \"T\" (a)\nFROM /* here */ STDIN"));
}

TEST(SqlLexer, EndsInFrontOfTheDataOfACopy) {
  const std::string text = "select 1; copy t (a) from stdin; \n1\tit's\n\\.\nselect 2;";
  for (const Lexed& lexed : {lex_sql(text), lex_whole(text, {})}) {
    ASSERT_EQ(2U, lexed.statements.size());
    EXPECT_TRUE(lexed.statements[1].has_data);
    EXPECT_EQ(text.find("1\t"), lexed.data_begin);
    EXPECT_EQ(2U, lexed.data_place.line);
  }
  for (const char* const none :
       {"copy t from stdin (format csv);\n1\n", "copy t from stdin with csv;\n1\n",
        "copy t from stdin; select 1;\n", "copy t from stdin;", "copy t to stdout;\n",
        "select * from stdin;\n"})
    EXPECT_FALSE(lex_sql(none).data_begin) << none;
}

TEST(SqlLexer, KnowsLinesOfDumpsThatSayNothing) {
  const Lexed lexed = lex_sql("\\restrict aBc\nselect 1;\n\\unrestrict aBc\n");
  EXPECT_EQ(0U, lexed.psql_commands.size());
  ASSERT_EQ(2U, lexed.idle_lines.size());
  EXPECT_EQ(13U, lexed.idle_lines[0].second);
  EXPECT_EQ(1U, lex_sql("select \\restrict a\n1").psql_commands.size());
}

}  // namespace
}  // namespace sluice::script
