#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "support/database.hpp"
#include "support/files.hpp"
#include "support/process.hpp"

namespace sluice::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

/// --encoding is of the file: the command line, names and messages are UTF-8 whatever it says.
class Encodings : public DatabaseTest {
 protected:
  void SetUp() override {
    db().run(
        "create table \"größe\" (\"schlüssel\" int primary key, \"zähler\" int, \"naïve\" text, "
        "constraint \"prüfung\" check (\"zähler\" < 100))");
  }
  Finished load(const std::string& path, const std::vector<std::string>& flags) const {
    std::vector<std::string> all{"load", path, "-t", "\"größe\"", "--progress", "none"};
    all.insert(all.end(), {"-d", url(), "--retry-for", "2s"});
    all.insert(all.end(), flags.begin(), flags.end());
    return pgsluice(all);
  }
  std::string table() {
    return db().value(
        "select string_agg(concat_ws('|', \"schlüssel\", \"zähler\", coalesce(\"naïve\", 'NULL')), "
        "' ' order by \"schlüssel\") from \"größe\"");
  }

  TemporaryFolder folder_;
};

const std::string latin1 =
    "schl\xfcssel,z\xe4hler,na\xefve\n1,1,caf\xe9\n2,x\xe9,b\n3,200,\xe9\n4,4,nic\xf6t\n5, "
    "5,\xfc\n";

struct Way {
  std::vector<std::string> flags;
};

TEST_F(Encodings, EveryWayToStoreSpeaksUtf8AndSendsTheFilesOwn) {
  const std::string path = folder_.write("größe.csv", latin1);
  const Way ways[] = {
      {{}},
      {{"--writer", "insert"}},
      {{"--on-conflict", "update", "--key", "schlüssel", "--update-columns", "naïve,zähler"}},
      {{"--on-conflict", "nothing"}},
      {{"--atomic"}},
      {{"--no-ledger"}},
      {{"--header=skip", "--columns", "schlüssel,zähler,naïve"}},
      {{"--header=skip", "--columns", "a,zähler,naïve", "--map", "a=schlüssel"}},
      {{"--set", "my.tag=größe"}},
  };
  for (const Way& way : ways) {
    SCOPED_TRACE(::testing::PrintToString(way.flags));
    db().run("truncate \"größe\"");
    std::vector<std::string> flags{
        "--encoding", "LATIN1", "--null",    "nicöt",           "--max-rejects", "9",
        "--output",   "json",   "--rejects", folder_ / "r.csv", "--again"};
    flags.insert(flags.end(), way.flags.begin(), way.flags.end());
    const Finished finished = load(path, flags);
    EXPECT_EQ(3, finished.exit_code) << finished.out << finished.err;
    EXPECT_EQ("1|1|café 4|4|NULL 5|5|ü", table());
    const auto json = nlohmann::json::parse(finished.out);
    const std::string rejects = json["loads"][0]["rejects_path"];
    EXPECT_THAT(read_file(rejects), HasSubstr("2,x\xe9,b\n3,200,\xe9\n"));  // as they were
    const std::string reasons = read_file(rejects.substr(0, rejects.size() - 4) + ".jsonl");
    EXPECT_THAT(reasons, AllOf(HasSubstr(R"("column":"zähler","value":"xé")"),
                               HasSubstr(R"("constraint":"prüfung")")));
  }
}

TEST_F(Encodings, WhatCannotBeConvertedNamesTheFlag) {
  const std::string file = folder_.write("a.csv", "schl\xfcssel\n1\n");
  const struct {
    std::vector<std::string> flags;
    std::vector<std::string> environment;
    const char* says;
  } cases[] = {
      {{"--encoding", "nonsense"}, {}, "--encoding nonsense: "},
      {{"--encoding", "utf-9"},
       {},
       "--encoding utf-9: there is no encoding of that name; did you mean "},
      {{"--encoding", "SHIFT_JIS_2004"}, {}, "this system has no conversion"},
      {{"-d", "client_encoding=nonsense"}, {}, "client_encoding (in -d): nonsense: "},
      {{}, {"PGCLIENTENCODING=cp1252"}, "PGCLIENTENCODING: cp1252: "},
      {{}, {"PGCLIENTENCODING=BIG5"}, "say it of the file: --encoding BIG5"},
      {{"--set", "client_encoding=LATIN1"}, {}, "write --encoding"},
      {{"--encoding", "EUC_JP"},
       {},
       "the header's name \"schl\\xfcssel\" is not in EUC_JP (see --encoding)"},
  };
  for (const auto& c : cases) {
    std::vector<std::string> all{"load", file, "-t", "größe"};
    if (c.flags.empty() || c.flags.front() != "-d") all.insert(all.end(), {"-d", url()});
    all.insert(all.end(), c.flags.begin(), c.flags.end());
    const Finished finished = pgsluice(all, {.environment = c.environment});
    EXPECT_EQ(2, finished.exit_code) << c.says << finished.err;
    EXPECT_THAT(finished.err, HasSubstr(c.says));
  }
  EXPECT_EQ("", table());
}

/// A server converts between its own encoding and some others only: what it does not is converted
/// here, and a database that cannot be spoken with in UTF-8 is named as the cause.
TEST_F(Encodings, OfADatabaseNeedNotBeOneThatTheServerConvertsTo) {
  const std::string file = folder_.write("a.csv", "id,name\n1,cafe\n");
  for (const char* of_database :
       {"EUC_JP", "EUC_KR", "KOI8R", "WIN1252", "SQL_ASCII", "MULE_INTERNAL"}) {
    SCOPED_TRACE(of_database);
    db().run("drop database if exists other");
    db().run(std::string("create database other template template0 lc_collate 'C' lc_ctype 'C' "
                         "encoding '") +
             of_database + "'");
    const std::string other = url_of_database(url(), "other");
    Session(other).run("create table t (id int, name text)");
    const bool has_utf8 = std::string(of_database) != "MULE_INTERNAL";
    for (const char* of_file :
         {"", "auto", "UTF8", "latin1", "cp1252", "EUC_JP", "KOI8R", "BIG5", "cp437"}) {
      SCOPED_TRACE(of_file);
      std::vector<std::string> all{"load", file,      "-t",          "t", "-d",
                                   other,  "--again", "--retry-for", "1s"};
      if (*of_file != '\0') all.insert(all.end(), {"--encoding", of_file});
      const Finished finished = pgsluice(all);
      EXPECT_EQ(has_utf8 ? 0 : 2, finished.exit_code) << finished.err;
      if (!has_utf8) {
        EXPECT_THAT(finished.err, HasSubstr("has no such conversion"));
      }
    }
  }
  db().run("drop database other");
}

TEST_F(Encodings, AreThatOfTheEnvironmentToo) {
  const std::string file = folder_.write("a.csv", "schl\xfcssel,na\xefve\n1,\xe9\n");
  const Finished finished = pgsluice({"load", file, "-t", "größe", "-d", url()},
                                     {.environment = {"PGCLIENTENCODING=LATIN1"}});
  EXPECT_EQ(0, finished.exit_code) << finished.err;
  EXPECT_EQ("1|é", table());
}

TEST_F(Encodings, OfAFileDoNotReachWhatATriggerSays) {
  db().run(
      "create function nein() returns trigger language plpgsql as $$ begin if new.\"naïve\" = 'é' "
      "then raise exception 'für % ist hier kein Platz', new.\"naïve\" using hint = 'Größer!'; end "
      "if; return new; end $$; create trigger nein before insert on \"größe\" for each row execute "
      "function nein()");
  const std::string file = folder_.write("a.csv", "schl\xfcssel,na\xefve\n1,\xe9\n2,x\n");
  for (const char* writer : {"copy", "insert"}) {
    const Finished finished = load(file, {"--encoding", "LATIN1", "--writer", writer});
    EXPECT_EQ(1, finished.exit_code);
    EXPECT_THAT(finished.err, HasSubstr("für é ist hier kein Platz"));
  }
}

}  // namespace
}  // namespace sluice::test
