#include <gmock/gmock.h>
#include <sys/stat.h>

#include <chrono>
#include <filesystem>
#include <fstream>

#include "base/exit_code.hpp"
#include "base/failure.hpp"
#include "jobs/config.hpp"
#include "jobs/due.hpp"
#include "jobs/files.hpp"
#include "jobs/scheduler.hpp"
#include "pg/conninfo.hpp"
#include "script/checksum.hpp"
#include "support/files.hpp"

namespace sluice::jobs {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

schedule::Recurrence every(const std::string& text) {
  return *schedule::Recurrence::parse(text, *schedule::TimeZone::find("UTC"));
}

/// A clock that is set by hand: some instant, and so many hours later.
constexpr Instant start{1'800'000'000s};

TEST(DueSlots, DownForThreeHoursRunsTheLatestAndMissesTheRest) {
  const Due due = due_slots(every("@every 10m"), Catchup::latest, start, start + 3h, 60s);
  EXPECT_EQ(1U, due.run.size());
  EXPECT_EQ(17U, due.missed.size());
  EXPECT_LT(due.missed.back(), due.run.front());
  EXPECT_EQ(0U, due.missed_before);
}

TEST(DueSlots, NoneRunsOnlyWhatIsNotLate) {
  const Due late = due_slots(every("@every 1h"), Catchup::none, start, start + 90min, 60s);
  EXPECT_TRUE(late.run.empty());
  EXPECT_EQ(1U, late.missed.size());
  const Due now = due_slots(every("@every 1h"), Catchup::none, start, start + 1h + 59s, 60s);
  EXPECT_EQ(1U, now.run.size());
  EXPECT_TRUE(now.missed.empty());
}

TEST(DueSlots, AllRunsAllInOrder) {
  const Due due = due_slots(every("@every 1h"), Catchup::all, start, start + 5h, 60s);
  EXPECT_EQ(5U, due.run.size());
  EXPECT_TRUE(std::ranges::is_sorted(due.run));
  EXPECT_TRUE(due.missed.empty());
}

TEST(DueSlots, NothingIsDueBeforeItsTime) {
  const Due due = due_slots(every("@every 1h"), Catchup::latest, start, start + 1h - 1s, 60s);
  EXPECT_TRUE(due.run.empty() && due.missed.empty());
}

TEST(DueSlots, VeryManyAreCounted) {
  const Due due = due_slots(every("@every 1s"), Catchup::latest, start, start + 24h, 60s);
  EXPECT_EQ(1U, due.run.size());
  EXPECT_EQ(limits::missed_slots_max, due.missed.size());
  EXPECT_EQ(86'400U, due.run.size() + due.missed.size() + due.missed_before);
}

/// A clock that had not been set when the job was first seen.
TEST(DueSlots, Since1970) {
  for (const Catchup catchup : {Catchup::latest, Catchup::none}) {
    const Due due = due_slots(every("@every 1s"), catchup, Instant{}, start, 60s);
    ASSERT_EQ(1U, due.run.size());
    EXPECT_EQ(start, due.run.front());
    ASSERT_EQ(limits::missed_slots_max, due.missed.size());
    EXPECT_EQ(start - 1s, due.missed.back());
    EXPECT_EQ(start - std::chrono::seconds(limits::missed_slots_max), due.missed.front());
    EXPECT_EQ(limits::missed_slots_counted_max, due.missed_before);
    EXPECT_EQ("more than 1000000 slots", due.missed_text(due.missed_before));
  }
  // A little more than is counted: what is kept reaches up to now.
  for (const auto more : {0s, 1s, 500s, 1500s}) {
    const Instant after =
        start - more -
        std::chrono::seconds(limits::missed_slots_counted_max + limits::missed_slots_max + 1);
    const Due due = due_slots(every("@every 1s"), Catchup::latest, after, start, 60s);
    ASSERT_EQ(1U, due.run.size());
    EXPECT_EQ(start, due.run.front());
    ASSERT_EQ(limits::missed_slots_max, due.missed.size());
    EXPECT_EQ(start - 1s, due.missed.back());
  }
  const Due rare = due_slots(every("0 0 1 1 *"), Catchup::latest, Instant{}, start, 60s);
  EXPECT_EQ(57U, rare.run.size() + rare.missed.size());
  EXPECT_EQ("1 slot", rare.missed_text(1));
}

TEST(DueSlots, VeryManyOfAllComeInParts) {
  const auto recurrence = every("@every 1s");
  std::size_t count = 0;
  Instant seen = start;
  for (;;) {
    const Due due = due_slots(recurrence, Catchup::all, seen, start + 1h, 60s);
    if (due.run.empty()) break;
    EXPECT_LE(due.run.size(), limits::missed_slots_max);
    EXPECT_EQ(seen + 1s, due.run.front());
    count += due.run.size();
    seen = due.run.back();
  }
  EXPECT_EQ(3'600U, count);
}

TEST(Jitter, IsTheSameOnEveryHostAndWithinItsBound) {
  Job job{.name = "a", .schedule = "", .recurrence = every("@every 1h"), .command = {}};
  EXPECT_EQ(0ms, jitter_of(job, start));
  job.jitter = 30s;
  std::set<milliseconds> seen;
  for (int i = 0; i < 100; ++i) {
    const milliseconds jitter = jitter_of(job, start + i * 1h);
    EXPECT_GE(jitter, 0ms);
    EXPECT_LT(jitter, 30s);
    seen.insert(jitter);
  }
  EXPECT_GT(seen.size(), 50U);
}

TEST(ExitCode, OfSeveralIsTheOneThatSaysMostOfWhatToDo) {
  // Beside bad data what another try may mend counts, and the order of the files does not.
  const std::vector<int> worst_first{143,         exit_connect,  exit_held,
                                     exit_failed, exit_usage,    exit_changed,
                                     exit_budget, exit_rejected, exit_ok};
  for (std::size_t i = 0; i < worst_first.size(); ++i) {
    for (std::size_t j = i; j < worst_first.size(); ++j) {
      EXPECT_EQ(worst_first[i], worse(worst_first[i], worst_first[j]));
      EXPECT_EQ(worst_first[i], worse(worst_first[j], worst_first[i]));
    }
  }
  EXPECT_EQ(137, worse(exit_connect, 137));  // its process was killed
  EXPECT_EQ(127, worse(exit_budget, 127));   // or never began
  EXPECT_EQ(exit_held, worse(127, exit_held));
}

TEST(RunnerName, IsNeverTheSame) { EXPECT_NE(unique_runner_name(), unique_runner_name()); }

TEST(GivenConninfo, HoldsWhatIsGivenAndNothingElse) {
  EXPECT_EQ("", pg::given_conninfo({}));
  EXPECT_EQ("dbname='d' host='b' password='it\\'s' port='5433' sslmode='require' user='me'",
            pg::given_conninfo(
                {.dbname = "postgresql://me:it%27s@h:5433/d?sslmode=require", .host = "b"}));
}

class Configuration : public ::testing::Test {
 protected:
  Config read(const std::string& text) {
    const Environment environment = [](const std::string& name) -> std::optional<std::string> {
      if (name == "SECRET") return "p w";
      return std::nullopt;
    };
    return read_config(folder_.write("pgsluice.toml", text), environment);
  }
  std::string refusal(const std::string& text) {
    try {
      read(text);
    } catch (const Failure& failure) {
      EXPECT_EQ(FailureKind::usage, failure.kind());
      return failure.what();
    }
    return "";
  }

  test::TemporaryFolder folder_;
};

TEST_F(Configuration, SaysWhatRunsAndWhen) {
  std::filesystem::create_directory(folder_ / "sql");
  folder_.write("sql/S__nightly.sql",
                "-- pgsluice: schedule \"0 3 * * *\" tz=Europe/Berlin\nselect 1");
  folder_.write("once.sql", "select 1");
  const Config config = read(R"(
dbname = "host=h password='${SECRET}'"
[scheduler]
grace = "5s"
lost_after = "10s"
[[job]]
name = "trips"
cron = "*/5 * * * *"
tz = "America/New_York"
load = ["in/*.csv", "/abs/x.csv"]
table = "trips"
after = "move:done"
flags = ["--max-rejects", "7"]
overlap = "queue"
catchup = 0
timeout = "2h"
retries = 3
jitter = "1m"
[[job]]
name = "schema"
cron = "@daily"
migrate = "sql"
catchup = "all"
[scripts]
dir = "sql"
flags = ["--placeholder", "a=b"]
)");
  EXPECT_EQ("host=h password='p w'", config.dbname);
  EXPECT_EQ(5s, config.grace);
  ASSERT_EQ(3U, config.jobs.size());
  const Job& trips = config.jobs[0];
  EXPECT_THAT(trips.command.arguments,
              ::testing::ElementsAre("load", "--table", "trips", "--keep-going", "--progress",
                                     "none", "--after", "move:" + (folder_ / "done"),
                                     "--max-rejects", "7", "--on-drift", "note"));
  EXPECT_THAT(trips.command.patterns, ::testing::ElementsAre(folder_ / "in/*.csv", "/abs/x.csv"));
  EXPECT_EQ(Overlap::queue, trips.overlap);
  EXPECT_EQ(Catchup::none, trips.catchup);
  EXPECT_EQ(2h, trips.timeout);
  EXPECT_EQ(3U, trips.retries);
  EXPECT_EQ(1min, trips.jitter);
  EXPECT_EQ(Catchup::all, config.jobs[1].catchup);
  EXPECT_EQ("S__nightly", config.jobs[2].name);
  EXPECT_EQ("0 3 * * * Europe/Berlin", config.jobs[2].schedule);
  EXPECT_THAT(config.jobs[2].command.arguments,
              ::testing::ElementsAre("migrate", "run", "--placeholder", "a=b"));
  EXPECT_THAT(config.jobs[2].command.files, ::testing::ElementsAre(folder_ / "sql/S__nightly.sql"));
}

TEST_F(Configuration, AURLIsLoadedEachTimeAndIsNoPath) {
  const auto with = [this](const std::string& secret) {
    return read(
        "[[job]]\nname = \"a\"\ncron = \"@daily\"\ntable = \"t\"\n"
        "load = [\"in/*.csv\", \"https://u:" +
        secret + "@h/a.csv?v=1&token=" + secret + "\"]\n");
  };
  const Config config = with("one");
  const Job& job = config.jobs.front();
  EXPECT_THAT(job.command.patterns, ::testing::ElementsAre(folder_ / "in/*.csv"));
  EXPECT_THAT(job.command.remotes, ::testing::ElementsAre("https://u:one@h/a.csv?v=1&token=one"));
  std::vector<std::string> unseen;
  const auto all = arguments_now(job.command, unseen);
  ASSERT_EQ(1U, all.size());
  EXPECT_EQ("https://u:one@h/a.csv?v=1&token=one", all.front().back());
  EXPECT_EQ(job.meaning, with("two").jobs.front().meaning);
}

TEST_F(Configuration, AListIsReadByEachRun) {
  const Config config = read(
      "[[job]]\nname = \"a\"\ncron = \"@daily\"\ntable = \"t\"\n"
      "load = [\"in/*.csv\", \"@list.txt\"]\n");
  const Command& command = config.jobs.front().command;
  EXPECT_THAT(command.lists, ::testing::ElementsAre("@" + (folder_ / "list.txt")));
  EXPECT_EQ(folder_.path(), command.folder);
  std::vector<std::string> unseen;
  const auto all = arguments_now(command, unseen);
  ASSERT_EQ(1U, all.size()) << "of the files there are none";
  EXPECT_EQ("@" + (folder_ / "list.txt"), all.front().back());
  EXPECT_THAT(all.front(), ::testing::Not(::testing::Contains("--as-named")));
}

TEST_F(Configuration, ALoadSaysDriftAndHasABudgetUnlessItsFlagsSayOtherwise) {
  const auto flags_of = [this](const std::string& flags) {
    const Config config = read(
        "[[job]]\nname = \"a\"\ncron = \"@daily\"\nload = \"x.csv\"\n"
        "table = \"t\"\nflags = [" +
        flags + "]\n");
    std::string all;
    for (const std::string& argument : config.jobs.front().command.arguments) all += argument + " ";
    return all.substr(all.find("none ") + 5);
  };
  EXPECT_EQ("--max-rejects 0 --on-drift note ", flags_of(""));
  EXPECT_EQ("--on-drift stop --max-rejects 0 ", flags_of("\"--on-drift\", \"stop\""));
  EXPECT_EQ("--on-drift=ignore --max-rejects 0 ", flags_of("\"--on-drift=ignore\""));
  EXPECT_EQ("--no-ledger --max-rejects 0 ", flags_of("\"--no-ledger\""));
  EXPECT_EQ("--max-reject-ratio 0.1 --on-drift note ", flags_of("\"--max-reject-ratio\", \"0.1\""));
}

/// A short secret could be guessed from a digest by trying.
TEST_F(Configuration, DigestsHoldNoSecrets) {
  folder_.write("a.sql", "select 1");
  const auto job = [this](const std::string& flags) {
    return read("[[job]]\nname = \"j\"\ncron = \"@daily\"\nsql = \"a.sql\"\nflags = " + flags)
        .jobs.front();
  };
  for (const auto& [one, other] : std::vector<std::pair<std::string, std::string>>{
           {R"(["--placeholder", "pw=1"])", R"(["--placeholder", "pw=2"])"},
           {R"(["--placeholder=pw=1"])", R"(["--placeholder=pw=2"])"},
           {R"(["-d", "postgresql://u:1@h/db"])", R"(["-d", "postgresql://u:2@h/db"])"},
           {R"(["--migrate-url=password=1 host=h"])", R"(["--migrate-url=password=2 host=h"])"}}) {
    EXPECT_EQ(job(one).meaning, job(other).meaning) << one;
    EXPECT_NE(job(one).meaning_with_secrets, job(other).meaning_with_secrets);
    EXPECT_NE(job(one).meaning_with_secrets, job(one).meaning) << "as a version before had it";
  }
  EXPECT_NE(job(R"(["--placeholder", "a=1"])").meaning, job(R"(["--placeholder", "b=1"])").meaning);
  EXPECT_NE(job(R"(["-d", "postgresql://u:1@h/db"])").meaning,
            job(R"(["-d", "postgresql://u:1@h/other"])").meaning);
  const Job plain = job(R"(["--lock-timeout", "1s"])");
  EXPECT_EQ("", plain.meaning_with_secrets);
  // The digests of a version before: what it has stored has to be known again.
  EXPECT_THAT(plain.meaning,
              HasSubstr("flags=" + script::sha256("--lock-timeout\n1s\n").substr(0, 12)));
  EXPECT_THAT(job(R"(["--placeholder", "pw=1"])").meaning_with_secrets,
              HasSubstr("flags=" + script::sha256("--placeholder\npw=1\n").substr(0, 12)));
}

std::string after(const std::string& name, const std::string& before) {
  return "[[job]]\nname = \"" + name + "\"\nafter_job = \"" + before + "\"\nsql = \"once.sql\"\n";
}

struct Refused {
  std::string text;
  std::string message;
};

TEST_F(Configuration, NamesWhatIsWrongWithLineAndColumn) {
  folder_.write("wrong.sql", "\n-- pgsluice: nonsense\n");
  folder_.write("once.sql", "select 1");
  const std::string job = "[[job]]\nname = \"a\"\ncron = \"@daily\"\nload = \"x\"\ntable = \"t\"\n";
  for (const Refused& one : std::vector<Refused>{
           {"x = ", "pgsluice.toml:1:"},
           {"dbnmae = \"x\"", "pgsluice.toml:1:1: unknown key \"dbnmae\"; did you mean dbname?"},
           {job + "retrys = 3\n", ":6:1: unknown key \"retrys\"; did you mean retries?"},
           {job + "overlap = \"wait\"\n", ":6:11: \"wait\": write one of skip, queue, cancel"},
           {job + "catchup = 2\n", ":6:11: \"2\": write one of 0, 1, all"},
           {job + "catchup = \"all\"\noverlap = \"skip\"", "leave overlap out"},
           {job + "timeout = \"1 fortnight\"\n", ":6:11: "},
           {job + "timeout = 5\n", ":6:11: a text in quotes is expected here"},
           {job + "tz = \"Europe/Belrin\"\n", ":6:6: "},
           {job + "sql = \"x.sql\"\n", ":1:1: a job has one of migrate, load and sql"},
           {"[[job]]\nname = \"" + std::string(201, 'x') + "\"\ncron = \"@daily\"\n",
            ":2:8: the name of a job has at most 200 bytes"},
           {"[[job]]\nname = \"a\"\ncron = \"@daily\"\ntable = \"t\"\nload = \"htps://u:p@h/x\"",
            ":5:8: \"htps:/...\" is none of https://, http://, s3:// and gs://"},
           {"[[job]]\nname = \"a\"\ncron = \"@daily\"\ntable = \"t\"\nload = [\"s3://in/x\"]",
            ":5:8: s3://in/x: "},
           {job + "after = \"move:a\\u0000b\"\n", ":6:9: a character 0 stands here"},
           {job + job, ": there are two jobs named \"a\""},
           {"[[job]]\nname = \"a\"\ncron = \"0 0 31 2 *\"\nload = \"x\"\ntable = \"t\"", ":3:8: "},
           {"[[job]]\nname = \"a\"\ncron = \"@daily\"\nload = \"x\"", "a load needs a table"},
           {"[[job]]\nname = \"a\"\ncron = \"@daily\"\nsql = \"no.sql\"", "there is no such file"},
           {"[[job]]\nname = \"a\"\ncron = \"@daily\"\nsql = \"wrong.sql\"",
            "wrong.sql:2:4: unknown directive"},
           {"[job]\nname = \"a\"", "write [[job]], with two brackets"},
           {"dbname = \"${NOWHERE}\"\n" + job, ":1:10: the environment has no NOWHERE"},
           {"[scheduler]\nlost_after = \"1s\"\n" + job, ":2:14: lost_after: at least"},
           {"", "no jobs"},
           {job + "on_failure = \"notify me\"\n", ":6:14: on_failure: write an https URL, or a"},
           {job + "on_failure = \"http://hooks.example.com/x\"\n",
            "http://hooks.example.com: write https"},
           {job + "on_success = \"ftp://h/x\"\n", "on_success: write an https URL"},
           {job + "on_failure = [\"no-such-program-at-all\"]\n",
            ":6:14: on_failure: no-such-program-at-all: there is no such program in the folders"},
           {job + "on_failure = [\"./nothing\"]\n", "nothing: there is no such program"},
           {job + "on_failure = [\"\"]\n", "or a command as a list"},
           {job + "on_failure = [\"echo\", \"${SECRET}\"]\n",
            ":6:23: on_failure: a command has no"},
           {job + "on_failure = 5\n", ":6:14: a text in quotes is expected here"},
           {"[scheduler]\nhook_ca_file = \"no.pem\"\n" + job, ":2:16: hook_ca_file: "},
           {job + "after = \"b\"\n", ":6:9: after says what becomes of loaded files"},
           {after("a", "a"), ":3:13: after_job: a circle: a comes after a"},
           {after("a", "b") + after("b", "c") + after("c", "b"),
            ":7:13: after_job: a circle: b comes after c comes after b"},
           {job + after("b", "aa"),
            ":8:13: after_job: there is no job named \"aa\"; did you mean a?"},
           {job + after("b", "a") + "cron = \"@daily\"",
            ":10:8: cron: a job with after_job has the slots"},
           {job + after("b", "a") + "tz = \"Asia/Tokyo\"", ":10:6: tz: a job with after_job"},
           {"[[job]]\nname = \"a\"\nsql = \"once.sql\"", "has a cron = \"...\", or an after_job"},
       })
    EXPECT_THAT(refusal(one.text), HasSubstr(one.message)) << one.text;
  EXPECT_THROW(read_config("/nowhere.toml", process_environment()), Failure);
}

TEST(Gist, IsTheErrorOfWhatFailedAndTheReasonOfTheRest) {
  const std::string said =
      "note: a\npgsluice: first\n  more\npgsluice: last\n  more\nstored nothing\n";
  EXPECT_EQ("pgsluice: last", gist(RunState::failed, said));
  EXPECT_EQ("took too long", gist(RunState::timed_out, said + "took too long"));
  EXPECT_EQ("nobody was there", gist(RunState::missed, "nobody was there"));
  EXPECT_EQ("stored nothing", gist(RunState::failed, "note: a\nstored nothing\n\n"));
  EXPECT_EQ("", gist(RunState::failed, ""));
  EXPECT_EQ("", gist(RunState::ran, said));
}

/// Where nothing is in the way.
std::vector<std::vector<std::string>> files_now(const Command& command) {
  std::vector<std::string> unseen;
  auto all = arguments_now(command, unseen);
  EXPECT_THAT(unseen, ::testing::IsEmpty());
  return all;
}

/// What cannot be looked at is said, and keeps nothing else from being loaded.
TEST(Files, ThatCannotBeSeenAreSaid) {
  const test::TemporaryFolder folder;
  folder.write("a.csv", "id\n");
  std::filesystem::create_symlink(folder / "loop.csv", folder / "loop.csv");
  std::filesystem::create_symlink("nowhere", folder / "gone.csv");
  ASSERT_EQ(0, ::mkfifo((folder / "pipe.csv").c_str(), 0600));
  const std::string long_name = folder / (std::string(300, 'x') + ".csv");
  for (const auto& [pattern, says] : std::vector<std::pair<std::string, std::string>>{
           {folder / "[!p]*.csv", "loop.csv: Too many levels of symbolic links"},
           {folder / "loop.csv", "loop.csv: Too many levels of symbolic links"},
           {folder / "loop.csv/*.csv", "loop.csv: Too many levels of symbolic links"},
           {folder / "pipe*", "pipe.csv: is a pipe"},
           {"/dev/nul[l]", "/dev/null: is a device"},
           {long_name, "x.csv: File name too long"}}) {
    SCOPED_TRACE(pattern);
    std::vector<std::string> unseen;
    const auto all =
        arguments_now({.arguments = {"load"}, .patterns = {pattern, folder / "a.csv"}}, unseen);
    ASSERT_EQ(1U, unseen.size());
    EXPECT_THAT(unseen.front(), HasSubstr(says));
    ASSERT_EQ(1U, all.size());
    EXPECT_EQ(folder / "a.csv", all.front().back());
  }
  std::vector<std::string> unseen;
  EXPECT_TRUE(
      arguments_now({.arguments = {"load"}, .patterns = {folder / "no/*.csv", folder / "no.csv"}},
                    unseen)
          .empty());
  EXPECT_THAT(unseen, ::testing::IsEmpty()) << "what is not there is no trouble";
}

/// Whatever its name looks like, it is a file, and stands behind what ends the flags.
TEST(Files, AreNoFlags) {
  const std::vector<std::string> names{"-x.csv", "--after=delete", "--",   "[a]",
                                       "a b",    "$(x)",           "load", "-"};
  const test::TemporaryFolder folder;
  for (const std::string& name : names) folder.write(name, "id\n");
  const std::filesystem::path before = std::filesystem::current_path();
  std::filesystem::current_path(folder.path());
  const auto all = files_now({.arguments = {"load"}, .patterns = {"*"}});
  std::filesystem::current_path(before);
  ASSERT_EQ(1U, all.size());
  EXPECT_THAT(all.front(),
              ::testing::ElementsAre("load", "--as-named", "--", "$(x)", "./-", "--",
                                     "--after=delete", "-x.csv", "./[a]", "a b", "load"));
  EXPECT_THAT(files_now({.arguments = {"migrate", "run"}, .files = {"-x.sql"}}).front(),
              ::testing::ElementsAre("migrate", "run", "--", "-x.sql"));
}

TEST_F(Configuration, TheNameOfItsFolderIsNoPattern) {
  const test::TemporaryFolder parent;
  const std::string odd = parent / "a[b]*?\\c";
  std::filesystem::create_directory(odd);
  std::filesystem::create_directory(parent / "abxc");
  for (const std::string& folder : {odd, parent / "abxc"}) {
    std::ofstream(folder + "/x.csv") << "id\n";
  }
  std::ofstream(odd + "/pgsluice.toml") << "[[job]]\nname = \"j\"\ncron = \"@daily\"\nload = "
                                           "\"*.csv\"\ntable = \"t\"\nsettle = \"0s\"\n";
  const Config config = read_config(odd + "/pgsluice.toml", process_environment());
  const auto all = files_now(config.jobs[0].command);
  ASSERT_EQ(1U, all.size());
  EXPECT_EQ(odd + "/x.csv", all.front().back());
}

TEST(Files, AreThoseThatAreWholeAndNoRejects) {
  const test::TemporaryFolder folder;
  for (const char* name : {"b.csv", "a.csv", "a.rejects.csv", "a.rejects.2.csv", "c.txt"})
    folder.write(name, "id\n");
  std::filesystem::create_directory(folder / "d.csv");
  Command command{.arguments = {"load"}, .patterns = {folder / "*.csv", folder / "a*"}};
  ASSERT_EQ(1U, files_now(command).size());
  EXPECT_THAT(
      files_now(command).front(),
      ::testing::ElementsAre("load", "--as-named", "--", folder / "a.csv", folder / "b.csv"));
  command.settle = 1h;
  EXPECT_TRUE(files_now(command).empty()) << "just written";
  std::filesystem::last_write_time(folder / "b.csv",
                                   std::filesystem::file_time_type::clock::now() - 2h);
  EXPECT_THAT(files_now(command).front(),
              ::testing::ElementsAre("load", "--as-named", "--", folder / "b.csv"));
}

}  // namespace
}  // namespace sluice::jobs
