#include <gmock/gmock.h>

#include "base/failure.hpp"
#include "source/source.hpp"
#include "support/packed.hpp"
#include "support/web_faults.hpp"

namespace sluice::source {
namespace {

using namespace std::chrono_literals;
using test::WebFault;
using test::WebPlace;
using test::WebScene;
using test::WebServer;
using ::testing::HasSubstr;

std::string text_of(int version) {
  std::string text = "id,v\n";
  std::uint64_t random = 42;
  for (int i = 0; text.size() < 800'000; ++i) {
    random = random * 6364136223846793005ULL + 1442695040888963407ULL;
    text += std::to_string(random) + "," + std::to_string(version) + "\n";
  }
  return text;
}

class HttpSources : public ::testing::TestWithParam<std::tuple<std::size_t, WebPlace, bool>> {
 protected:
  static void SetUpTestSuite() { ::setenv("no_proxy", "*", 1); }
};

/// All of one version, or a failure of the right kind behind the beginning of the first one.
TEST_P(HttpSources, GiveOneVersionOrSayWhyNot) {
  const auto [number, place, is_packed] = GetParam();
  const WebFault& fault = test::web_faults[number];
  static const std::string plain[] = {text_of(1), text_of(2)};
  static const std::string packed[] = {test::piped("gzip -1", plain[0]),
                                       test::piped("gzip -1", plain[1])};
  WebScene scene{.object = {.body = is_packed ? packed[0] : plain[0]},
                 .next = {.body = is_packed ? packed[1] : plain[1], .etag = "\"v2\""},
                 .part = 0};
  scene.part = test::part_at(place, scene.object);
  ASSERT_LT(4 * test::web_part_bytes, scene.object.body.size());
  WebServer server(test::with_fault(scene, fault));
  UnpackOptions options;
  options.fetch = std::make_shared<http::FetchOptions>();
  options.fetch->part_bytes = test::web_part_bytes;
  // What passes does so however slow the machine is; what does not is not waited for.
  const bool passes = fault.exit_codes[static_cast<int>(place)] == 0;
  options.fetch->retry_for = passes ? 5min : 2s;

  const auto source = open(server.url() + "/a", options);
  std::string content;
  std::string buffer(50'000, '\0');
  try {
    while (const std::size_t got = source->read_some(buffer.data(), buffer.size()))
      content.append(buffer, 0, got);
    EXPECT_EQ(0, fault.exit_codes[static_cast<int>(place)]);
    EXPECT_TRUE(content == plain[0] || content == plain[1]) << content.size();
    EXPECT_FALSE(source->stamp().empty() && number == 0);
  } catch (const Failure& failure) {
    EXPECT_TRUE(plain[0].starts_with(content)) << "nothing of another version";
    const int expected = fault.exit_codes[static_cast<int>(place)];
    const FailureKind kind = expected == 7   ? FailureKind::changed
                             : expected == 2 ? FailureKind::usage
                                             : FailureKind::failed;
    EXPECT_NE(0, expected) << failure.what();
    EXPECT_EQ(kind, failure.kind()) << failure.what();
    EXPECT_THAT(failure.what(), HasSubstr(fault.words));
  }
}

std::string name_of_case(const ::testing::TestParamInfo<HttpSources::ParamType>& info) {
  const auto& [number, place, is_packed] = info.param;
  return test::name_of(test::web_faults[number], place, is_packed);
}

INSTANTIATE_TEST_SUITE_P(
    EachFault, HttpSources,
    ::testing::Combine(::testing::Range<std::size_t>(0, std::size(test::web_faults)),
                       ::testing::Values(WebPlace::first, WebPlace::middle, WebPlace::last),
                       ::testing::Bool()),
    name_of_case);

}  // namespace
}  // namespace sluice::source
