#include "remote/s3_fetch.hpp"

namespace sluice::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

/// Archives at servers.
class MemberFetch : public S3Fetch {
 protected:
  static std::string packed(const std::string& command) {
    return piped(
        "printf \"id,v,x\\n1,1,a\\n\" > a.csv && printf \"id,v,x\\n2,2,b\\n\" > b.csv && echo no > "
        "c.txt && " +
            command,
        "");
  }
  std::string all() { return db().value("select string_agg(x, '' order by id) from t"); }
};

TEST_F(MemberFetch, EachThatIsMeantIsALoad) {
  int number = 0;
  for (const char* command : {"zip -q a.zip a.csv b.csv c.txt && cat a.zip",
                              "tar -c a.csv b.csv c.txt", "tar -cz a.csv b.csv c.txt"}) {
    db().run("truncate t");
    S3Store store;
    const std::string key = std::to_string(++number) + ".packed";
    store.objects[key] = {.body = packed(command)};
    WebServer server(store.handler());
    const std::string path = "s3://bucket/" + key;
    const Finished first = load_s3(server, path, {"--member", "*.csv"});
    EXPECT_EQ(0, first.exit_code) << command << first.err;
    EXPECT_THAT(first.out, AllOf(HasSubstr(key + "!a.csv"), HasSubstr(key + "!b.csv")));
    EXPECT_EQ("ab", all());
    const Finished again = load_s3(server, path, {"--member", "*.csv"});
    EXPECT_EQ(0, again.exit_code) << command << again.err;
    EXPECT_THAT(again.out, HasSubstr("nothing to do"));
    EXPECT_EQ("ab", all());
    const Finished none = load_s3(server, path, {"--member", "*.tsv"});
    EXPECT_EQ(2, none.exit_code) << none.err;
  }
}

TEST_F(MemberFetch, OfAUrlToo) {
  WebObject object{.body = packed("zip -q a.zip a.csv b.csv && cat a.zip")};
  WebServer server([&](const WebServer::Asked& asked) { return object.answer(asked); });
  const Finished finished = load(server, "/a.zip", {"--member", "[ab].csv"});
  EXPECT_EQ(0, finished.exit_code) << finished.err;
  EXPECT_EQ("ab", all());
  object.body = "id,v,x\n3,3,c\n";
  object.etag = "\"v2\"";
  const Finished refused = load(server, "/a.zip", {"--member", "[ab].csv"});
  EXPECT_EQ(2, refused.exit_code) << refused.err;
  EXPECT_THAT(refused.err, HasSubstr("no archive"));
}

/// One that comes once cannot be gone through for several.
TEST_F(MemberFetch, OfAServerWithoutRangesOneAtATime) {
  const WebObject object{.body = packed("tar -c a.csv b.csv"), .has_ranges = false};
  WebServer server([&](const WebServer::Asked& asked) { return object.answer(asked); });
  const Finished one = load(server, "/a.tar", {"--member", "a.csv"});
  EXPECT_EQ(0, one.exit_code) << one.err;
  EXPECT_EQ("a", all());
  const Finished several = load(server, "/a.tar", {"--member", "*.csv"});
  EXPECT_NE(0, several.exit_code);
  EXPECT_THAT(several.err, AllOf(HasSubstr("a.tar"), HasSubstr("b.csv")));
}

}  // namespace
}  // namespace sluice::test
