#include <gmock/gmock.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "support/database.hpp"
#include "support/files.hpp"
#include "support/process.hpp"

namespace sluice::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

/// Files and streams that go on where an earlier one has ended: logs, and copies that were cut off.
class Grown : public DatabaseTest {
 protected:
  void SetUp() override { begin_anew(); }

  void begin_anew() {
    db().run(
        "drop table if exists t; drop schema if exists pgsluice cascade; create table t (id int, v "
        "text)");
    // So that the ledger is there.
    ASSERT_EQ(0, load(folder_.write("other.csv", "id,v\n-9,x\n")).exit_code);
  }
  Finished load(const std::string& file, std::vector<std::string> more = {},
                const std::string& input = {}) {
    std::vector<std::string> all{"load", file, "-t", "t", "--progress", "none", "-d", url()};
    all.insert(all.end(), more.begin(), more.end());
    return pgsluice(std::move(all), {.input = input});
  }
  /// By a pipe that another process fills.
  Finished load_fifo(const std::string& text, const std::vector<std::string>& more = {}) {
    const std::string fifo = folder_ / "fifo";
    if (!std::filesystem::exists(fifo) && ::mkfifo(fifo.c_str(), 0600) != 0)
      ADD_FAILURE() << "no fifo";
    std::thread writer([&] { std::ofstream(fifo) << text; });
    Finished finished = load(fifo, more);
    writer.join();
    return finished;
  }
  static std::string csv(int end) {
    std::string text = "id,v\n";
    for (int i = 0; i < end; ++i)
      text += std::to_string(i) + ",some text that makes this record a long one\n";
    return text;
  }
  std::int64_t rows() { return db().number("select count(*) from t where id >= 0"); }
  /// Each of the first records is there once.
  void expect_first(int count) {
    EXPECT_EQ(count, rows());
    EXPECT_EQ(count, db().number("select count(distinct id) from t where id between 0 and " +
                                 std::to_string(count - 1)));
  }

  TemporaryFolder folder_;
};

/// However many chunks that has, and whatever came as what before.
TEST_F(Grown, AllOfItIsKnownAsAFileAndAsAStream) {
  for (const int first : {50, 100'000}) {
    SCOPED_TRACE(first);
    begin_anew();
    const std::string in = folder_.write("log.csv", csv(first));
    ASSERT_EQ(0, load(in).exit_code);
    int count = first;
    for (int i = 0; i < 3; ++i) {
      count += 100;
      folder_.write("log.csv", csv(count));
      ASSERT_EQ(0, load(in, {"--grown", "append"}).exit_code);
      std::filesystem::copy(in, folder_ / "copy.csv",
                            std::filesystem::copy_options::overwrite_existing);
      EXPECT_THAT(load(in).out, HasSubstr("nothing to do"));
      EXPECT_EQ(7, load(folder_ / "copy.csv").exit_code) << "another name";
      const Finished stream = load("-", {}, in);
      EXPECT_EQ(0, stream.exit_code) << stream.err;
      EXPECT_THAT(stream.out, HasSubstr("nothing to do"));
      const Finished fifo = load_fifo(csv(count));
      EXPECT_EQ(0, fifo.exit_code) << fifo.err;
      EXPECT_THAT(fifo.out, HasSubstr("nothing to do"));
      expect_first(count);
    }
  }
}

/// A load of what is behind another one that has stopped, with or without a chunk stored.
TEST_F(Grown, AStreamGoesOnWithWhatWasAppended) {
  for (const int bad : {80'001, 85'000}) {
    SCOPED_TRACE(bad);
    begin_anew();
    const std::string in = folder_.write("log.csv", csv(80'000));
    ASSERT_EQ(0, load(in).exit_code);
    folder_.write("log.csv", csv(90'000));
    db().run("alter table t add constraint c check (id <> " + std::to_string(bad) + ")");
    const std::vector<std::string> append{"--grown", "append", "--chunk-size", "32KiB", "-j", "1"};
    ASSERT_EQ(1, load(in, append).exit_code);
    db().run("alter table t drop constraint c");
    const Finished stream = load("-", {}, in);
    EXPECT_EQ(0, stream.exit_code) << stream.err;
    EXPECT_THAT(stream.err, HasSubstr("resuming load 3"));
    expect_first(90'000);
  }
}

/// Its first chunk is longer than what is kept of a stream's beginning.
TEST_F(Grown, AStreamIsKnownWhateverTheChunksAre) {
  const std::string text = csv(120'000);
  for (const char* size : {"64KiB", "24MiB"}) {
    begin_anew();
    const std::string in = folder_.write("in.csv", text);
    ASSERT_EQ(0, load(in, {"--chunk-size", size}).exit_code);
    const Finished stream = load("-", {}, in);
    EXPECT_EQ(0, stream.exit_code) << stream.err;
    EXPECT_THAT(stream.out, HasSubstr("nothing to do")) << size;
    expect_first(120'000);
  }
}

/// A stream that begins like another one and differs in its first chunk is another one.
TEST_F(Grown, AStreamThatDiffersInItsFirstChunkIsLoaded) {
  // The header is longer than any record, and the first chunk as long as it may be.
  db().run("alter table t add \"" + std::string(60, 'x') + "\" text");
  std::string text = "id,v," + std::string(60, 'x') + "\n";
  const std::string value(100, 'y');
  for (int i = 0; i < 40'000; ++i) text += std::to_string(i) + ",some text," + value + "\n";
  ASSERT_EQ(0, load("-", {}, folder_.write("in.csv", text)).exit_code);
  text.replace(text.find("\n5000,some") + 1, 4, "5001");
  const Finished other = load("-", {}, folder_.write("in.csv", text));
  EXPECT_EQ(0, other.exit_code) << other.err;
  EXPECT_EQ(80'000, rows());
}

/// Of a load whose rows are gone, a longer file begins no less anew than a longer stream.
TEST_F(Grown, AnUnfinishedLoadIsVoidWhereTheTableIsEmpty) {
  for (const bool is_stream : {false, true}) {
    SCOPED_TRACE(is_stream);
    begin_anew();
    db().run("alter table t add constraint c check (id <> 4000)");
    const std::string in = folder_.write("in.csv", csv(5'000));
    ASSERT_EQ(1, load(in, {"--chunk-size", "64KiB", "-j", "1"}).exit_code);
    ASSERT_GT(rows(), 0);
    db().run("truncate t; alter table t drop constraint c");
    const std::string longer = folder_.write("longer.csv", csv(6'000));
    const Finished loaded = is_stream ? load("-", {}, longer) : load(longer);
    EXPECT_EQ(0, loaded.exit_code) << loaded.err;
    EXPECT_THAT(loaded.err, HasSubstr("t is empty now"));
    expect_first(6'000);
    EXPECT_EQ("void", db().value("select state from pgsluice.loads where source like '%in.csv'"));
  }
}

/// A copy that was cut off within a record, whose load has stopped there, and the whole file.
TEST_F(Grown, ACompletedFileGoesOnWithItsUnfinishedLoad) {
  const std::string whole = csv(5'000);
  for (const std::vector<std::string>& flags :
       std::vector<std::vector<std::string>>{{}, {"--atomic=resumable"}, {"--max-rejects", "0"}}) {
    for (const bool replaces : {false, true}) {
      SCOPED_TRACE(std::string(flags.empty() ? "" : flags.front()) + (replaces ? ", anew" : ""));
      begin_anew();
      std::vector<std::string> all{"--chunk-size", "32KiB", "-j", "1"};
      all.insert(all.end(), flags.begin(), flags.end());
      const std::string in =
          folder_.write("in.csv", whole.substr(0, whole.find("\n4500,some") + 3));
      const Finished cut = load(in, all);
      ASSERT_NE(0, cut.exit_code) << "a record of one column";
      if (replaces) {
        folder_.write("new.csv", whole);
        std::filesystem::rename(folder_ / "new.csv", in);
      } else {
        folder_.write("in.csv", whole);
      }
      const Finished completed = load(in, all);
      EXPECT_EQ(0, completed.exit_code) << completed.err;
      EXPECT_THAT(completed.err, AllOf(HasSubstr("resuming load 2"), HasSubstr("has grown since")));
      expect_first(5'000);
      EXPECT_THAT(load(in).out, HasSubstr("nothing to do"));
      EXPECT_THAT(load("-", {}, in).out, HasSubstr("nothing to do"));
    }
  }
}

/// ... where what is stored of it is not in it any more.
TEST_F(Grown, AnUnfinishedLoadOfAnotherFileIsNotGoneOnWith) {
  db().run("alter table t add constraint c check (id <> 3500)");
  const std::string then = csv(4'000).substr(0, csv(4'000).size() - 5);
  const std::string in = folder_.write("in.csv", then);
  ASSERT_EQ(1, load(in, {"--chunk-size", "32KiB", "-j", "1"}).exit_code);
  db().run("alter table t drop constraint c");
  const std::int64_t stored = rows();
  ASSERT_GT(stored, 3'000);
  std::string in_chunk = csv(5'000);
  in_chunk.replace(in_chunk.find("\n2500,some") + 1, 4, "9999");
  std::string at_end = csv(5'000);
  at_end.replace(then.size() - 10, 4, "DONE");
  for (const std::string& changed : {in_chunk, at_end}) {
    folder_.write("in.csv", changed);
    const Finished refused = load(in);
    EXPECT_EQ(7, refused.exit_code);
    EXPECT_THAT(refused.err, AllOf(HasSubstr("does not begin with what it was"),
                                   HasSubstr("--again --truncate empties public.t first")));
    EXPECT_EQ(stored, rows());
  }
  EXPECT_EQ(0, load(in, {"--again", "--truncate"}).exit_code);
  EXPECT_EQ(5'000, rows());
}

/// ... where the end of what it was is stored, which is none of a chunk any more.
TEST_F(Grown, AnUnfinishedLoadThatHasStoredAllIsFinishedFirst) {
  const std::string then = csv(3'000);
  const std::string in = folder_.write("in.csv", then);
  ASSERT_EQ(0, load(in).exit_code);
  db().run("update pgsluice.loads set state = 'unfinished', finished_at = null where load_id = 2");
  folder_.write("in.csv", csv(3'500));
  const Finished refused = load(in);
  EXPECT_EQ(7, refused.exit_code);
  EXPECT_THAT(refused.err, HasSubstr("head -c " + std::to_string(then.size()) + " " + in));
  ASSERT_EQ(0, load("-", {}, folder_.write("head", then)).exit_code);
  EXPECT_EQ(7, load(in).exit_code);
  EXPECT_EQ(0, load(in, {"--grown", "append"}).exit_code);
  expect_first(3'500);
}

/// A record that was cut off and rejected comes again, whole.
TEST_F(Grown, AppendGoesOnWithTheRecordThatWasCutOffAndRejected) {
  struct Case {
    std::string cut;
    std::string rest;
  };
  const Case cases[] = {{"-5", ",x\n"},
                        {"-5,cut", " no more\n"},
                        {"-5,\"cut", " no more\"\n"},
                        {"-5,\"two\nli", "nes\"\n"},
                        {"-5,\"three\nli\n", "nes\"\n"},
                        {"-5,\"a\"", "\"b\"\n"}};
  for (const int count : {3, 30'000}) {
    for (const Case& each : cases) {
      SCOPED_TRACE(std::to_string(count) + " and " + each.cut);
      begin_anew();
      db().run("alter table t add constraint c check (v not in ('cut', 'a'))");
      const std::string then = csv(count) + each.cut;
      const std::string in = folder_.write("in.csv", then);
      const Finished rejected = load(in, {"--max-rejects", "5"});
      ASSERT_EQ(3, rejected.exit_code) << rejected.err;
      folder_.write("in.csv", then + each.rest + "-4,last\n");
      const Finished refused = load(in);
      EXPECT_EQ(7, refused.exit_code);
      EXPECT_THAT(refused.err,
                  HasSubstr("--grown append goes on at line " + std::to_string(count + 2)));
      const Finished appended = load(in, {"--grown", "append"});
      EXPECT_EQ(0, appended.exit_code) << appended.err;
      EXPECT_THAT(appended.err, HasSubstr("with the record that was cut off there then"));
      expect_first(count);
      EXPECT_EQ("-5 -4", db().value("select string_agg(id::text, ' ' order by id) from t where id "
                                    "between -5 and -1"));
      EXPECT_THAT(load("-", {}, in).out, HasSubstr("nothing to do"));
      std::ofstream(in, std::ios::app) << "-3,more\n";
      EXPECT_EQ(0, load(in, {"--grown", "append"}).exit_code);
      EXPECT_EQ(3, db().number("select count(*) from t where id between -5 and -1"));
      EXPECT_THAT(load("-", {}, in).out, HasSubstr("nothing to do"));
    }
  }
}

/// The record of then was whole where its line end came later.
TEST_F(Grown, AppendGoesOnBehindALineEndThatCameLater) {
  struct Case {
    std::string then;
    std::string now;
    std::vector<std::string> flags;
  };
  const Case cases[] = {{"id,v\n1,a", "\n2,b\n", {}},
                        {"id,v\r\n1,a", "\r\n2,b\r\n", {}},
                        {"id,v\r1,a", "\r2,b\r", {}},
                        {"id,v\n1,a", "\r\n2,b\n", {"--newline", "any"}},
                        {"id,v\n1,a\r", "\n2,b\n", {"--newline", "any"}},
                        {"id,v\n1,\"a\"", "\n2,b\n", {}}};
  for (const Case& each : cases) {
    SCOPED_TRACE(each.then);
    begin_anew();
    const std::string in = folder_.write("in.csv", each.then);
    ASSERT_EQ(0, load(in, each.flags).exit_code);
    folder_.write("in.csv", each.then + each.now);
    std::vector<std::string> append = each.flags;
    append.insert(append.end(), {"--grown", "append"});
    const Finished appended = load(in, append);
    EXPECT_EQ(0, appended.exit_code) << appended.err;
    EXPECT_EQ("1a 2b", db().value("select string_agg(id || v, ' ' order by id) from t where id > "
                                  "0"));
  }
}

/// What is said to be the way on is one that doubles nothing.
TEST_F(Grown, ARecordThatWasCutOffAndIsStoredIsNamed) {
  const std::string in = folder_.write("in.csv", "id,v\n0,a\n1,trunc");
  ASSERT_EQ(0, load(in).exit_code);
  folder_.write("in.csv", "id,v\n0,a\n1,truncated\n2,c\n");
  for (const std::vector<std::string>& flags :
       std::vector<std::vector<std::string>>{{}, {"--grown", "append"}, {"--dry-run"}}) {
    const Finished refused = load(in, flags);
    EXPECT_EQ(7, refused.exit_code) << refused.out;
    EXPECT_THAT(refused.err, AllOf(HasSubstr("the last record of then (line 3) had no line end"),
                                   HasSubstr("is in public.t as it was"),
                                   HasSubstr("load a file of its header and its lines from 3 on"),
                                   Not(HasSubstr("--grown"))));
  }
  db().run("delete from t where id = 1");
  EXPECT_EQ(0, load(folder_.write("rest.csv", "id,v\n1,truncated\n2,c\n")).exit_code);
  expect_first(3);
  // Or where nobody can tell whether it was rejected.
  begin_anew();
  folder_.write("in.csv", "id,v\n0,a\nx,b\n1,trunc");
  ASSERT_EQ(3, load(in, {"--max-rejects", "1"}).exit_code);
  folder_.write("in.csv", "id,v\n0,a\nx,b\n1,truncated\n2,c\n");
  EXPECT_THAT(load(in, {"--grown", "append"}).err, HasSubstr("may be in public.t as it was"));
  begin_anew();
  folder_.write("in.csv", "id,v\n0,a\n1");
  ASSERT_EQ(3, load(in, {"--max-rejects", "1"}).exit_code);
  for (const auto& entry : std::filesystem::directory_iterator(folder_.path()))
    if (entry.path().string().contains("rejects")) std::filesystem::remove(entry.path());
  folder_.write("in.csv", "id,v\n0,a\n1,b\n");
  EXPECT_THAT(load(in, {"--grown", "append"}).err, HasSubstr("may be in public.t as it was"));
  EXPECT_EQ(1, rows());
}

}  // namespace
}  // namespace sluice::test
