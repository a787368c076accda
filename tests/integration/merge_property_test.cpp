#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <numeric>
#include <random>

#include "base/identifier.hpp"
#include "integration/merge_cases.hpp"
#include "support/database.hpp"
#include "support/files.hpp"
#include "support/loading.hpp"

namespace sluice::test {
namespace {

using writer::Dedupe;
using writer::OnConflict;

/// How many tables each kind of key gets.
std::size_t rounds() {
  const char* const wanted = std::getenv("PGSLUICE_MERGE_ROUNDS");
  return wanted == nullptr ? 2 : std::stoul(wanted);
}

struct Record {
  std::string k, p, v, n, u;  ///< empty is NULL
  std::size_t number = 0;     ///< among those that a stage has taken
};

/// What the user asks for.
struct Rule {
  std::string name;
  OnConflict on_conflict;
  bool only_if_changed = false;
  bool one_column = false;  ///< updates v only
};

/// What became of the records.
struct Result {
  std::uint64_t stored = 0, updated = 0, unchanged = 0, skipped = 0, rejected = 0;
  bool failed = false;  ///< the load, and nothing is in the table
  bool operator==(const Result&) const = default;
};

void PrintTo(const Result& r, std::ostream* out) {
  *out << r.stored << " stored, " << r.updated << " updated, " << r.unchanged << " unchanged, "
       << r.skipped << " skipped, " << r.rejected << " rejected" << (r.failed ? ", failed" : "");
}

/// One table, one file, one command.
struct Case {
  const KeyKind& kind;
  const Feature& trigger;
  const Feature& constraint;
  Rule rule;
  Dedupe dedupe;
  bool partitioned = false;
  bool atomic = false;
  std::vector<Record> records;

  bool in_turn() const {
    return dedupe == (rule.on_conflict == OnConflict::update ? Dedupe::last : Dedupe::first);
  }
  bool staged() const { return atomic || !in_turn(); }
};

/// Upserts against the same by the server alone: one INSERT ... ON CONFLICT for each record, in
/// the order of the file, by a plain session. The same table and the same counts, for tables that
/// drop, change, repair and refuse records, for all kinds of keys, chunk sizes and numbers of
/// connections. Seeded: a case is drawn by its number.
class MergeProperty : public DatabaseTest, public ::testing::WithParamInterface<std::size_t> {
 protected:
  /// Deals the values of a dimension one after the other, shuffled again each time round: so all
  /// come up, in ever other company.
  static std::size_t deal(std::size_t dimension, std::size_t number, std::size_t values) {
    std::vector<std::size_t> deck(values);
    std::iota(deck.begin(), deck.end(), 0);
    std::mt19937 random(static_cast<unsigned>(dimension * 7919 + number / values));
    std::ranges::shuffle(deck, random);
    return deck[number % values];
  }

  std::size_t pick(std::size_t count) {
    return std::uniform_int_distribution<std::size_t>(0, count - 1)(random_);
  }

  Case draw(const KeyKind& kind, std::size_t number) {
    static const std::vector<Rule> rules = {{"nothing", OnConflict::nothing},
                                            {"update", OnConflict::update},
                                            {"update if changed", OnConflict::update, true},
                                            {"update one column", OnConflict::update, false, true}};
    random_.seed(static_cast<unsigned>(number));
    Case c{kind,
           // Half of the tables have none: a trigger has each record go by itself.
           triggers()[number % 2 == 0 ? 0 : deal(1, number / 2, triggers().size())],
           constraints()[deal(2, number, constraints().size())],
           rules[deal(3, number, rules.size())],
           deal(4, number, 3) == 0 ? Dedupe::first : Dedupe::last,
           false,
           false,
           {}};
    // Most files go into the table in turn.
    if (c.rule.on_conflict == OnConflict::nothing)
      c.dedupe = c.dedupe == Dedupe::first ? Dedupe::last : Dedupe::first;
    c.partitioned = deal(5, number, 2) == 1;
    c.atomic = deal(6, number, 3) == 1;
    // A failed publication tells little: fewer bad records then.
    const std::size_t badness = c.staged() ? 60 : 4;
    for (std::size_t i = 0; i < 70; ++i) {
      c.records.push_back(draw_record(c.kind, i, badness));
      // Values of the other unique index are taken, given up and taken again.
      const bool has_other = c.constraint.name.starts_with("another unique");
      if (has_other && !c.staged() && pick(2) == 0) c.records.back().u = std::to_string(pick(12));
    }
    return c;
  }

  Record draw_record(const KeyKind& kind, std::size_t number, std::size_t badness) {
    const auto& spellings = kind.keys[pick(kind.keys.size())];
    Record r;
    r.k = spellings[pick(spellings.size())];
    r.p = std::to_string(pick(4) % 3 / 2 + 2 * pick(2));
    r.v = std::string(1, "xxxxduca"[pick(8)]) + std::to_string(pick(4));
    r.n = std::to_string(pick(5));
    r.u = std::to_string(number);
    if (pick(badness) == 0) {
      switch (pick(6)) {
        case 0:
        case 1: r.n = ""; break;
        case 2: r.n = "5"; break;
        case 3: r.n = "9"; break;
        case 4: r.n = "x"; break;
        default: r.u = std::to_string(pick(5)); break;
      }
    }
    return r;
  }

  bool lacks(const KeyKind& kind) {
    if (PQserverVersion(db().raw()) < kind.version_min) return true;
    return !kind.needs.empty() && db().value(kind.needs) != "t";
  }

  void make_table(const Case& c) {
    db().run("drop table if exists t, log, initial, n cascade; drop function if exists f cascade");
    const std::string columns = "k " + c.kind.type + ", p int, v text, n int, u int, w text";
    if (c.partitioned) {
      db().run("create table t (gone int, " + columns + ") partition by list (p); " +
               "alter table t drop gone; create table t0 partition of t for values in (0, 2); " +
               "create table t1 (w text, u int, n int, v text, p int, k " + c.kind.type +
               "); alter table t attach partition t1 for values in (1, 3, 4); " +
               "create table t2 partition of t default");
    } else {
      db().run("create table t (" + columns + ")");
    }
    db().run("create unique index on t (" + c.kind.indexed + ", p) " + c.kind.nulls);
    const auto add = [this, &c](const Feature& feature) {
      std::string sql = c.partitioned && !feature.for_partitions ? "" : feature.sql;
      if (c.partitioned && !feature.only_for_partitions.empty()) sql = feature.only_for_partitions;
      if (!sql.empty()) db().run(sql);
    };
    add(c.constraint);
    db().run("create table log (id int generated always as identity, entry text)");
    std::string text = c.kind.keys.front().front();
    db().run("insert into t (k, p, v, n, u) values (" + literal(text) + ", 0, 'old', 1, -1), (" +
             literal(text) + ", 1, 'x0', 1, -2)");
    db().run("create table initial as select * from t");
    add(c.trigger);
  }

  void reset_table() {
    db().run(
        "set session_replication_role = replica; truncate t, log restart identity; insert into t "
        "(k, p, v, n, u, w) select k, p, v, n, u, w from initial; set session_replication_role = "
        "default");
  }

  static std::string literal(const std::string& text) {
    return text.empty() ? "null" : quote_literal(text);
  }

  static std::string values(const Record& r) {
    return literal(r.k) + ", " + literal(r.p) + ", " + literal(r.v) + ", " + literal(r.n) + ", " +
           literal(r.u);
  }

  static std::string conflict_clause(const Case& c) {
    if (c.rule.on_conflict == OnConflict::nothing) return " on conflict (k, p) do nothing";
    std::string clause = " on conflict (k, p) do update set v = excluded.v, k = excluded.k";
    if (!c.rule.one_column) clause += ", n = excluded.n, u = excluded.u";
    if (c.rule.only_if_changed) {
      clause +=
          " where case when row(t.k, t.v, t.n, t.u)::text <> row(excluded.k, excluded.v, "
          "excluded.n, excluded.u)::text then true else set_config('test.equal', 'yes', true) is "
          "null end";
    }
    return clause;
  }

  /// Statements in one transaction: the last one's row; nothing where one is refused.
  std::optional<std::vector<std::string>> attempt(const std::string& sql) {
    PGresult* const result = PQexec(db().raw(), sql.c_str());
    std::optional<std::vector<std::string>> row;
    const ExecStatusType status = PQresultStatus(result);
    if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK) row.emplace();
    for (int i = 0; row && PQntuples(result) > 0 && i < PQnfields(result); ++i)
      row->emplace_back(PQgetvalue(result, 0, i));
    PQclear(result);
    return row;
  }

  /// The records, one after the other, each by itself.
  Result one_by_one(const Case& c, const std::vector<Record>& records,
                    std::vector<Record>* refused = nullptr) {
    Result result;
    for (const Record& r : records) {
      const std::int64_t before = db().number("select count(*) from t");
      const auto row = attempt(
          "select set_config('test.equal', 'no', true); with i as (insert into t (k, p, v, "
          "n, u) values (" +
          values(r) + ")" + conflict_clause(c) +
          " returning 1) select count(*), current_setting('test.equal') from i");
      if (!row) {
        ++result.rejected;
        if (refused != nullptr) refused->push_back(r);
      } else if (row->at(0) == "0") {
        ++(row->at(1) == "yes" ? result.unchanged : result.skipped);
      } else {
        ++(db().number("select count(*) from t") > before ? result.stored : result.updated);
      }
    }
    return result;
  }

  /// Those that a staging table takes: values, and constraints unless a trigger may mend a record.
  std::vector<Record> staged(const Case& c, Result& result) {
    const bool is_judged =
        db().value(
            "select exists (select from pg_trigger where not tgisinternal and tgtype & 7 = "
            "7 and tgrelid in ('t'::regclass, to_regclass('t1')))") == "f";
    db().run("drop table if exists stage; create table stage (like t" +
             std::string(is_judged ? " including constraints" : "") +
             "); alter table stage add r bigint, drop w" +
             (is_judged ? "" : ", alter n drop not null"));
    std::vector<Record> records;
    for (const Record& r : c.records) {
      const std::string number = std::to_string(records.size() + 1);
      if (attempt("insert into stage (r, k, p, v, n, u) values (" + number + ", " + values(r) +
                  ")")) {
        records.push_back(r);
        records.back().number = records.size();
      } else {
        ++result.rejected;
      }
    }
    return records;
  }

  /// Makes the staging table one of these.
  void stage(const std::vector<Record>& records) {
    db().run("delete from stage");
    for (std::size_t i = 0; i < records.size(); ++i) {
      db().run("insert into stage (r, k, p, v, n, u) values (" + std::to_string(i + 1) + ", " +
               values(records[i]) + ")");
    }
  }

  /// Those of them that count: the first or last of each key, as the index sees it.
  std::vector<Record> chosen(const Case& c, const std::vector<Record>& records) {
    const char* const earlier = c.dedupe == Dedupe::first ? "b.r < a.r" : "b.r > a.r";
    std::vector<Record> kept;
    for (const auto& row :
         db().rows("select a.r from stage a where not exists (select from stage b where " +
                   std::string(earlier) + " and a.p = b.p and " + c.kind.equal + ") order by r"))
      kept.push_back(records.at(std::stoul(row.at(0)) - 1));
    return kept;
  }

  Result expected(const Case& c) {
    if (!c.staged()) return one_by_one(c, c.records);
    Result judged;
    std::vector<Record> records = staged(c, judged);
    for (;;) {
      std::vector<Record> kept = c.in_turn() ? records : chosen(c, records);
      std::vector<Record> refused;
      Result result = one_by_one(c, kept, &refused);
      if (refused.empty()) {
        result.rejected = judged.rejected;
        result.skipped += records.size() - kept.size();
        return result;
      }
      // What the publication refuses is left out, and all of the rest published.
      reset_table();
      for (const Record& r : refused) {
        records.erase(std::ranges::find(records, r.number, &Record::number));
        ++judged.rejected;
      }
      stage(records);
    }
  }

  Result load(const Case& c, std::size_t chunk_bytes, std::size_t jobs) {
    std::string csv = "k,p,v,n,u\n";
    const auto quoted = [](const std::string& text) {
      if (text.empty()) return text;
      std::string field = "\"";
      for (const char byte : text) field += byte == '"' ? "\"\"" : std::string(1, byte);
      return field + "\"";
    };
    for (const Record& r : c.records) {
      csv += quoted(r.k) + "," + quoted(r.p) + "," + quoted(r.v) + "," + quoted(r.n) + "," +
             quoted(r.u) + "\n";
    }
    plan::LoadOptions options;
    options.path = folder_.write("in.csv", csv);
    options.table = "t";
    options.on_conflict = c.rule.on_conflict;
    options.dedupe = c.dedupe;
    options.key = {"k", "p"};
    options.update_if_changed = c.rule.only_if_changed;
    if (c.rule.one_column) options.update_columns = {"v"};
    options.atomic = c.atomic;
    options.again = true;
    options.chunk_bytes = chunk_bytes;
    options.jobs = jobs;
    options.rejects.rejects_max = 1000;
    const Loaded loaded = run_load(url(), options);
    Result result;
    result.failed = !loaded.ok();
    message_ = loaded.message;
    EXPECT_EQ(0U, loaded.report.retries);
    if (result.failed) return result;
    const load::LoadReport& r = loaded.report;
    return {r.total.rows_stored, r.total.rows_updated, r.total.rows_unchanged, r.total.rows_skipped,
            r.rows_rejected};
  }

  std::string table() {
    return db().value(
               "select string_agg(t.r, chr(10) order by t.r collate \"C\") from (select row(k, p, "
               "v, "
               "n, u, w)::text as r from t) t") +
           "\nlog: " + db().value("select string_agg(entry, ' ' order by id) from log");
  }

  void compare(const Case& c, std::size_t number) {
    make_table(c);
    reset_table();
    const Result wanted = expected(c);
    const std::string wanted_table = table();
    for (std::size_t i = 0; i < 2; ++i) {
      // Some chunks and one; chunks of one record are slow, and come now and then.
      std::size_t chunk_bytes = 1UL << 20;
      if (i == 0) chunk_bytes = deal(7, number, 2) == 0 ? 150 : 700;
      if (number % 16 == 0 && i == 0) chunk_bytes = 1;
      const std::size_t jobs = (number + i) % 2 == 0 ? 1 : 3;
      SCOPED_TRACE("case " + std::to_string(number) + ": " + c.kind.name + ", " + c.trigger.name +
                   ", " + c.constraint.name + ", " + c.rule.name + ", " +
                   (c.dedupe == Dedupe::first ? "first" : "last") +
                   (c.partitioned ? ", partitioned" : "") + (c.atomic ? ", atomic" : "") +
                   ", chunks of " + std::to_string(chunk_bytes) + ", " + std::to_string(jobs) +
                   " jobs");
      reset_table();
      const Result result = load(c, chunk_bytes, jobs);
      EXPECT_EQ(wanted, result) << message_;
      EXPECT_EQ(wanted_table, table());
    }
  }

  std::mt19937 random_;
  TemporaryFolder folder_;
  std::string message_;  ///< of the load that failed
};

TEST_P(MergeProperty, IsWhatOneInsertForEachRecordDoes) {
  const KeyKind* kind = &key_kinds()[GetParam()];
  if (lacks(*kind)) {
    // Without ICU, or an older server: an operator class of text stands for what is not to be had.
    GTEST_LOG_(INFO) << "no " << kind->name << " here";
    kind = &*std::ranges::find(key_kinds(), "own_class_of_text", &KeyKind::name);
  }
  db().run("set synchronous_commit = off");
  if (!kind->setup.empty()) db().run(kind->setup);
  for (std::size_t round = 0; round < rounds() && !HasFailure(); ++round) {
    const std::size_t number = GetParam() * rounds() + round;
    compare(draw(*kind, number), number);
  }
  EXPECT_TRUE(no_session_left());
}

INSTANTIATE_TEST_SUITE_P(Keys, MergeProperty, ::testing::Range(std::size_t{0}, key_kinds().size()),
                         [](const auto& drawn) { return key_kinds()[drawn.param].name; });

}  // namespace
}  // namespace sluice::test
