#include "remote/s3_fetch.hpp"

namespace sluice::test {
namespace {

/// Nothing is an object too: "bytes 0-0/0" is what a server that is much used says of a part of it,
/// and sends no byte of the one that it promises.
TEST_F(S3Fetch, AnEmptyObjectIsAnEmptyFile) {
  const TemporaryFolder folder;
  const std::string local = folder.write("empty.csv", "");
  const Finished as_file = pgsluice({"load", local, "-t", "t", "-d", url()});
  S3Store store{.objects = {{"a.csv", {.body = ""}}}};
  const auto nonsense = [&store](const WebServer::Asked& asked) {
    if (!asked.range) return store.answer(asked);
    return WebServer::Answer{.status = 206,
                             .headers = {{"ETag", "\"v1\""}, {"Content-Range", "bytes 0-0/0"}},
                             .body = "?",
                             .cut_at = 0,
                             .stands_still = true};
  };
  WebServer server(store.handler());
  for (const auto& handler : {store.handler(), WebServer::Handler(nonsense)}) {
    server.answer_by(handler);
    for (const char* path : {"s3://bucket/a.csv", "s3://bucket/*.csv"}) {
      const Finished finished = load_s3(server, path, {"--again"});
      EXPECT_EQ(as_file.exit_code, finished.exit_code) << finished.err;
      EXPECT_EQ(std::string::npos, finished.err.find("changed")) << finished.err;
    }
  }
  EXPECT_EQ(0, count());
}

}  // namespace
}  // namespace sluice::test
