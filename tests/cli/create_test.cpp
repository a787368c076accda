#include <gmock/gmock.h>

#include <csignal>
#include <nlohmann/json.hpp>

#include "support/database.hpp"
#include "support/files.hpp"
#include "support/process.hpp"

namespace sluice::test {
namespace {

using nlohmann::json;
using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::Not;

class Create : public DatabaseTest {
 protected:
  Finished load(std::vector<std::string> more, const std::string& table = "t") {
    std::vector<std::string> all{"load", "-t", table, "-d", url(), "--create"};
    all.insert(all.end(), more.begin(), more.end());
    return pgsluice(all);
  }
  Finished load_file(const std::string& csv, std::vector<std::string> more = {}) {
    folder_.write("f.csv", csv);
    more.insert(more.begin(), folder_ / "f.csv");
    return load(more);
  }
  /// "id integer not null, name text"
  std::string columns(const std::string& table = "t") {
    return db().value(
        "select coalesce(string_agg(attname || ' ' || format_type(atttypid, atttypmod) || case "
        "when attnotnull then ' not null' else '' end, ', ' order by attnum), 'no table') from "
        "pg_attribute where attrelid = to_regclass('" +
        table + "') and attnum > 0 and not attisdropped");
  }
  /// "1|a 2|b"
  std::string rows(const std::string& table = "t") {
    return db().value(
        "select coalesce(string_agg(trim(row_of_t::text, '()'), ' ' order by row_of_t::text), "
        "'none') from " +
        table + " row_of_t");
  }

  TemporaryFolder folder_;
};

TEST_F(Create, MakesTheTableThatTheFileNeeds) {
  const Finished loaded =
      load_file("id,name,v,at,big\n1,a,2.5,2025-01-31 10:00,9999999999\n2,b,,2025-02-01 11:00,7\n");
  EXPECT_EQ(0, loaded.exit_code) << loaded.err;
  EXPECT_EQ(
      "id integer not null, name text not null, v numeric, at timestamp without time zone not "
      "null, big bigint not null",
      columns());
  EXPECT_EQ("1,a,2.5,\"2025-01-31 10:00:00\",9999999999 2,b,,\"2025-02-01 11:00:00\",7", rows());
  EXPECT_EQ("1", db().value("select runs from pgsluice.loads"));
  EXPECT_EQ("", ledger_disagreement("t"));
}

/// As a job of cron does it.
TEST_F(Create, HasNothingToDoTheSecondTime) {
  const std::string csv = "id,name\n1,a\n2,b\n";
  ASSERT_EQ(0, load_file(csv).exit_code);
  const Finished again = load_file(csv);
  EXPECT_EQ(0, again.exit_code) << again.err;
  EXPECT_THAT(again.out, HasSubstr("nothing to do"));
  EXPECT_EQ("1,a 2,b", rows());
}

TEST_F(Create, TakesNoTableForItsOwnThatIsNot) {
  db().run("create table t (id int, name text)");
  const Finished refused = load_file("id,name\n1,a\n");
  EXPECT_EQ(2, refused.exit_code);
  EXPECT_THAT(refused.err, HasSubstr("public.t is there already"));
  EXPECT_EQ("none", rows());
  db().run("drop table t");
  ASSERT_EQ(0, load_file("id,name\n1,a\n").exit_code);
  // Its own, but of another content.
  const Finished other = load_file("id,name\n3,c\n");
  EXPECT_EQ(2, other.exit_code) << other.err;
  EXPECT_THAT(other.err, HasSubstr("load 1 made it, of another content"));
  EXPECT_EQ("1,a", rows());
  // One that somebody has made in its place.
  db().run("drop table t; create table t (id int, name text)");
  EXPECT_EQ(2, load_file("id,name\n1,a\n").exit_code);
  EXPECT_EQ("none", rows());
}

TEST_F(Create, MakesATableAnewThatWasDropped) {
  ASSERT_EQ(0, load_file("id,name\n1,a\n").exit_code);
  db().run("drop table t");
  const Finished again = load_file("id,name\n1,a\n");
  EXPECT_EQ(0, again.exit_code) << again.err;
  EXPECT_EQ("1,a", rows());
}

TEST_F(Create, GoesOnWithTheTableOfARunThatWasKilled) {
  std::string csv = "id;day;amount\n";
  for (int i = 0; i < 20'000; ++i)
    csv += std::to_string(i) + ";" + std::to_string(13 + i % 9) + ".01.2025;1,5\n";
  folder_.write("f.csv", csv);
  const std::vector<std::string> command{"load", folder_ / "f.csv", "-t",        "t",   "-d",
                                         url(),  "--create",        "--dialect", "auto"};
  std::vector<std::string> slow = command;
  slow.insert(slow.end(), {"--chunk-size", "4KiB", "--max-rate", "1000rows/s", "--jobs", "1"});
  {
    Process process(slow);
    wait_for_chunks(2);
    process.signal(SIGKILL);
    EXPECT_EQ(137, process.wait().exit_code);
  }
  ASSERT_TRUE(no_session_left());
  const Finished resumed = pgsluice(command);
  EXPECT_EQ(0, resumed.exit_code) << resumed.err;
  EXPECT_THAT(resumed.err, HasSubstr("resuming load 1"));
  EXPECT_EQ("id integer not null, day date not null, amount numeric not null", columns());
  EXPECT_EQ("20000 30000.0", db().value("select count(distinct id) || ' ' || sum(amount) from t"));
  EXPECT_EQ("", ledger_disagreement("t"));
  EXPECT_THAT(pgsluice(command).out, HasSubstr("nothing to do"));
}

/// The table and its load are entered together: whenever the run ends, the next one goes on.
TEST_F(Create, HasALoadFromTheBeginning) {
  std::string csv = "id\n";
  for (int i = 0; i < 5'000; ++i) csv += std::to_string(i) + "\n";
  folder_.write("f.csv", csv);
  const std::vector<std::string> command{"load", folder_ / "f.csv", "-t", "t", "-d",
                                         url(),  "--create"};
  for (int round = 0; round < 5; ++round) {
    {
      Process process(command);
      ASSERT_TRUE(comes_true("select to_regclass('t') is not null"));
      process.signal(SIGKILL);
      process.wait();
    }
    EXPECT_EQ("1", db().value("select count(*) from pgsluice.loads where target_oid = "
                              "'t'::regclass and state <> 'void'"));
    ASSERT_TRUE(no_session_left());
    const Finished resumed = pgsluice(command);
    EXPECT_EQ(0, resumed.exit_code) << resumed.err;
    EXPECT_EQ("5000", db().value("select count(*) from t"));
    db().run("drop table t");
  }
}

TEST_F(Create, FitsAllFilesOfACommand) {
  folder_.write("a.csv", "id,name\n1,a\n2,b\n");
  folder_.write("b.csv", "NAME,v,id\nc,1.5,9999999999\n");
  folder_.write("c.csv", "id,name\n4,\n");
  const std::vector<std::string> files{folder_ / "a.csv", folder_ / "b.csv", folder_ / "c.csv"};
  const Finished loaded = load(files);
  EXPECT_EQ(0, loaded.exit_code) << loaded.err;
  EXPECT_EQ("id bigint not null, name text, v numeric", columns());
  EXPECT_EQ("1,a, 2,b, 4,, 9999999999,c,1.5", rows());
  const Finished again = load(files);
  EXPECT_EQ(0, again.exit_code) << again.err;
  EXPECT_EQ("4", db().value("select count(*) from t"));
}

/// A run that has made the table and not loaded all of them: its other files are new to the ledger,
/// and still the table is for them.
TEST_F(Create, GoesOnWithTheOtherFiles) {
  folder_.write("a.csv", "id,v\n1,2\n");
  folder_.write("b.csv", "id,v\n2,3\n");
  const std::vector<std::string> files{folder_ / "a.csv", folder_ / "b.csv"};
  ASSERT_EQ(0, load(files).exit_code);
  db().run("delete from pgsluice.loads where source like '%b.csv'; delete from t where id = 2");
  const Finished resumed = load(files);
  EXPECT_EQ(0, resumed.exit_code) << resumed.err;
  EXPECT_EQ("1,2 2,3", rows());
  folder_.write("c.csv", "id,v\n3,4\n");
  const Finished more = load({folder_ / "a.csv", folder_ / "c.csv"});
  EXPECT_EQ(2, more.exit_code) << more.err;
  EXPECT_EQ("1,2 2,3", rows());
}

TEST_F(Create, ManyFilesGoSideBySide) {
  std::vector<std::string> files;
  for (int i = 0; i < 60; ++i) {
    const std::string name = "f" + std::to_string(i) + ".csv";
    folder_.write(name, "Unit Price,id\n" + std::to_string(i) + "," + std::to_string(i) + "\n");
    files.push_back(folder_ / name);
  }
  files.insert(files.end(), {"--names", "snake"});
  const Finished loaded = load(files);
  EXPECT_EQ(0, loaded.exit_code) << loaded.err;
  EXPECT_EQ("unit_price integer not null, id integer not null", columns());
  EXPECT_EQ("60", db().value("select count(*) from t where id = unit_price"));
  EXPECT_EQ(0, load(files).exit_code);
  EXPECT_EQ("60", db().value("select count(*) from t"));
}

TEST_F(Create, HasThePrimaryKeyThatIsAskedFor) {
  const Finished loaded = load_file("id,part,v\n1,a,2\n1,b,3\n", {"--primary-key", "id,part"});
  EXPECT_EQ(0, loaded.exit_code) << loaded.err;
  EXPECT_EQ("PRIMARY KEY (id, part)",
            db().value("select pg_get_constraintdef(oid) from pg_constraint where conrelid = "
                       "'t'::regclass and contype = 'p'"));
  // The same file, but another table than is there.
  const Finished other = load_file("id,part,v\n1,a,2\n1,b,3\n", {"--primary-key", "v"});
  EXPECT_EQ(2, other.exit_code);
  EXPECT_THAT(other.err, HasSubstr("load 1 made it with --primary-key id,part"));
}

TEST_F(Create, RefusesAKeyThatTheRowsHaveNot) {
  const Finished doubled = load_file("id,v\n1,2\n2,3\n1,4\n", {"--primary-key", "id"});
  EXPECT_EQ(1, doubled.exit_code);
  EXPECT_THAT(doubled.err, HasSubstr("f.csv:4"));
  EXPECT_THAT(doubled.err, HasSubstr("duplicate key value violates unique constraint"));
  db().run("drop table t");
  const Finished missing = load_file("id,v\n1,2\n,3\n", {"--primary-key", "id"});
  EXPECT_EQ(2, missing.exit_code);
  EXPECT_THAT(missing.err, HasSubstr("--primary-key id: 1 of 2 records have no value of it"));
  const Finished unknown = load_file("id,v\n1,2\n,3\n", {"--primary-key", "nix"});
  EXPECT_EQ(2, unknown.exit_code);
  EXPECT_THAT(unknown.err, HasSubstr("there is no such column\n  table: id, v"));
  EXPECT_EQ("no table", columns());
}

TEST_F(Create, UpsertsByTheKey) {
  EXPECT_EQ(2, load_file("id,v\n1,2\n1,3\n", {"--on-conflict", "update"}).exit_code);
  const Finished loaded =
      load_file("id,v\n1,2\n1,3\n", {"--on-conflict", "update", "--primary-key", "id"});
  EXPECT_EQ(0, loaded.exit_code) << loaded.err;
  EXPECT_EQ("1,3", rows());
}

struct Names {
  std::string header;
  std::vector<std::string> flags;
  std::string columns;
};

/// What a header can say, and a table cannot.
TEST_F(Create, NamesColumnsSafely) {
  const std::string x63(63, 'x');
  const std::vector<Names> all{
      {"Trip ID,order", {}, "Trip ID,order"},
      {"Trip ID,order", {"--names", "snake"}, "trip_id,order"},
      {"\"a\"\"b\",\"x); drop table u; --\"", {}, "a\"b,x); drop table u; --"},
      {"a,a", {}, "a,a_2"},
      {"a_2,a_2", {}, "a_2,a_2_2"},
      {",b", {}, "column1,b"},
      {x63 + "1234567," + x63 + "7654321", {}, x63 + "," + std::string(61, 'x') + "_2"},
      {"ctid,xmin", {}, "ctid_2,xmin_2"},
      {"\xc3\xa4\xc3\xb6,B", {"--names", "snake"}, "\xc3\xa4\xc3\xb6,b"},
      {"a=b,c", {}, "a=b,c"},
      {"a\x1b[2J,b", {}, "a_x1b_2j,b"},
      {"a,b", {"--map", "a=A B"}, "A B,b"},
      {"a,b", {"--header", "none"}, "column1,column2"},
      {"a,b", {"--header", "skip", "--columns", "x,y"}, "x,y"},
      {"id,ID", {}, "id,ID"},
  };
  db().run("create table u ()");
  for (const Names& names : all) {
    SCOPED_TRACE(names.header + " " + ::testing::PrintToString(names.flags));
    db().run("drop table if exists t");
    const std::string csv = names.header + "\n1,2\n3,4\n";
    const Finished loaded = load_file(csv, names.flags);
    EXPECT_EQ(0, loaded.exit_code) << loaded.err;
    EXPECT_EQ(names.columns,
              db().value("select string_agg(attname, ',' order by attnum) from pg_attribute where "
                         "attrelid = to_regclass('t') and attnum > 0"));
    EXPECT_THAT(rows(), HasSubstr("1,2 3,4"));
    const Finished again = load_file(csv, names.flags);
    EXPECT_THAT(again.out, HasSubstr("nothing to do")) << again.err;
    db().run("truncate pgsluice.loads cascade");
  }
  EXPECT_EQ("u", db().value("select to_regclass('u')"));
}

TEST_F(Create, RefusesMoreColumnsThanATableHas) {
  std::string header = "c0";
  std::string record = "0";
  for (int i = 1; i < 2'000; ++i) {
    header += ",c" + std::to_string(i);
    record += ",1";
  }
  const Finished refused = load_file(header + "\n" + record + "\n");
  EXPECT_EQ(2, refused.exit_code);
  EXPECT_THAT(refused.err, HasSubstr("tables can have at most 1600 columns"));
  EXPECT_EQ("no table", columns());
}

TEST_F(Create, LeavesColumnsOutAndAddsOthers) {
  const Finished loaded =
      load_file("id,secret,v\n1,x,2\n", {"--skip-column", "secret", "--add", "src=:file", "--add",
                                         "no=:record", "--add", "at=:now", "--add", "kind=a"});
  EXPECT_EQ(0, loaded.exit_code) << loaded.err;
  EXPECT_EQ(
      "id integer not null, v integer not null, src text, no bigint, at timestamp with time zone, "
      "kind text",
      columns());
  EXPECT_EQ("1 2 1 a", db().value("select concat_ws(' ', id, v, no, kind) from t"));
}

TEST_F(Create, TakesDatesForTextWhereThatIsSaid) {
  const Finished loaded = load_file("a,b,c,d\n2025-01-31,2025-01-31 10:00,31.12.2025,10:00\n",
                                    {"--temp-types", "text"});
  EXPECT_EQ(0, loaded.exit_code) << loaded.err;
  EXPECT_EQ("a text not null, b text not null, c text not null, d text not null", columns());
  EXPECT_EQ("2025-01-31,\"2025-01-31 10:00\",31.12.2025,10:00", rows());
}

/// What the types need to be read by is taken too, said, and kept for the next run.
TEST_F(Create, ReadsValuesAsItsTypesNeedThem) {
  const std::string csv = "Nr;Tag;Betrag;x\n1;31.12.2025;1.234,50;N/A\n2;01.02.2026;-7,00;5\n";
  const Finished loaded = load_file(csv, {"--dialect", "auto"});
  EXPECT_EQ(0, loaded.exit_code) << loaded.err;
  EXPECT_EQ("Nr integer not null, Tag date not null, Betrag numeric not null, x integer",
            columns());
  EXPECT_EQ("1,2025-12-31,1234.50, 2,2026-02-01,-7.00,5", rows());
  EXPECT_THAT(loaded.err, HasSubstr("--date-format Tag=DD.MM.YYYY"));
  EXPECT_THAT(loaded.err, HasSubstr("--decimal ,"));
  EXPECT_THAT(loaded.err, HasSubstr("--null-for x=N/A"));
  EXPECT_THAT(load_file(csv, {"--dialect", "auto"}).out, HasSubstr("nothing to do"));
}

struct Values {
  std::string csv;
  std::vector<std::string> flags;
  std::string columns;
  std::string rows;
};

/// What a flag says of values counts for the types too.
TEST_F(Create, HasTypesOfWhatTheFlagsMakeOfValues) {
  const std::vector<Values> all{
      {"a,b\n1,x\n-,y\n", {"--null", "-"}, "a integer, b text not null", ",y 1,x"},
      // An empty value is an empty text then, and none of a number.
      {"a,b\n1,x\n,-\n", {"--null", "-"}, "a text not null, b text", "\"\", 1,x"},
      {"a;b\n1.5;x\n2;y\n", {"--delimiter", ";", "--decimal", ","}, "", ""},
      {"a;b\n1,5;x\n2;y\n",
       {"--delimiter", ";", "--decimal", ","},
       "a numeric not null, b text not null",
       "1.5,x 2,y"},
      {"a,b\nY,1\nN,2\n",
       {"--booleans", "Y,N"},
       "a boolean not null, b integer not null",
       "f,2 t,1"},
      {"a,b\n20250131,1\n20250201,2\n",
       {"--date-format", "a=YYYYMMDD"},
       "a date not null, b integer not null",
       "2025-01-31,1 2025-02-01,2"},
      {"a,b\n1/2/2025,1\n2/2/2025,2\n",
       {"--date-format", "MM/DD/YYYY"},
       "a date not null, b integer not null",
       "2025-01-02,1 2025-02-02,2"},
      {"a,b\n 1 , x \n 2 ,y\n", {"--trim"}, "a integer not null, b text not null", "1,x 2,y"},
      {"a,b\n1\n2,3\n", {"--ragged", "pad"}, "a integer not null, b integer", "1, 2,3"},
      {"a,b\n007,+1\n010,2\n", {}, "a text not null, b text not null", "007,+1 010,2"},
  };
  for (const Values& values : all) {
    SCOPED_TRACE(values.csv + ::testing::PrintToString(values.flags));
    db().run("drop table if exists t");
    const Finished loaded = load_file(values.csv, values.flags);
    if (values.columns.empty()) {
      EXPECT_EQ(2, loaded.exit_code) << loaded.err;  // no column has numbers
      EXPECT_EQ("no table", columns());
      continue;
    }
    EXPECT_EQ(0, loaded.exit_code) << loaded.err;
    EXPECT_EQ(values.columns, columns());
    EXPECT_EQ(values.rows, rows());
    EXPECT_THAT(load_file(values.csv, values.flags).out, HasSubstr("nothing to do"));
  }
}

TEST_F(Create, LooksAtAShortStreamAsAtAFile) {
  folder_.write("in", "id;v\n1;2,5\n2;3,5\n");
  const Process::Options options{.input = folder_ / "in", .environment = {}};
  const std::vector<std::string> command{"load", "-",        "-t",        "t",   "-d",
                                         url(),  "--create", "--dialect", "auto"};
  const Finished loaded = pgsluice(command, options);
  EXPECT_EQ(0, loaded.exit_code) << loaded.err;
  EXPECT_EQ("id integer not null, v numeric not null", columns());
  EXPECT_EQ("1,2.5 2,3.5", rows());
  EXPECT_THAT(pgsluice(command, options).out, HasSubstr("nothing to do"));
}

/// What is behind what it keeps of it may be anything.
TEST_F(Create, TakesALongStreamForText) {
  std::string csv = "id,v\n";
  for (int i = 0; i < 200'000; ++i) csv += std::to_string(i) + ",1\n";
  csv += "200000,007\n";
  folder_.write("in", csv);
  const Process::Options options{.input = folder_ / "in", .environment = {}};
  const std::vector<std::string> command{"load", "-", "-t", "t", "-d", url(), "--create"};
  const Finished loaded = pgsluice(command, options);
  EXPECT_EQ(0, loaded.exit_code) << loaded.err;
  EXPECT_THAT(loaded.err, HasSubstr("all columns are text"));
  EXPECT_EQ("id text, v text", columns());
  EXPECT_EQ("200001 007", db().value("select count(*) || ' ' || max(v) filter (where id = "
                                     "'200000') from t"));
  EXPECT_THAT(pgsluice(command, options).out, HasSubstr("nothing to do"));
}

TEST_F(Create, ShowsInADryRunWhatItWouldMake) {
  const Finished shown = load_file("id,name\n1,a\n2,\n", {"--dry-run", "--primary-key", "id"});
  EXPECT_EQ(0, shown.exit_code) << shown.err;
  EXPECT_THAT(shown.out, HasSubstr("create table public.t ("));
  EXPECT_THAT(shown.out, HasSubstr("id integer not null,"));
  EXPECT_THAT(shown.out, HasSubstr("primary key (id)"));
  EXPECT_THAT(shown.out, HasSubstr("id -> id integer"));
  const Finished as_json = load_file("id,name\n1,a\n", {"--dry-run", "--output", "json"});
  EXPECT_THAT(json::parse(as_json.out).at("loads").at(0).at("create_table").get<std::string>(),
              HasSubstr("create table"));
  EXPECT_EQ("no table", columns());
  EXPECT_EQ("f", db().value("select to_regnamespace('pgsluice') is not null"));
}

/// What the plan refuses has made nothing.
TEST_F(Create, MakesNothingForWhatCannotBeLoaded) {
  const std::vector<std::vector<std::string>> flags{
      {"--skip-column", "nix"},
      {"--map", "nix=a"},
      {"--null-for", "nix=x"},
      {"--truncate"},
      {"--no-ledger"},
      {"--select", "id::int"},
      {"--replace", "true"},
      {"--add-columns"},
      {"--key", "id"},

      {"--date-format", "nix=YYYY"},
      {"--decimal", "x"},
      {"--skip-lines", "9"},
  };
  for (const std::vector<std::string>& more : flags) {
    const Finished refused = load_file("id,name\n1,a\n", more);
    EXPECT_EQ(2, refused.exit_code) << ::testing::PrintToString(more) << refused.err;
    EXPECT_EQ("no table", columns());
  }
  EXPECT_EQ(2, load_file("").exit_code);
  for (const char* table : {"pg_temp.t", "pgsluice.t", "nix.t", "a.b.c"}) {
    folder_.write("f.csv", "id\n1\n");
    EXPECT_NE(0, load({folder_ / "f.csv"}, table).exit_code) << table;
  }
  const Finished odd = load_file("id,name\n1,M\xfcller\n");
  EXPECT_EQ(2, odd.exit_code);
  EXPECT_THAT(odd.err, HasSubstr("say --encoding"));
  EXPECT_EQ(0, load_file("id,name\n1,M\xfcller\n", {"--encoding", "latin1"}).exit_code);
  EXPECT_EQ("1,M\xc3\xbcller", rows());
}

TEST_F(Create, NeedsItsFlagForThoseThatSayMore) {
  folder_.write("f.csv", "id\n1\n");
  db().run("create table t (id int)");
  for (const std::vector<std::string>& more : std::vector<std::vector<std::string>>{
           {"--primary-key", "id"}, {"--names", "snake"}, {"--temp-types", "text"}}) {
    std::vector<std::string> all{"load", folder_ / "f.csv", "-t", "t", "-d", url()};
    all.insert(all.end(), more.begin(), more.end());
    const Finished refused = pgsluice(all);
    EXPECT_EQ(2, refused.exit_code);
    EXPECT_THAT(refused.err, HasSubstr(more.front() + " says more about --create"));
  }
}

TEST_F(Create, IsOneTableOfSeveralRunsAtOnce) {
  std::string csv = "id\n";
  for (int i = 0; i < 20'000; ++i) csv += std::to_string(i) + "\n";
  folder_.write("f.csv", csv);
  const std::vector<std::string> command{"load", folder_ / "f.csv", "-t", "t", "-d",
                                         url(),  "--create"};
  for (int round = 0; round < 3; ++round) {
    std::vector<std::unique_ptr<Process>> processes;
    for (int i = 0; i < 4; ++i) processes.push_back(std::make_unique<Process>(command));
    for (const auto& process : processes) {
      const Finished finished = process->wait();
      EXPECT_THAT(finished.exit_code, AnyOf(0, 2, 6)) << finished.err;
    }
    EXPECT_EQ(0, pgsluice(command).exit_code);
    EXPECT_EQ("20000", db().value("select count(*) from t"));
    EXPECT_EQ("", ledger_disagreement("t"));
    db().run("drop table t");
  }
}

TEST_F(Create, IsRightInOtherPathsAndSchemas) {
  db().run("create schema s; create domain public.text as int");
  folder_.write("f.csv", "name,at\na,2025-01-01\n");
  ASSERT_EQ(0, load({folder_ / "f.csv"}, "s.\"T x\"").exit_code);
  EXPECT_EQ("name text not null, at date not null", columns("s.\"T x\""));
  const Finished loaded =
      load({folder_ / "f.csv", "--set", "search_path=s, public, pg_catalog"}, "u");
  EXPECT_EQ(0, loaded.exit_code) << loaded.err;
  EXPECT_EQ("name text not null, at date not null", columns("s.u"));
  EXPECT_THAT(load({folder_ / "f.csv", "--set", "search_path=s, public, pg_catalog"}, "u").out,
              HasSubstr("nothing to do"));
}

TEST_F(Create, SaysWhoMayNot) {
  const std::string as_role = url_of_new_role("reader");
  db().run("revoke create on schema public from public");
  folder_.write("f.csv", "id\n1\n");
  ASSERT_EQ(0, load({folder_ / "f.csv"}, "mine").exit_code);  // and the ledger is there
  db().run(
      "grant usage on schema pgsluice to reader; grant select, insert, update on all tables "
      "in schema pgsluice to reader; grant usage on all sequences in schema pgsluice to "
      "reader");
  const Finished refused =
      pgsluice({"load", folder_ / "f.csv", "-t", "t", "-d", as_role, "--create"});
  EXPECT_EQ(1, refused.exit_code) << refused.err;
  EXPECT_THAT(refused.err, HasSubstr("permission denied for schema public"));
}

TEST_F(Create, WaitsForAllRowsWithAtomic) {
  const Finished loaded = load_file("id,v\n1,2\n2,3\n", {"--atomic"});
  EXPECT_EQ(0, loaded.exit_code) << loaded.err;
  EXPECT_EQ("1,2 2,3", rows());
  db().run("drop table t");
  const Finished failed = load_file("id,v\n1,2\n1,3\n", {"--atomic", "--primary-key", "id"});
  EXPECT_EQ(1, failed.exit_code);
  EXPECT_EQ("none", rows());
}

class AddColumns : public Create {
 protected:
  Finished add(const std::string& csv, std::vector<std::string> more = {}) {
    folder_.write("f.csv", csv);
    more.insert(more.begin(), {"load", folder_ / "f.csv", "-t", "t", "-d", url(), "--add-columns"});
    return pgsluice(more);
  }
};

TEST_F(AddColumns, GivesATableWhatTheFileHasMore) {
  db().run("create table t (id int, \"Name\" text)");
  const std::string csv = "id,NAME,v,Unit Price,day\n1,a,2.5,3,31.12.2025\n";
  const Finished loaded = add(csv);
  EXPECT_EQ(0, loaded.exit_code) << loaded.err;
  EXPECT_EQ("id integer, Name text, v numeric, Unit Price integer, day text", columns());
  EXPECT_THAT(loaded.err,
              HasSubstr("added to public.t: v numeric, \"Unit Price\" integer, day text"));
  EXPECT_EQ("1,a,2.5,3,31.12.2025", rows());
  const Finished again = add(csv);
  EXPECT_THAT(again.out, HasSubstr("nothing to do")) << again.err;
  const Finished narrow = add("id,name\n7,x\n");
  EXPECT_EQ(0, narrow.exit_code) << narrow.err;
  EXPECT_THAT(narrow.err, Not(HasSubstr("added")));
}

TEST_F(AddColumns, FindsItsOwnColumnsAgain) {
  db().run("create table t (id int)");
  const std::string x63(63, 'x');
  const std::string csv = "id," + x63 + "123," + x63 + "456,Unit Price\n1,2,3,4\n";
  ASSERT_EQ(0, add(csv, {"--names", "snake"}).exit_code);
  const std::string made = columns();
  const Finished again = add(csv, {"--names", "snake"});
  EXPECT_THAT(again.out, HasSubstr("nothing to do")) << again.err;
  EXPECT_EQ(made, columns());
  EXPECT_EQ("1,2,3,4", rows());
}

TEST_F(AddColumns, OnlyShowsInADryRun) {
  db().run("create table t (id int)");
  const Finished shown = add("id,v\n1,2\n", {"--dry-run"});
  EXPECT_EQ(0, shown.exit_code) << shown.err;
  EXPECT_THAT(shown.err + shown.out, HasSubstr("would add to public.t: v integer"));
  EXPECT_EQ("id integer", columns());
}

TEST_F(AddColumns, AreTheOwnersToAdd) {
  const std::string as_role = url_of_new_role("writer");
  db().run("create table t (id int); grant insert, select on t to writer");
  folder_.write("f.csv", "id,v\n1,2\n");
  const Finished refused =
      pgsluice({"load", folder_ / "f.csv", "-t", "t", "-d", as_role, "--add-columns"});
  EXPECT_EQ(1, refused.exit_code);
  EXPECT_THAT(refused.err, HasSubstr("must be owner of table t"));
  EXPECT_THAT(refused.err, HasSubstr("alter table public.t add column v integer;"));
  const Finished nameless = add("1,2\n", {"--header", "none"});
  EXPECT_EQ(2, nameless.exit_code);
  EXPECT_THAT(nameless.err, HasSubstr("have no names"));
  EXPECT_EQ("id integer", columns());
}

}  // namespace
}  // namespace sluice::test
