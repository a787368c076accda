#include "app/after_load.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <functional>
#include <thread>

#include "app/taken_file.hpp"
#include "base/failure.hpp"
#include "support/files.hpp"

namespace sluice::test {
namespace {

using app::AfterLoad;
using app::TakenFile;
using source::FileIdentity;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

namespace fs = std::filesystem;

std::string shared_memory_folder() {
  std::string path = "/dev/shm/pgsluice-test.XXXXXX";
  if (::mkdtemp(path.data()) == nullptr) throw std::runtime_error("mkdtemp failed");
  return path;
}

FileIdentity identity_of(const std::string& path) {
  struct stat status{};
  EXPECT_EQ(0, ::stat(path.c_str(), &status)) << path;
  return FileIdentity::of(status);
}

std::vector<std::string> names_in(const std::string& folder) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) names.push_back(entry.path().filename());
  return names;
}

/// The clock of a file system ticks; what is written within one tick may have one time.
void wait_for_another_time(const std::string& path) {
  const FileIdentity before = identity_of(path);
  const TemporaryFolder folder;
  while (identity_of(folder.write("now", "")).changed_ns <= before.changed_ns)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

class AfterLoading : public ::testing::Test {
 protected:
  std::string done() const { return folder_ / "done"; }
  std::string in(const std::string& name) const { return folder_ / ("in/" + name); }
  void SetUp() override { fs::create_directory(folder_ / "in"); }

  /// "" or what was said, with the exit code's kind.
  struct Said {
    std::string text;
    std::optional<FailureKind> failed;
  };
  static Said apply(const std::string& after, const std::string& path, const FileIdentity& loaded) {
    try {
      return {AfterLoad::parse(after).apply(path, loaded), std::nullopt};
    } catch (const Failure& failure) {
      return {failure.what(), failure.kind()};
    }
  }

  TemporaryFolder folder_;
};

/// What others may do to a file between its reading and its end, and what then has its name.
struct Meanwhile {
  const char* what;
  std::function<void(const std::string& path)> happens;
  std::optional<std::string> left;  ///< behind the link, if it is one
};

std::vector<Meanwhile> all_that_may_happen() {
  const auto rewrite = [](const std::string& path, const std::string& bytes, int more) {
    const int fd = ::open(path.c_str(), O_WRONLY | more);
    EXPECT_EQ(static_cast<ssize_t>(bytes.size()), ::write(fd, bytes.data(), bytes.size()));
    ::close(fd);
  };
  const auto put = [](const std::string& path, const std::string& bytes) {
    std::ofstream(path + ".new") << bytes;
    fs::rename(path + ".new", path);
  };
  return {
      {"replaced", [=](const std::string& p) { put(p, "a\n100\n"); }, "a\n100\n"},
      {"replaced by equal bytes", [=](const std::string& p) { put(p, "a\n1\n"); }, "a\n1\n"},
      {"rewritten in place", [=](const std::string& p) { rewrite(p, "a\n2\n", 0); }, "a\n2\n"},
      {"rewritten, and its time set back",
       [=](const std::string& p) {
         struct stat before{};
         ::stat(p.c_str(), &before);
         rewrite(p, "a\n2\n", 0);
         const timespec times[2] = {before.st_atim, before.st_mtim};
         ::utimensat(AT_FDCWD, p.c_str(), times, 0);
       },
       "a\n2\n"},
      {"grown", [=](const std::string& p) { rewrite(p, "2\n", O_APPEND); }, "a\n1\n2\n"},
      {"cut", [=](const std::string& p) { rewrite(p, "a\n", O_TRUNC); }, "a\n"},
      {"replaced by a link to it",
       [=](const std::string& p) {
         fs::rename(p, p + ".moved");
         fs::create_symlink(p + ".moved", p);
       },
       "a\n1\n"},
      {"replaced by a link to nothing",
       [=](const std::string& p) {
         fs::remove(p);
         fs::create_symlink("/nonexistent/target", p);
       },
       std::nullopt},
      {"replaced by a folder",
       [=](const std::string& p) {
         fs::remove(p);
         fs::create_directory(p);
       },
       std::nullopt},
  };
}

TEST_F(AfterLoading, WhatIsNotTheLoadedFileAnyMoreIsNotTouched) {
  for (const std::string& after : {std::string("delete"), "move:" + done()}) {
    for (const Meanwhile& meanwhile : all_that_may_happen()) {
      SCOPED_TRACE(after + ", " + meanwhile.what);
      fs::remove_all(folder_ / "in");
      fs::create_directory(folder_ / "in");
      const std::string path = folder_.write("in/x.csv", "a\n1\n");
      const FileIdentity loaded = identity_of(path);
      wait_for_another_time(path);
      meanwhile.happens(path);
      const std::size_t names = names_in(folder_ / "in").size();
      const Said said = apply(after, path, loaded);
      EXPECT_EQ(FailureKind::changed, said.failed) << said.text;
      EXPECT_THAT(said.text, HasSubstr(path + ": is loaded, but "));
      EXPECT_EQ(names, names_in(folder_ / "in").size());
      EXPECT_TRUE(fs::symlink_status(path).type() != fs::file_type::not_found);
      if (meanwhile.left) {
        EXPECT_EQ(*meanwhile.left, read_file(path));
      }
      if (fs::exists(done())) {
        EXPECT_THAT(names_in(done()), ElementsAre());
      }
    }
  }
}

TEST_F(AfterLoading, TheLoadedFileIsDeletedOrMoved) {
  std::string path = folder_.write("in/x.csv", "a\n1\n");
  EXPECT_EQ(path + " is deleted", apply("delete", path, identity_of(path)).text);
  EXPECT_THAT(names_in(folder_ / "in"), ElementsAre());
  path = folder_.write("in/x.csv", "a\n1\n");
  EXPECT_EQ("made the folder " + done() + "; " + path + " -> " + done() + "/x.csv",
            apply("move:" + done(), path, identity_of(path)).text);
  EXPECT_THAT(names_in(folder_ / "in"), ElementsAre());
  EXPECT_EQ("a\n1\n", read_file(done() + "/x.csv"));
}

TEST_F(AfterLoading, WhatIsGoneIsSaid) {
  const std::string path = folder_.write("in/x.csv", "a\n1\n");
  const FileIdentity loaded = identity_of(path);
  fs::remove(path);
  EXPECT_THAT(apply("delete", path, loaded).text, HasSubstr("deleted by somebody else"));
  const Said moved = apply("move:" + done(), path, loaded);
  EXPECT_EQ(FailureKind::changed, moved.failed);
  EXPECT_THAT(moved.text, HasSubstr("gone"));
}

/// On the same file system and on another one: files, links with and without a target, folders.
TEST_F(AfterLoading, AMoveReplacesNothing) {
  const std::string far = shared_memory_folder();
  ASSERT_NE(identity_of(far).device, identity_of(folder_.path()).device)
      << "/dev/shm is a file system of its own";
  fs::create_directory(done());
  for (const std::string& to : {done(), far}) {
    SCOPED_TRACE(to);
    std::ofstream(to + "/x.csv") << "other";
    fs::create_symlink("/nonexistent/target", to + "/x.2.csv");
    fs::create_symlink(to + "/x.csv", to + "/x.3.csv");
    fs::create_directory(to + "/x.4.csv");
    const std::string path = folder_.write("in/x.csv", "a\n1\n");
    ASSERT_EQ(0, ::chmod(path.c_str(), 0640));
    const FileIdentity loaded = identity_of(path);
    EXPECT_EQ(path + " -> " + to + "/x.5.csv", apply("move:" + to, path, loaded).text);
    EXPECT_THAT(names_in(to),
                UnorderedElementsAre("x.csv", "x.2.csv", "x.3.csv", "x.4.csv", "x.5.csv"));
    EXPECT_EQ("other", read_file(to + "/x.csv"));
    EXPECT_EQ("/nonexistent/target", fs::read_symlink(to + "/x.2.csv"));
    EXPECT_EQ(to + "/x.csv", fs::read_symlink(to + "/x.3.csv"));
    EXPECT_EQ("a\n1\n", read_file(to + "/x.5.csv"));
    EXPECT_EQ(loaded.modified_ns, identity_of(to + "/x.5.csv").modified_ns);
    struct stat status{};
    ::stat((to + "/x.5.csv").c_str(), &status);
    EXPECT_EQ(0640U, status.st_mode & 0777U);
    EXPECT_THAT(names_in(folder_ / "in"), ElementsAre());
  }
  fs::remove_all(far);
}

TEST_F(AfterLoading, WhereItCannotBeMovedItKeepsItsName) {
  const std::string path = folder_.write("in/x.csv", "a\n1\n");
  const FileIdentity loaded = identity_of(path);
  const std::string no_folder = folder_.write("file", "");
  for (const std::string& to :
       {no_folder, no_folder + "/below", std::string("/proc/1"), std::string("/proc/none/x")}) {
    const Said said = apply("move:" + to, path, loaded);
    EXPECT_EQ(FailureKind::failed, said.failed) << said.text;
    EXPECT_THAT(said.text, HasSubstr(path + ": is loaded, but --after failed: "));
    EXPECT_THAT(names_in(folder_ / "in"), ElementsAre("x.csv"));
  }
}

/// Whoever may write beside the folder must not choose where files go.
TEST_F(AfterLoading, NoFolderThatIsPutInPlaceOfTheOneGetsAnything) {
  const std::string others = folder_ / "others";
  fs::create_directory(others);
  const auto link = [&] { fs::create_directory_symlink(others, done()); };
  const auto another = [&] { fs::create_directory(done()); };
  const auto move_away = [&] { fs::rename(done(), folder_ / "away"); };
  struct Case {
    const char* what;
    bool is_there;
    std::function<void()> happens;
  };
  const std::vector<Case> cases{
      {"a link where it was", true, [&] { move_away(), link(); }},
      {"another folder", true, [&] { move_away(), another(); }},
      {"nothing", true, move_away},
      {"a link where it was not yet", false, link},
  };
  for (const Case& one : cases) {
    SCOPED_TRACE(one.what);
    fs::remove_all(done());
    fs::remove_all(folder_ / "away");
    if (one.is_there) fs::create_directory(done());
    const std::string path = folder_.write("in/x.csv", "a\n1\n");
    const AfterLoad after = AfterLoad::parse("move:" + done());
    after.check(path);
    one.happens();
    try {
      ADD_FAILURE() << after.apply(path, identity_of(path));
    } catch (const Failure& failure) {
      EXPECT_EQ(FailureKind::failed, failure.kind());
      EXPECT_THAT(failure.what(), HasSubstr(path + ": is loaded, but --after failed: " + done()));
    }
    EXPECT_THAT(names_in(folder_ / "in"), ElementsAre("x.csv"));
    EXPECT_THAT(names_in(others), ElementsAre());
  }
}

/// A link that was there at the beginning is the user's own.
TEST_F(AfterLoading, AFolderMayBeNamedByALink) {
  fs::create_directory(folder_ / "others");
  fs::create_directory_symlink(folder_ / "others", done());
  const std::string path = folder_.write("in/x.csv", "a\n1\n");
  const AfterLoad after = AfterLoad::parse("move:" + done());
  after.check(path);
  EXPECT_EQ(path + " -> " + done() + "/x.csv", after.apply(path, identity_of(path)));
  EXPECT_THAT(names_in(folder_ / "others"), ElementsAre("x.csv"));
}

TEST_F(AfterLoading, LinksAndPipesAreRefusedBeforehand) {
  const AfterLoad after = AfterLoad::parse("delete");
  const std::string path = folder_.write("in/x.csv", "a\n1\n");
  fs::create_symlink(path, in("link"));
  ASSERT_EQ(0, ::mkfifo(in("pipe").c_str(), 0600));
  EXPECT_NO_THROW(after.check(path));
  EXPECT_NO_THROW(after.check("-"));
  EXPECT_NO_THROW(AfterLoad().check(in("link")));
  for (const char* name : {"link", "pipe"}) EXPECT_THROW(after.check(in(name)), Failure);
}

TEST_F(AfterLoading, WhatIsPutBackReplacesNothing) {
  folder_.write("in/x.csv", "mine");
  const app::Folder folder = app::Folder::open(folder_ / "in");
  const auto taken = TakenFile::take(folder, "x.csv");
  ASSERT_TRUE(taken);
  EXPECT_THAT(names_in(folder_ / "in"), ElementsAre(::testing::StartsWith(".pgsluice-")));
  EXPECT_FALSE(TakenFile::take(folder, "x.csv"));
  folder_.write("in/x.csv", "another's");
  EXPECT_EQ(in("x.2.csv"), taken->put_back("x.csv"));
  EXPECT_EQ("another's", read_file(in("x.csv")));
  EXPECT_EQ("mine", read_file(in("x.2.csv")));
}

/// Somebody delivers a new file of the name at any moment: it is always somewhere, whole.
TEST_F(AfterLoading, NothingIsLostWhateverTheMoment) {
  const std::string far = shared_memory_folder();
  std::size_t changes_seen = 0;
  for (int round = 0; round < 600; ++round) {
    const std::string after = round % 3 == 0   ? "delete"
                              : round % 3 == 1 ? "move:" + done()
                                               : "move:" + far;
    const std::string path = folder_.write("in/x.csv", "old");
    folder_.write("new", "new");
    const FileIdentity loaded = identity_of(path);
    std::atomic<bool> go = false;
    std::thread producer([&] {
      while (!go) {
      }
      const auto until =
          std::chrono::steady_clock::now() + std::chrono::nanoseconds(round * 700 % 100'000);
      while (std::chrono::steady_clock::now() < until) {
      }
      fs::rename(folder_ / "new", path);
    });
    go = true;
    const Said said = apply(after, path, loaded);
    producer.join();
    if (said.failed) {
      ASSERT_EQ(FailureKind::changed, *said.failed) << said.text;
      ++changes_seen;
    }
    std::size_t found = 0;
    for (const std::string& name : names_in(folder_ / "in"))
      found += read_file(in(name)) == "new" ? 1 : 0;
    ASSERT_EQ(1U, found) << said.text;
    for (const std::string& folder : {done(), far}) {
      if (!fs::exists(folder)) continue;
      for (const std::string& name : names_in(folder))
        ASSERT_EQ("old", read_file(folder + "/" + name)) << said.text;
    }
    for (const std::string& name : names_in(folder_ / "in")) fs::remove(in(name));
  }
  std::printf("the new file was noticed %zu times of 600\n", changes_seen);
  fs::remove_all(far);
}

}  // namespace
}  // namespace sluice::test
