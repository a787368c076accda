#include "script/foresight.hpp"

#include <gmock/gmock.h>

#include "base/failure.hpp"
#include "script/beyond.hpp"
#include "script/schema_file.hpp"
#include "script/stretches.hpp"

namespace sluice::script {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string refusal_of(const std::string& sql) {
  try {
    checked_units(make_script("m/001_x.sql", sql), {});
  } catch (const Failure& failure) {
    return failure.what();
  }
  return "";
}

TEST(Foresight, WhatNeedsNoTransactionIsNamedByItsLine) {
  const std::vector<std::pair<const char*, const char*>> cases{
      {"vacuum t", "VACUUM"},
      {"vacuum (full) t", "VACUUM"},
      {"create database x", "CREATE DATABASE"},
      {"drop database if exists x", "DROP DATABASE"},
      {"create tablespace x location '/x'", "CREATE TABLESPACE"},
      {"alter system set work_mem = 1", "ALTER SYSTEM"},
      {"cluster", "CLUSTER of all tables"},
      {"create index concurrently on t (a)", "CREATE INDEX CONCURRENTLY"},
      {"create unique index concurrently if not exists i on t (a)", "CREATE INDEX CONCURRENTLY"},
      {"drop index /* x */ concurrently i", "DROP INDEX CONCURRENTLY"},
      {"reindex table concurrently t", "REINDEX CONCURRENTLY"},
      {"reindex (verbose) index concurrently i", "REINDEX CONCURRENTLY"},
      {"reindex (verbose, concurrently) table t", "REINDEX CONCURRENTLY"},
      {"reindex schema s", "REINDEX SCHEMA"},
      {"alter table s.t detach partition s.t_1 concurrently", "DETACH PARTITION CONCURRENTLY"},
  };
  for (const auto& [sql, what] : cases) {
    const std::string said = refusal_of("select 1;\n  " + std::string(sql) + ";\n");
    EXPECT_THAT(said, HasSubstr("m/001_x.sql:2:3: " + std::string(what) +
                                " cannot run in a transaction, and this file is one"))
        << sql;
    EXPECT_EQ("", refusal_of("-- pgsluice: no-transaction\n" + std::string(sql))) << sql;
  }
}

TEST(Foresight, WhatATransactionMayHoldIsNot) {
  for (const char* const sql :
       {"create table vacuum_log (id int)", "select 'vacuum'", "cluster t", "reindex table t",
        "reindex (concurrently false) table t", "reindex table schema", "reindex index database",
        "create index i on concurrently (a)", "create index \"concurrently\" on t (a)",
        "create index concurrently_x on t (a)", "drop index i",
        "refresh materialized view concurrently m", "alter table t detach partition t_1",
        "alter table t detach partition t_1 finalize", "alter table t rename to concurrently_not",
        "alter database x set work_mem = 1", "explain vacuum",
        "do $$ begin execute 'vacuum'; end $$"})
    EXPECT_EQ("", refusal_of(sql)) << sql;
}

std::vector<std::string> doubts_in(const std::string& sql) {
  std::vector<std::string> said;
  for (const Doubt& doubt : doubts_of(make_script("001_x.sql", sql), {}))
    said.push_back(std::to_string(doubt.place.line) + " " + doubt.procedure + ": " + doubt.message);
  return said;
}

TEST(Foresight, BlocksAndProceduresThatEndTransactionsAreDoubted) {
  EXPECT_THAT(
      doubts_in("select 1;\ndo $x$ begin\n  insert into t values (1);\n  commit;\nend $x$;"),
      ElementsAre(HasSubstr("2 : this block ends a transaction")));
  EXPECT_THAT(doubts_in("do $$ begin if a then rollback and chain; end if; end $$"),
              ElementsAre(HasSubstr("(2D000)")));
  for (const char* const sql :
       {"do $$ begin -- commit;\n null; end $$", "do $$ begin raise 'commit;'; end $$",
        "do $$ declare commit int; begin select 1 into commit; end $$", "do 'begin null; end'",
        "-- pgsluice: no-transaction\ndo $$ begin commit; end $$"})
    EXPECT_THAT(doubts_in(sql), IsEmpty()) << sql;
  EXPECT_THAT(doubts_in("call s.\"P\"(1); call Q()"),
              ElementsAre(HasSubstr("1 \"P\": "), HasSubstr("1 q: ")));
  const Script made =
      make_script("001_x.sql",
                  "create or replace procedure s.Ends() language plpgsql as $$ begin loop commit; "
                  "end loop; end "
                  "$$;\ncreate procedure stays() language plpgsql as $$ begin null; end $$;");
  EXPECT_THAT(ending_procedures(made, {}), ElementsAre("ends"));
}

TEST(Foresight, ANewValueOfAnEnumIsNotUsedAtOnce) {
  EXPECT_THAT(
      doubts_in("alter type s.state add value if not exists 'late' after 'new';\ninsert into t "
                "values ('late');\nselect 'late';"),
      ElementsAre(HasSubstr("2 : uses 'late', which line 1 adds to an enum")));
  for (const char* const sql :
       {"alter type state add value 'late'; comment on type state is 'late'",
        "alter type state add value 'late'; insert into t values ('other')",
        "create type state as enum ('a'); alter type state add value 'late'; select 'late'::state",
        "alter type state rename value 'a' to 'late'; select 'late'::state",
        "insert into t values ('late'); alter type state add value 'late'",
        "-- pgsluice: no-transaction\nalter type state add value 'late'; select 'late'::state"})
    EXPECT_THAT(doubts_in(sql), IsEmpty()) << sql;
}

std::string beyond_in(const std::string& sql) {
  const auto found = first_beyond(make_script("001_x.sql", sql), {});
  return found ? std::to_string(found->place.line) + " " + found->words : "";
}

TEST(Foresight, WhatReachesBeyondTheDatabaseIsSeen) {
  EXPECT_EQ("2 CREATE ROLE", beyond_in("select 1;\ncreate role x"));
  EXPECT_EQ("1 GRANT of a role", beyond_in("grant a to b"));
  EXPECT_EQ("1 REVOKE of a role", beyond_in("revoke admin option for a from b"));
  EXPECT_EQ("1 COMMENT DATABASE", beyond_in("comment on database x is 'y'"));
  EXPECT_EQ("1 ALTER USER", beyond_in("alter user x set role = y"));
  EXPECT_EQ("4 DROP DATABASE",
            beyond_in("-- pgsluice: no-transaction\nbegin; select 1; commit;\n\ndrop database x"));
  for (const char* const sql :
       {"grant select on t to b", "revoke all on schema s from public",
        "alter default privileges grant select on tables to b",
        "create user mapping for current_user server s", "create table role (id int)",
        "alter table t owner to b", "comment on table t is 'role'", "create policy p on t to b"})
    EXPECT_EQ("", beyond_in(sql)) << sql;
}

TEST(SchemaFile, ATrimmedDumpHasItsStatementsAndRows) {
  const std::string dump =
      "--\n-- PostgreSQL database dump\n--\n\n\\restrict abc\n\n-- Dumped from database version "
      "15\n"
      "SET statement_timeout = 0;\nSET client_encoding = 'UTF8';\n"
      "SELECT pg_catalog.set_config('search_path', '', false);\n\n"
      "--\n-- Name: t; Type: TABLE\n--\n\nSET default_table_access_method = heap;\n\n"
      "CREATE TABLE public.t (\n    a text DEFAULT '--;'::text\n);\n\n\n"
      "ALTER TABLE public.t OWNER TO me;\n\nALTER TABLE public.u OWNER TO you;\n\n"
      "COMMENT ON EXTENSION citext IS 'x';\n\n"
      "--\n-- Data\n--\n\nCOPY public.t (a) FROM stdin;\n-- a row;\n\\\\.\n\\.\n\n\n"
      "COPY public.u (a) FROM stdin;\n\\.\n\n\nSELECT pg_catalog.setval('public.s', 7, true);\n\n"
      "--\n-- complete\n--\n\n\\unrestrict abc\n\n";
  EXPECT_EQ(
      "set check_function_bodies = false;\nset xmloption = content;\n"
      "select pg_catalog.set_config('search_path', '', false);\n"
      "\nCREATE TABLE public.t (\n    a text DEFAULT '--;'::text\n);\n"
      "\nALTER TABLE public.u OWNER TO you;\n"
      "\nCOPY public.t (a) FROM stdin;\n-- a row;\n\\\\.\n\\.\n"
      "\nCOPY public.u (a) FROM stdin;\n\\.\n"
      "\nSELECT pg_catalog.setval('public.s', 7, true);\n",
      trimmed_dump(dump, {.owner = "me"}));
}

TEST(SchemaFile, OtherAccessMethodsStay) {
  const std::string text = trimmed_dump(
      "SET default_table_access_method = columnar;\nCREATE TABLE a ();\n"
      "SET default_table_access_method = heap;\nCREATE TABLE b ();\n");
  EXPECT_THAT(text, HasSubstr("CREATE TABLE a ();\n\nSET default_table_access_method = heap;\n"));
}

TEST(SchemaFile, AHistoryIsReadAsItWasWritten) {
  const auto entry = [](const char* version, const char* file, char checksum) {
    Entry one;
    one.versioned = *version != '\0';
    if (one.versioned) one.version = *Version::parse(version);
    one.file = file;
    if (checksum != '\0') one.checksum = std::string(64, checksum);
    return one;
  };
  std::vector<Entry> entries{entry("3", "baseline", '\0'), entry("4", "004 with blanks.sql", 'a'),
                             entry("5.1", "V5.1__x.sql", 'b'), entry("", "R__r.sql", 'c'),
                             entry("6", "006_gone.sql", '\0')};
  entries[0].state = Entry::State::baseline;
  entries[2].is_accepted = true;
  entries[2].accepted_checksum = std::string(64, 'd');
  const std::string lines = "create table t ();\n\n" + history_lines(entries);
  EXPECT_THAT(lines, HasSubstr("-- baseline 3\n-- applied 4 aaaa"));
  EXPECT_THAT(lines, HasSubstr("-- applied 6 gone 006_gone.sql\n"));
  const std::vector<Entry> read = read_history_lines("f", lines);
  ASSERT_EQ(5U, read.size());
  EXPECT_EQ(Entry::State::baseline, read[0].state);
  EXPECT_EQ("004 with blanks.sql", read[1].file);
  EXPECT_EQ(std::string(64, 'd'), read[2].checksum);
  EXPECT_FALSE(read[3].versioned);
  EXPECT_TRUE(is_accepted_as_gone(read[4]));
  entries[1].file = "a\nb.sql";
  EXPECT_THROW(history_lines(entries), Failure);
}

}  // namespace
}  // namespace sluice::script
