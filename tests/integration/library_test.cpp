#include "pgsluice/load.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <filesystem>
#include <thread>

#include "support/database.hpp"
#include "support/files.hpp"

namespace sluice::test {
namespace {

using pgsluice::Error;
using ::testing::HasSubstr;

/// What a program of one's own does with pgsluice/load.hpp.
class Library : public DatabaseTest {
 protected:
  Library() { db().run("create table t (id int primary key, name text)"); }

  pgsluice::LoadOptions into(const std::string& table) {
    return {.connection = url(), .table = table, .connections = 2};
  }

  std::string file(const std::string& text) { return folder_.write("rows.csv", text); }

  /// Records of these numbers, a few bytes at a time.
  static pgsluice::Stream numbers(int count, std::function<void(int)> at = {}) {
    auto text = std::make_shared<std::string>("id,name\n");
    auto next = std::make_shared<int>(1);
    const auto read = [=](char* into, std::size_t size) -> std::size_t {
      if (text->empty() && *next <= count) {
        if (at) at(*next);
        *text = std::to_string(*next) + ",x\n";
        ++*next;
      }
      const std::size_t got = std::min(size, text->size());
      std::memcpy(into, text->data(), got);
      text->erase(0, got);
      return got;
    };
    return {.read = read, .name = "numbers"};
  }

  /// How a load fails, which has to.
  static std::optional<Error> failure_of(pgsluice::Load&& load) {
    try {
      load.run();
    } catch (const Error& error) {
      return error;
    }
    ADD_FAILURE() << "it did not fail";
    return std::nullopt;
  }

  std::int64_t rows() { return db().number("select count(*) from t"); }

  TemporaryFolder folder_;
};

TEST_F(Library, LoadsAFileOnce) {
  const std::string path = file("id,name\n1,one\n2,two\n");
  const pgsluice::Report first = pgsluice::Load(into("t"), path).run();
  EXPECT_EQ(2U, first.rows_stored);
  EXPECT_EQ(2U, first.records_read);
  EXPECT_TRUE(first.load.has_value());
  EXPECT_FALSE(first.nothing_to_do);
  const pgsluice::Report second = pgsluice::Load(into("t"), path).run();
  EXPECT_TRUE(second.nothing_to_do);
  EXPECT_EQ(first.load, second.load);
  EXPECT_EQ(2, rows());
}

TEST_F(Library, LoadsAStreamAndTellsHowFarItIs) {
  pgsluice::Load load(into("t"), numbers(1000, [](int number) {
                        if (number == 500)
                          std::this_thread::sleep_for(std::chrono::milliseconds(50));
                      }));
  std::vector<pgsluice::Progress> told;
  const auto here = std::this_thread::get_id();
  load.on_progress(
      [&](const pgsluice::Progress& progress) {
        EXPECT_EQ(here, std::this_thread::get_id());
        told.push_back(progress);
      },
      std::chrono::milliseconds(5));
  EXPECT_EQ(1000U, load.run().rows_stored);
  ASSERT_GT(told.size(), 1U);
  EXPECT_EQ(1000U, told.back().rows_stored);
  EXPECT_GT(told.back().bytes_done, 4000U);
  EXPECT_EQ(1000, rows());
}

TEST_F(Library, ABadRecordIsAnErrorThatNamesItsPlace) {
  const auto error = failure_of({into("t"), file("id,name\n1,one\nx,two\n")});
  ASSERT_TRUE(error);
  EXPECT_EQ(Error::Kind::bad_record, error->kind());
  EXPECT_EQ("22P02", error->sql_state());
  EXPECT_THAT(error->what(), HasSubstr("rows.csv:3: column \"id\""));
  EXPECT_EQ(0, rows());
}

TEST_F(Library, KeepsRejects) {
  pgsluice::LoadOptions options = into("t");
  options.rejects_max = 1;
  options.rejects_path = folder_ / "bad.csv";
  const auto report = pgsluice::Load(options, file("id,name\n1,one\nx,two\n")).run();
  EXPECT_EQ(1U, report.rows_rejected);
  EXPECT_EQ(1U, report.rows_stored);
  EXPECT_EQ(options.rejects_path, report.rejects_path);
  EXPECT_TRUE(std::filesystem::exists(report.rejects_path));
}

TEST_F(Library, UpsertsAndReadsOtherDialects) {
  db().run("insert into t values (1, 'old')");
  pgsluice::LoadOptions options = into("t");
  options.on_conflict = pgsluice::LoadOptions::OnConflict::update;
  options.header = pgsluice::LoadOptions::Header::none;
  options.columns = {"id", "name"};
  options.delimiter = ';';
  options.null_text = "-";
  options.encoding = "latin1";
  const auto report = pgsluice::Load(options, file("1;n\xe9w\n2;-\n")).run();
  EXPECT_EQ(1U, report.rows_updated);
  EXPECT_EQ(1U, report.rows_stored);
  EXPECT_EQ("n\xc3\xa9w", db().value("select name from t where id = 1"));
  EXPECT_EQ(1, db().number("select count(*) from t where name is null"));
}

TEST_F(Library, SaysWhatIsWrongWithOptions) {
  EXPECT_EQ(Error::Kind::usage, failure_of({into(""), "x.csv"})->kind());
  EXPECT_EQ("42P01", failure_of({into("nowhere"), file("id\n1\n")})->sql_state());
  EXPECT_EQ(Error::Kind::usage, failure_of({into("t"), "/nowhere/x.csv"})->kind());
  pgsluice::LoadOptions odd = into("t");
  odd.encoding = "latin0";
  EXPECT_THAT(failure_of({odd, file("id\n1\n")})->what(), HasSubstr("latin0"));
  odd = into("t");
  odd.delimiter = '"';
  EXPECT_EQ(Error::Kind::usage, failure_of({odd, file("id\n1\n")})->kind());
  pgsluice::LoadOptions far = into("t");
  far.connection = "host=/nowhere dbname=x";
  EXPECT_EQ(Error::Kind::connect, failure_of({far, file("id\n1\n")})->kind());
}

TEST_F(Library, IsNotMisused) {
  pgsluice::Load load(into("t"), numbers(5));
  EXPECT_EQ(5U, load.run().rows_stored);
  EXPECT_EQ(Error::Kind::usage, failure_of(std::move(load))->kind());
  EXPECT_THROW(pgsluice::Load(into("t"), pgsluice::Stream()), Error);
  pgsluice::Stream odd = numbers(3);
  odd.name = std::string("a\0b", 3);
  EXPECT_THROW(pgsluice::Load(into("t"), odd), Error);
  odd.name = "a\xff\nb";
  pgsluice::LoadOptions again = into("t");
  again.on_conflict = pgsluice::LoadOptions::OnConflict::nothing;
  EXPECT_EQ(3U, pgsluice::Load(again, odd).run().rows_skipped);
  pgsluice::Load stopped(into("t"), numbers(5));
  stopped.stop();
  EXPECT_EQ(Error::Kind::interrupted, failure_of(std::move(stopped))->kind());
}

TEST_F(Library, IsNotMisusedInOtherWays) {
  pgsluice::Load first(into("t"), numbers(5));
  pgsluice::Load second(std::move(first));
  EXPECT_THROW(first.run(), Error);  // NOLINT(bugprone-use-after-move)
  EXPECT_THROW(first.stop(), Error);
  EXPECT_EQ(5U, second.run().rows_stored);
  pgsluice::LoadOptions many = into("t");
  many.connections = 1'000'000;
  EXPECT_EQ(Error::Kind::usage, failure_of({many, numbers(5)})->kind());
  pgsluice::LoadOptions cut = into("t");
  cut.connection += std::string("\0 password=x", 12);
  EXPECT_EQ(Error::Kind::usage, failure_of({cut, numbers(5)})->kind());
  pgsluice::Stream failing = numbers(3);
  failing.read = [](char*, std::size_t) { return static_cast<std::size_t>(-1); };
  EXPECT_EQ(Error::Kind::usage, failure_of({into("t"), failing})->kind());
  EXPECT_EQ(5, rows());
}

TEST_F(Library, WhatAStreamThrowsIsThrown) {
  const auto fail = [](int number) {
    if (number == 10) throw std::range_error("the sensor is gone");
  };
  pgsluice::Load load(into("t"), numbers(20, fail));
  EXPECT_THROW(load.run(), std::range_error);
  EXPECT_EQ(0, rows());
  EXPECT_EQ(20U, pgsluice::Load(into("t"), numbers(20)).run().rows_stored);
}

TEST_F(Library, IsStoppedFromAnotherThreadAndGoesOn) {
  for (const bool at_once : {false, true}) {
    SCOPED_TRACE(at_once);
    std::atomic<pgsluice::Load*> running = nullptr;
    std::thread other;
    pgsluice::Load load(
        into("t"), numbers(3'000'000, [&](int number) {
          // Some chunks are on their way or stored.
          if (number != 1'000'000) return;
          other = std::thread([&] { at_once ? running.load()->cancel() : running.load()->stop(); });
          other.join();
        }));
    running = &load;
    const auto error = failure_of(std::move(load));
    ASSERT_TRUE(error);
    EXPECT_EQ(Error::Kind::interrupted, error->kind()) << error->what();
    EXPECT_LT(rows(), 3'000'000);
  }
  const auto report = pgsluice::Load(into("t"), numbers(3'000'000)).run();
  EXPECT_EQ(3'000'000U, report.rows_stored);
  EXPECT_EQ(3'000'000, rows());
}

TEST_F(Library, SeveralRunSideBySide) {
  db().run("create table u (id int, name text)");
  const auto load_into = [this](const std::string& table) {
    return pgsluice::Load(into(table), numbers(1000)).run().rows_stored;
  };
  std::uint64_t other = 0;
  std::thread beside([&] { other = load_into("u"); });
  EXPECT_EQ(1000U, load_into("t"));
  beside.join();
  EXPECT_EQ(1000U, other);
}

TEST(LibraryVersion, IsThatOfTheProgram) { EXPECT_EQ(pgsluice::version().substr(0, 2), "1."); }

}  // namespace
}  // namespace sluice::test
