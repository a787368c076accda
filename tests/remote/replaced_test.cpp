#include "remote/fetch.hpp"

namespace sluice::test {
namespace {

using ::testing::HasSubstr;
using End = WebServer::Answer::End;

/// An object without a version is known by its place: what was begun is not gone on with by what
/// lies there now.
TEST_F(Fetch, AnotherObjectInThePlaceOfOneThatWasBegunIsRefused) {
  for (const char* etag : {"", "W/\"v1\""}) {
    for (const End end : {End::by_length, End::in_chunks}) {
      SCOPED_TRACE(std::string(etag) + (end == End::in_chunks ? " in chunks" : ""));
      db().run("truncate t; drop schema if exists pgsluice cascade");
      WebObject object{.body = rows(1), .etag = etag};
      bool is_cut = true;
      WebServer server([&](const WebServer::Asked& asked) {
        WebServer::Answer answer = object.answer(asked);
        answer.end = end;
        if (is_cut) answer.cut_at = answer.body.size() / 2;
        return answer;
      });
      const std::vector<std::string> flags{"--retry-for", "100ms"};
      EXPECT_EQ(1, load(server, "/a.csv", flags).exit_code);
      const std::int64_t stored = count();
      EXPECT_LT(0, stored);
      object.body = rows(2);
      is_cut = false;
      const Finished other = load(server, "/a.csv", flags);
      EXPECT_EQ(7, other.exit_code) << other.err << other.out;
      EXPECT_THAT(other.err, HasSubstr("changed"));
      EXPECT_EQ(stored, db().number("select count(*) from t where v = 1"));
      EXPECT_EQ(stored, count());
      object.body = rows(1);
      EXPECT_EQ(0, load(server, "/a.csv", flags).exit_code);
      expect_all(1);
    }
  }
}

}  // namespace
}  // namespace sluice::test
