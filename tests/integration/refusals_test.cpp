#include <gmock/gmock.h>

#include <sstream>

#include "support/database.hpp"
#include "support/files.hpp"
#include "support/loading.hpp"
#include "support/thorough.hpp"

namespace sluice::test {
namespace {

using load::LoadReport;
using ::testing::HasSubstr;
using ::testing::Not;

/// Whose fault it is when a row trigger raises this code at one record.
enum class Fault {
  record,  ///< a reject
  server,  ///< of the server or its other users: the load ends, and says at which lines
};

struct Raised {
  const char* state;
  Fault fault;
};

/// One of each class of the manual's appendix A, all of those with classes of several kinds, and
/// codes that are nobody's.
constexpr Raised raised[] = {
    {"01000", Fault::record}, {"02000", Fault::record}, {"03000", Fault::record},
    {"08000", Fault::record}, {"08001", Fault::record}, {"08003", Fault::record},
    {"08006", Fault::record}, {"08P01", Fault::record}, {"09000", Fault::record},
    {"0A000", Fault::record}, {"0B000", Fault::record}, {"0F000", Fault::record},
    {"0L000", Fault::record}, {"0P000", Fault::record}, {"0Z000", Fault::record},
    {"20000", Fault::record}, {"21000", Fault::record}, {"22000", Fault::record},
    {"22P02", Fault::record}, {"23000", Fault::record}, {"23502", Fault::record},
    {"23503", Fault::record}, {"23505", Fault::record}, {"23514", Fault::record},
    {"24000", Fault::record}, {"25000", Fault::record}, {"25006", Fault::record},
    {"25P02", Fault::record}, {"25P03", Fault::record}, {"26000", Fault::record},
    {"27000", Fault::record}, {"28000", Fault::record}, {"2B000", Fault::record},
    {"2D000", Fault::record}, {"2F000", Fault::record}, {"34000", Fault::record},
    {"38000", Fault::record}, {"39000", Fault::record}, {"3B000", Fault::record},
    {"3D000", Fault::record}, {"3F000", Fault::record}, {"40000", Fault::server},
    {"40001", Fault::server}, {"40002", Fault::server}, {"40003", Fault::server},
    {"40P01", Fault::server}, {"42000", Fault::record}, {"42501", Fault::record},
    {"42703", Fault::record}, {"42P01", Fault::record}, {"44000", Fault::record},
    {"53000", Fault::server}, {"53100", Fault::server}, {"53200", Fault::server},
    {"53300", Fault::server}, {"54000", Fault::record}, {"54001", Fault::record},
    {"55000", Fault::record}, {"55006", Fault::record}, {"55P03", Fault::server},
    {"57000", Fault::server}, {"57014", Fault::server}, {"57P01", Fault::server},
    {"57P02", Fault::server}, {"57P03", Fault::server}, {"57P04", Fault::server},
    {"57P05", Fault::server}, {"58000", Fault::server}, {"58030", Fault::server},
    {"72000", Fault::record}, {"F0000", Fault::record}, {"HV000", Fault::record},
    {"P0000", Fault::record}, {"P0001", Fault::record}, {"P0002", Fault::record},
    {"XX000", Fault::record}, {"XX001", Fault::server}, {"XX002", Fault::server},
    {"U0001", Fault::record}, {"XY123", Fault::record},
};

enum class Road { copy, insert, upsert, atomic };
constexpr Road roads[] = {Road::copy, Road::insert, Road::upsert, Road::atomic};
constexpr Road direct_roads[] = {Road::copy, Road::insert, Road::upsert};

std::string road_name(Road road) {
  switch (road) {
    case Road::copy: return "copy";
    case Road::insert: return "insert";
    case Road::upsert: return "upsert";
    case Road::atomic: return "atomic";
  }
  return "";
}

class RefusalsTest : public DatabaseTest {
 protected:
  RefusalsTest() {
    db().run("create table t (id int primary key, v text)");
    options_.table = "t";
    options_.jobs = 1;
    options_.retry_for = std::chrono::milliseconds(0);
  }

  /// Ids from 1, the header in line 1: id n stands in line n + 1.
  std::string csv(int records) const {
    std::string text = "id,v\n";
    for (int i = 1; i <= records; ++i) text += std::to_string(i) + ",v\n";
    return folder_.write("in.csv", text);
  }

  void take(Road road) {
    options_.writer = road == Road::insert ? plan::WriterChoice::insert
                      : road == Road::copy ? plan::WriterChoice::copy
                                           : plan::WriterChoice::automatic;
    options_.on_conflict =
        road == Road::upsert ? writer::OnConflict::update : writer::OnConflict::error;
    options_.atomic = road == Road::atomic;
  }

  /// A trigger that raises this, by a part of RAISE ... USING, where `when` is true.
  void trigger(const std::string& raises, const std::string& when,
               const std::string& kind = "trigger x before insert on t for each row") {
    db().run(
        "drop trigger if exists x on t; create or replace function f() returns trigger "
        "language plpgsql as $$ begin if " +
        when + " then raise exception 'not this one' using " + raises +
        "; end if; return new; end $$; create " + kind + " execute function f()");
  }

  Loaded load() {
    db().run(
        "delete from t; do $$ begin if to_regclass('pgsluice.loads') is not null then delete from "
        "pgsluice.chunks; delete from pgsluice.loads; end if; end $$");
    const TemporaryFolder rejects;
    options_.rejects_path = rejects / "r.csv";
    const Loaded loaded = run_load(url(), options_);
    reasons_ = loaded.report.rows_rejected == 0 ? "" : read_file(rejects / "r.jsonl");
    return loaded;
  }

  std::int64_t rows() { return db().number("select count(*) from t"); }

  TemporaryFolder folder_;
  plan::LoadOptions options_;
  std::string reasons_;
};

/// What every code of a row trigger means, on every road, with and without a budget, in chunks of
/// one record and in one chunk.
TEST_F(RefusalsTest, EveryCodeThatATriggerRaisesAtOneRecord) {
  options_.path = csv(9);
  Sample sample(5);
  for (const Raised& c : raised) {
    trigger("errcode = '" + std::string(c.state) + "'", "new.id = 5");
    for (const Road road : roads) {
      for (const std::uint64_t budget : {0, 5}) {
        for (const std::size_t chunk_bytes : {std::size_t{4}, limits::MiB}) {
          if (!sample.takes()) continue;
          SCOPED_TRACE(std::string(c.state) + " " + road_name(road) + ", budget " +
                       std::to_string(budget) + ", chunks of " + std::to_string(chunk_bytes));
          take(road);
          options_.chunk_bytes = chunk_bytes;
          options_.rejects.rejects_max = budget;
          const Loaded loaded = load();
          EXPECT_EQ(c.state, loaded.ok() ? c.state : loaded.sql_state) << loaded.message;
          if (road == Road::atomic && (budget == 0 || c.fault == Fault::server)) {
            EXPECT_THAT(loaded.message, HasSubstr("not this one"));
            EXPECT_EQ(0, rows());
          } else if (c.fault == Fault::server) {
            EXPECT_FALSE(loaded.bad_record);
            EXPECT_THAT(loaded.message, HasSubstr("not this one"));
            EXPECT_THAT(loaded.message, HasSubstr(chunk_bytes == 4 ? "in.csv: lines 6 to 6"
                                                                   : "in.csv: lines 2 to 10"));
            EXPECT_EQ(chunk_bytes == 4 ? 4 : 0, rows());
          } else if (budget == 0) {
            ASSERT_TRUE(loaded.bad_record) << loaded.message;
            EXPECT_EQ(6U, loaded.bad_record->reject().position.line);
            EXPECT_EQ(chunk_bytes == 4 ? 4 : 0, rows());
          } else {
            ASSERT_TRUE(loaded.ok()) << loaded.message;
            EXPECT_EQ(1U, loaded.report.rows_rejected);
            EXPECT_EQ(8, rows());
            EXPECT_THAT(reasons_, HasSubstr("\"line\":6,"));
            EXPECT_THAT(reasons_, HasSubstr("\"sqlstate\":\"" + std::string(c.state) + "\""));
          }
        }
      }
    }
  }
  EXPECT_TRUE(no_session_left());
}

/// What may pass is tried again, as long as --retry-for says and no longer.
TEST_F(RefusalsTest, WhatMayPassIsTriedAgainForAWhile) {
  options_.path = csv(9);
  options_.retry_for = std::chrono::milliseconds(2500);
  for (const char* state : {"40001", "53100", "55P03", "57P01"}) {
    trigger("errcode = '" + std::string(state) + "'", "new.id = 5");
    const Loaded loaded = load();
    EXPECT_EQ(state, loaded.sql_state) << loaded.message;
    EXPECT_GT(loaded.report.retries, 0U) << state;
    EXPECT_LT(loaded.report.seconds, 60) << state;
  }
}

/// A trigger can make its error look like that of a chunk's claim in the ledger, or of a load that
/// is gone: at the row, and when constraints are checked at the commit.
TEST_F(RefusalsTest, ErrorThatLooksLikeTheLedgersIsARecordsAllTheSame) {
  options_.path = csv(9);
  options_.rejects.rejects_max = 5;
  const char* const kinds[] = {
      "trigger x before insert on t for each row",
      "trigger x after insert on t for each row",
      "constraint trigger x after insert on t deferrable initially deferred for each row",
  };
  for (const char* const raises :
       {"errcode = '23505', schema = 'pgsluice', table = 'chunks', constraint = 'chunks_pkey'",
        "errcode = '23503', schema = 'pgsluice', table = 'chunks', constraint = "
        "'chunks_load_id_fkey'"}) {
    for (const char* const kind : kinds) {
      trigger(raises, "new.id = 5", kind);
      for (const Road road : direct_roads) {
        SCOPED_TRACE(road_name(road) + " " + raises + " " + kind);
        take(road);
        const Loaded loaded = load();
        ASSERT_TRUE(loaded.ok()) << loaded.message;
        EXPECT_EQ(8U, loaded.report.total.rows_stored);
        EXPECT_EQ(1U, loaded.report.rows_rejected);
        EXPECT_EQ(8, rows());
        EXPECT_THAT(reasons_, HasSubstr("\"line\":6,"));
        EXPECT_EQ("", ledger_disagreement("t"));
      }
    }
  }
}

/// What the server says to the statement, whatever rows it has: one answer, and no record is
/// blamed.
TEST_F(RefusalsTest, RefusalOfTheStatementIsNoRecords) {
  options_.path = csv(3000);
  options_.rejects.rejects_max = 5000;
  const char* const on_rows =
      "trigger x after insert on t referencing new table as n for each statement";
  struct Case {
    const char* kind;
    const char* when;
  };
  const Case cases[] = {
      {"trigger x before insert on t for each statement", "true"},
      {"trigger x after insert on t for each statement", "true"},
      {on_rows, "(select count(*) from n) > 0"},
  };
  for (const Case& c : cases) {
    for (const char* state : {"P0001", "XY123", "08006", "42P01"}) {
      trigger("errcode = '" + std::string(state) + "'", c.when, c.kind);
      for (const Road road : direct_roads) {
        SCOPED_TRACE(road_name(road) + " " + state + " " + c.kind);
        take(road);
        const Loaded loaded = load();
        EXPECT_FALSE(loaded.ok());
        EXPECT_FALSE(loaded.bad_record) << loaded.message;
        EXPECT_EQ(state, loaded.sql_state) << loaded.message;
        EXPECT_THAT(loaded.message, HasSubstr("in.csv: lines 2 to 3001: not this one"));
        EXPECT_EQ(0U, loaded.report.rows_rejected);
        EXPECT_EQ(0, rows());
        // Not one by one.
        EXPECT_LT(loaded.report.seconds, 30);
      }
    }
  }
  EXPECT_THAT(load().message, HasSubstr("Every row that was tried is refused like this"));
}

/// What a trigger behind the statement says to many rows at the file's beginning is theirs, as long
/// as others are taken.
TEST_F(RefusalsTest, ManyBadRecordsAtTheBeginningAreRejects) {
  options_.path = csv(3000);
  options_.rejects.rejects_max = 100;
  trigger("errcode = 'XY123'", "new.id <= 40", "trigger x after insert on t for each row");
  for (const Road road : direct_roads) {
    SCOPED_TRACE(road_name(road));
    take(road);
    const Loaded loaded = load();
    ASSERT_TRUE(loaded.ok()) << loaded.message;
    EXPECT_EQ(40U, loaded.report.rows_rejected);
    EXPECT_EQ(2960, rows());
  }
}

/// The rights of a table are not a record's, those that a policy gives by row are.
TEST_F(RefusalsTest, RightsOfTheTableAndOfARow) {
  options_.path = csv(9);
  options_.use_ledger = false;
  options_.rejects.rejects_max = 5;
  options_.rejects_path = folder_ / "r.csv";
  const std::string as_role = url_of_new_role("refused");
  const Loaded without_rights = run_load(as_role, options_);
  EXPECT_EQ("42501", without_rights.sql_state);
  EXPECT_FALSE(without_rights.bad_record) << without_rights.message;
  EXPECT_EQ(0U, without_rights.report.rows_rejected);
  db().run(
      "grant insert, select on t to refused; alter table t enable row level security; create "
      "policy p on t with check (id <> 5)");
  const Loaded with_policy = run_load(as_role, options_);
  ASSERT_TRUE(with_policy.ok()) << with_policy.message;
  EXPECT_EQ(1U, with_policy.report.rows_rejected);
  EXPECT_THAT(read_file(folder_ / "r.jsonl"), HasSubstr("\"sqlstate\":\"42501\""));
  EXPECT_EQ(8, rows());
  options_.rejects.rejects_max = 0;
  db().run("truncate t");
  const Loaded first = run_load(as_role, options_);
  ASSERT_TRUE(first.bad_record) << first.message;
  EXPECT_EQ(6U, first.bad_record->reject().position.line);
  db().run("drop owned by refused; drop role refused");
}

/// What the server itself says with codes of no data class: an index's row that is too long, a
/// value too deep.
TEST_F(RefusalsTest, LimitsOfTheServerAreTheRecords) {
  db().run("create index on t (v); create table j (id int, v jsonb)");
  std::string noise;
  for (unsigned i = 0, n = 1; i < 9000; ++i, n = n * 1664525 + 1013904223)
    noise += static_cast<char>('a' + (n >> 24U) % 26);
  struct Case {
    const char* table;
    std::string value;
    const char* state;
  };
  const Case cases[] = {{"t", noise, "54000"}, {"j", std::string(100'000, '['), "54001"}};
  for (const Case& c : cases) {
    for (const bool checks : {false, true}) {
      SCOPED_TRACE(c.state);
      options_.path =
          folder_.write("in.csv", "id,v\n1,0\n2," + c.value + "\n3,0\n4," + c.value + "\n");
      options_.table = c.table;
      options_.check = checks;
      options_.use_ledger = !checks;
      options_.rejects.rejects_max = 5;
      std::string lines;
      options_.on_reject = [&lines](const tuple::Reject& reject) {
        lines += std::to_string(reject.position.line) + " " + reject.sql_state + "\n";
      };
      const Loaded loaded = load();
      ASSERT_TRUE(loaded.ok()) << loaded.message;
      EXPECT_EQ(2U, loaded.report.rows_rejected);
      if (checks)
        EXPECT_EQ("3 " + std::string(c.state) + "\n5 " + c.state + "\n", lines);
      else
        EXPECT_EQ(2, db().number("select count(*) from " + std::string(c.table)));
      options_.rejects.rejects_max = 0;
      const Loaded first = load();
      ASSERT_TRUE(first.bad_record) << first.message;
      EXPECT_EQ(3U, first.bad_record->reject().position.line);
      EXPECT_EQ(c.state, first.bad_record->reject().sql_state);
      db().run("truncate j");
    }
  }
}

}  // namespace
}  // namespace sluice::test
