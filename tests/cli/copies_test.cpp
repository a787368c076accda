#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>

#include "support/database.hpp"
#include "support/files.hpp"
#include "support/gate.hpp"
#include "support/process.hpp"

namespace sluice::test {
namespace {

using ::testing::HasSubstr;

/// What an earlier load of some content was, and how far it came.
enum class As { file, stream };
enum class End { finished, killed, running };

/// A content comes back with more behind it, as another file or a stream: nothing of it is loaded a
/// second time without a word.
class Copies : public DatabaseTest {
 protected:
  static std::string content(int records) {
    std::string csv = "id,v\n";
    for (int i = 0; i < records; ++i) csv += std::to_string(i) + ",some text\n";
    return csv;
  }
  Process::Options input_of(const std::string& file, As as) const {
    return as == As::stream ? Process::Options{.input = file} : Process::Options{};
  }
  std::vector<std::string> command(const std::string& file, As as,
                                   std::vector<std::string> more = {}) const {
    std::vector<std::string> all{
        "load", as == As::file ? file : "-", "-t", "t", "--progress", "none", "-d", url()};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  Finished load(const std::string& file, As as, const std::vector<std::string>& more = {}) {
    return pgsluice(command(file, as, more), input_of(file, as));
  }
  std::string grown(const std::string& file) {
    const std::string copy = folder_ / "copy.csv";
    std::filesystem::copy_file(file, copy, std::filesystem::copy_options::overwrite_existing);
    std::ofstream(copy, std::ios::app) << "-1,more\n-2,more\n";
    return copy;
  }
  void expect_none_twice() {
    // In one question: a load may be under way.
    EXPECT_EQ(0, db().number("select count(*) - count(distinct id) from t"));
  }

  TemporaryFolder folder_;
};

TEST_F(Copies, AreNotLoadedWhole) {
  // Of one record, shorter than what heads are of, and longer.
  for (const int records : {1, 300, 20'000}) {
    const std::string file = folder_.write("first.csv", content(records));
    const std::string copy = grown(file);
    for (const As earlier : {As::file, As::stream}) {
      for (const As later : {As::file, As::stream}) {
        SCOPED_TRACE(std::to_string(records) + (earlier == As::file ? ", a file" : ", a stream") +
                     (later == As::file ? ", a file" : ", a stream"));
        db().run(
            "drop table if exists t; drop schema if exists pgsluice cascade; create table t (id "
            "int, v text)");
        ASSERT_EQ(0, load(folder_.write("other.csv", "id,v\n-7,x\n"), As::file).exit_code);
        ASSERT_EQ(0, load(file, earlier).exit_code);
        const Finished refused = load(copy, later);
        EXPECT_EQ(7, refused.exit_code) << refused.err << refused.out;
        EXPECT_THAT(refused.err, HasSubstr("--grown append"));
        expect_none_twice();
        if (later == As::stream) continue;
        const Finished appended = load(copy, later, {"--grown", "append"});
        EXPECT_EQ(0, appended.exit_code) << appended.err;
        EXPECT_EQ(records + 3, db().number("select count(*) from t"));
        expect_none_twice();
      }
    }
  }
}

TEST_F(Copies, OfWhatIsNotFinishedAreNotLoadedWhole) {
  for (const int records : {1'000, 20'000}) {
    const std::string file = folder_.write("first.csv", content(records));
    const std::string copy = grown(file);
    const std::vector<std::string> in_chunks{"--chunk-size", records < 10'000 ? "1KiB" : "16KiB",
                                             "-j", "1"};
    for (const End end : {End::killed, End::running}) {
      for (const As later : {As::file, As::stream}) {
        SCOPED_TRACE(std::to_string(records) + (end == End::killed ? ", killed" : ", running") +
                     (later == As::file ? ", a file" : ", a stream"));
        db().run(
            "drop table if exists t; drop schema if exists pgsluice cascade; create table t (id "
            "int, v text)");
        ASSERT_EQ(0, load(folder_.write("other.csv", "id,v\n-7,x\n"), As::file).exit_code);
        Gate gate(url(), "t", "id >= " + std::to_string(records / 2));
        Process process(command(file, As::file, in_chunks));
        ASSERT_TRUE(gate.is_reached());
        ASSERT_TRUE(comes_true(
            "select count(*) > 2 from pgsluice.chunks join pgsluice.loads using (load_id) where "
            "state = 'unfinished'"));
        if (end == End::killed) {
          process.signal(SIGKILL);
          process.wait();
          gate.open();
          ASSERT_TRUE(no_session_left());
        }
        const Finished refused = load(copy, later);
        // A long stream that begins like an unfinished load is taken for its source: it goes on.
        const bool goes_on = end == End::killed && later == As::stream && records > 10'000;
        const int exit_code = goes_on ? 0 : end == End::killed ? 7 : 6;
        EXPECT_EQ(exit_code, refused.exit_code) << refused.err << refused.out;
        expect_none_twice();
        if (end == End::running) {
          process.signal(SIGKILL);
          continue;
        }
        if (later == As::stream) continue;
        EXPECT_THAT(refused.err, HasSubstr("that load is not finished"));
        EXPECT_EQ(0, load(file, As::file).exit_code);
        EXPECT_EQ(0, load(copy, later, {"--grown", "append"}).exit_code);
        EXPECT_EQ(records + 3, db().number("select count(*) from t"));
        expect_none_twice();
      }
    }
  }
}

/// A run that has stored nothing yet stands in the way of a longer copy; one that died so does not.
TEST_F(Copies, OfWhatHasJustBegunWait) {
  db().run("create table t (id int, v text)");
  ASSERT_EQ(0, load(folder_.write("other.csv", "id,v\n-7,x\n"), As::file).exit_code);
  const std::string file = folder_.write("first.csv", content(200'000));
  const std::string copy = grown(file);
  const std::string unlike = folder_.write("unlike.csv", content(150'000) + "-1,x\n-2,y\n");
  Session other(url());
  other.run("begin; lock table t in share mode");
  Process process(command(file, As::file, {"-j", "1"}));
  ASSERT_TRUE(comes_true(
      "select exists (select from pgsluice.loads where state = 'unfinished') and exists (select "
      "from pg_locks where not granted)"));
  const Finished held = load(copy, As::file);
  EXPECT_EQ(6, held.exit_code) << held.err;
  EXPECT_THAT(held.err, HasSubstr("is being loaded into public.t by another run"));
  process.signal(SIGKILL);
  process.wait();
  other.run("commit");
  ASSERT_TRUE(no_session_left());
  db().run("delete from pgsluice.chunks where load_id = 2");
  EXPECT_EQ(0, load(copy, As::file).exit_code);
  EXPECT_EQ(200'003, db().number("select count(*) from t"));
  // A file that begins alike by its first 64 KiB is another one.
  EXPECT_EQ(0, load(unlike, As::file).exit_code);
}

/// Contents that begin with the same header are no copies of each other.
TEST_F(Copies, AreNoFilesThatBeginAlike) {
  db().run("create table t (id int, v text)");
  for (int i = 0; i < 30; ++i) {
    const std::string csv = "id,v\n1,a\n" + std::to_string(i * 1000) + "," + std::string(i, 'x');
    const Finished loaded = load(folder_.write(std::to_string(i), csv + "\n"), As::file);
    EXPECT_EQ(0, loaded.exit_code) << loaded.err;
  }
  EXPECT_EQ(60, db().number("select count(*) from t"));
}

}  // namespace
}  // namespace sluice::test
