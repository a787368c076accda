#include "remote/fetch.hpp"

namespace sluice::test {
namespace {

using ::testing::HasSubstr;
using End = WebServer::Answer::End;

/// An object without a version is known by its place: what was begun is not gone on with by what
/// lies there now.
TEST_F(Fetch, AnotherObjectInThePlaceOfOneThatWasBegunIsRefused) {
  constexpr int rows_of_each = 100'000;  // more than is kept before the first chunk
  for (const char* etag : {"", "W/\"v1\""}) {
    for (const End end : {End::by_length, End::in_chunks}) {
      SCOPED_TRACE(std::string(etag) + (end == End::in_chunks ? " in chunks" : ""));
      db().run("truncate t; drop schema if exists pgsluice cascade");
      WebObject object{.body = rows(1, rows_of_each), .etag = etag};
      bool is_cut = true;
      WebServer server([&](const WebServer::Asked& asked) {
        WebServer::Answer answer = object.answer(asked);
        answer.end = end;
        if (is_cut) answer.cut_at = answer.body.size() / 4 * 3;
        return answer;
      });
      const std::vector<std::string> flags{"--retry-for", "100ms"};
      EXPECT_EQ(1, load(server, "/a.csv", flags).exit_code);
      const std::int64_t stored = count();
      EXPECT_LT(0, stored);
      object.body = rows(2, rows_of_each);
      is_cut = false;
      const Finished other = load(server, "/a.csv", flags);
      EXPECT_EQ(7, other.exit_code) << other.err << other.out;
      EXPECT_THAT(other.err, HasSubstr("changed"));
      EXPECT_EQ(stored, db().number("select count(*) from t where v = 1"));
      EXPECT_EQ(stored, count());
      object.body = rows(1, rows_of_each);
      EXPECT_EQ(0, load(server, "/a.csv", flags).exit_code);
      EXPECT_EQ(rows_of_each, db().number("select count(distinct id) from t where v = 1"));
      EXPECT_EQ(rows_of_each, count());
    }
  }
}

}  // namespace
}  // namespace sluice::test
