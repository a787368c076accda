#include <filesystem>

#include "remote/fetch.hpp"
#include "support/reserved_port.hpp"

namespace sluice::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

/// S3 servers of other people, each as a process on loopback, into which botocore puts. They are
/// npm's: where that cannot be reached nothing is shown here, and it is said.
class OtherStore : public Fetch {
 protected:
  static constexpr const char* key_secret = "hIddEn/secret+1";

  void start(const std::string& name) {
    const Finished fetched =
        Process({}, {.program = PGSLUICE_SOURCE_DIR "/script/fetch-s3-servers"}).wait();
    if (fetched.exit_code == 3) GTEST_SKIP() << fetched.err;
    ASSERT_EQ(0, fetched.exit_code) << fetched.err;
    const std::string modules = fetched.out.substr(0, fetched.out.find('\n'));
    const std::vector<std::string> arguments{PGSLUICE_SOURCE_DIR "/tests/s3/server.mjs", name,
                                             modules, std::to_string(port_.number()), data_.path()};
    server_ = std::make_unique<Process>(
        arguments, Process::Options{.environment = with(key_secret), .program = modules + "/node"});
    port_.wait_for(*server_);
  }

  std::string endpoint() const { return "http://127.0.0.1:" + std::to_string(port_.number()); }

  static std::vector<std::string> with(const std::string& secret_of_key) {
    return {"no_proxy=*", "AWS_CONFIG_FILE=/gone", "AWS_SHARED_CREDENTIALS_FILE=/gone",
            "AWS_ACCESS_KEY_ID=AKIDhIddEn", "AWS_SECRET_ACCESS_KEY=" + secret_of_key};
  }

  /// Becomes s3://bucket/FOLDER/... by put_all().
  void add(const std::string& key, const std::string& bytes) {
    const std::string path = files_ / key;
    std::filesystem::create_directories(std::filesystem::path(path).parent_path());
    files_.write(key, bytes);
  }

  void put_all() {
    const std::vector<std::string> arguments{PGSLUICE_SOURCE_DIR "/tests/s3/put.py", endpoint(),
                                             "bucket", files_.path()};
    const Finished put =
        Process(arguments, {.environment = with(key_secret), .program = "/usr/bin/python3"}).wait();
    ASSERT_EQ(0, put.exit_code) << put.err;
  }

  std::vector<std::string> from_store(const std::string& path) {
    return arguments(path, {"--s3-endpoint", endpoint()});
  }

  Finished load_from(const std::string& path, const std::string& secret_of_key = key_secret) {
    Finished finished = pgsluice(from_store(path), {.environment = with(secret_of_key)});
    EXPECT_THAT(finished.out + finished.err, Not(HasSubstr(secret)));
    return finished;
  }

 private:
  TemporaryFolder files_;
  TemporaryFolder data_;
  ReservedPort port_;
  std::unique_ptr<Process> server_;
};

class EachStore : public OtherStore, public ::testing::WithParamInterface<const char*> {
 protected:
  void SetUp() override {
    Fetch::SetUp();
    start(GetParam());
  }
};

TEST_P(EachStore, APatternIsLoadedOnce) {
  const auto few = [](int version) { return "id,v,x\n1," + std::to_string(version) + ",a\n"; };
  add("in/2026/a b+c.csv", few(1));
  add("in/2026/50%.csv", few(2));
  add("in/2026/für=%41!().csv.gz", piped("gzip", few(3)));
  add("in/2026/#1?a;b@c,d:$~e.csv", few(4));
  add("in/2026/[1].csv", few(5));
  add("in/2026/not.tsv", few(6));
  add("in/2027/a.csv", few(7));
  add("large/ü +%.csv", rows(8));
  put_all();

  const Finished first = load_from("s3://bucket/in/2026/*.csv*");
  EXPECT_EQ(0, first.exit_code) << first.err;
  EXPECT_EQ("1,2,3,4,5", db().value("select string_agg(v::text, ',' order by v) from t"));
  EXPECT_EQ("t", db().value("select 's3://bucket/in/2026/für=%41!().csv.gz' in "
                            "(select source_path from pgsluice.loads)"));
  const Finished again = load_from("s3://bucket/in/**/*.csv*");
  EXPECT_EQ(0, again.exit_code) << again.err;
  EXPECT_EQ("1,2,3,4,5,7", db().value("select string_agg(v::text, ',' order by v) from t"));

  db().run("truncate t; drop schema pgsluice cascade");
  const Finished large = load_from("s3://bucket/large/ü +%.csv");
  EXPECT_EQ(0, large.exit_code) << large.err;
  expect_all(8);
  const Finished gone = load_from("s3://bucket/large/gone.csv");
  EXPECT_EQ(2, gone.exit_code);
  EXPECT_THAT(gone.err, HasSubstr("404"));
  const Finished other = load_from("s3://other/*");
  EXPECT_EQ(2, other.exit_code);
  EXPECT_THAT(other.err, HasSubstr("NoSuchBucket"));
}

INSTANTIATE_TEST_SUITE_P(Both, EachStore, ::testing::Values("s3rver", "fauxqs"),
                         [](const auto& store) { return std::string(store.param); });

TEST_F(OtherStore, AWrongSecretIsRefused) {
  start("s3rver");
  if (IsSkipped()) return;
  add("a b.csv", rows(1));
  put_all();
  for (const char* path : {"s3://bucket/a b.csv", "s3://bucket/*.csv"}) {
    const Finished refused = load_from(path, "hIddEnother");
    EXPECT_EQ(2, refused.exit_code) << refused.err;
    EXPECT_THAT(refused.err, AllOf(HasSubstr("SignatureDoesNotMatch: The request signature we "
                                             "calculated does not match"),
                                   HasSubstr("--s3-profile")));
  }
  EXPECT_EQ(0, count());
}

/// The load waits for its table while the object becomes another one.
TEST_F(OtherStore, NoTwoVersionsAreMixed) {
  start("fauxqs");
  if (IsSkipped()) return;
  constexpr int many = 100'000;
  add("a.csv", rows(1, many));
  put_all();
  Session other(url());
  other.run("begin; lock table t in share mode");
  Process process(from_store("s3://bucket/a.csv"), {.environment = with(key_secret)});
  ASSERT_TRUE(
      comes_true("select exists (select from pg_locks where relation = 't'::regclass "
                 "and not granted)"));
  add("a.csv", rows(2, many));
  put_all();
  other.run("commit");
  const Finished finished = process.wait();
  EXPECT_EQ(7, finished.exit_code) << finished.err;
  EXPECT_THAT(finished.err, HasSubstr("s3://bucket/a.csv changed while it was read"));
  EXPECT_EQ(0, of_other_versions(1));
  EXPECT_LT(0, count());
  EXPECT_GT(many, count());
}

}  // namespace
}  // namespace sluice::test
