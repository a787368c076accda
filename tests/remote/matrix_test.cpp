#include "remote/fetch.hpp"
#include "support/web_faults.hpp"

namespace sluice::test {
namespace {

using ::testing::HasSubstr;

class Matrix : public Fetch,
               public ::testing::WithParamInterface<std::tuple<std::size_t, WebPlace, bool>> {};

/// The table is right, or the exit code and the words are; and whatever is stored is of the version
/// that was begun with. Once the server is well again the same command ends it.
TEST_P(Matrix, TheTableIsRightOrTheWordsAre) {
  const auto [number, place, is_packed] = GetParam();
  const WebFault& fault = web_faults[number];
  const auto packed = [is_packed](const std::string& text) {
    return is_packed ? piped("gzip -1", text) : text;
  };
  WebScene scene{.object = {.body = packed(rows(1)), .etag = "\"v1\""},
                 .next = {.body = packed(rows(2)), .etag = "\"v2\""},
                 .part = 0};
  scene.part = part_at(place, scene.object);
  ASSERT_LT(4 * web_part_bytes, scene.object.body.size());
  WebServer server(with_fault(scene, fault));

  const std::string path = is_packed ? "/in/a.csv.gz" : "/in/a.csv";
  const int expected = fault.exit_codes[static_cast<int>(place)];
  // What passes does so however slow the machine is; what does not is not waited for.
  const Finished finished = load(server, path, {"--retry-for", expected == 0 ? "5min" : "3s"});
  ASSERT_EQ(expected, finished.exit_code) << finished.err;
  if (expected == 0) {
    EXPECT_EQ(20'000, count()) << finished.err;
    EXPECT_EQ(1, db().number("select count(distinct v) from t"));
    EXPECT_EQ("", ledger_disagreement("t"));
    return;
  }
  EXPECT_THAT(finished.err, HasSubstr(fault.words));
  EXPECT_THAT(finished.err, HasSubstr(server.url() + path + "?v=1"));
  EXPECT_EQ(0, of_other_versions(1));
  EXPECT_GT(20'000, count());

  server.answer_by([&](const WebServer::Asked& asked) { return scene.object.answer(asked); });
  const Finished again = load(server, path);
  EXPECT_EQ(0, again.exit_code) << again.err;
  expect_all(1);
}

std::string name_of_case(const ::testing::TestParamInfo<Matrix::ParamType>& info) {
  const auto [number, place, is_packed] = info.param;
  return name_of(web_faults[number], place, is_packed);
}

INSTANTIATE_TEST_SUITE_P(EachFault, Matrix,
                         ::testing::Combine(::testing::Range<std::size_t>(0, std::size(web_faults)),
                                            ::testing::Values(WebPlace::first, WebPlace::middle,
                                                              WebPlace::last),
                                            ::testing::Bool()),
                         name_of_case);

}  // namespace
}  // namespace sluice::test
