#include <fcntl.h>
#include <unistd.h>

#include <fstream>
#include <thread>

#include "support/database.hpp"
#include "support/files.hpp"
#include "support/process.hpp"

namespace sluice::test {
namespace {

// A sanitizer's own memory would be measured, not ours.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)

class Memory : public DatabaseTest {
 protected:
  /// Writes rows until the file is this large.
  std::string file(const std::string& name, std::size_t megabytes) {
    std::string block;
    for (int i = 0; block.size() < (1U << 20U); ++i) {
      block += "2024-01-02 03:04:05+00," + std::to_string(i) + ",12.5,98.7654," +
               std::to_string(i % 100) + ".25,-0.125\n";
    }
    const std::string path = folder_ / name;
    std::ofstream out(path, std::ios::binary);
    out << "ts,id,a,b,c,d\n";
    for (std::size_t i = 0; i < megabytes; ++i) out << block;
    return path;
  }

  long rss_mib(const std::vector<std::string>& more, const std::string& input = "") {
    db().run(
        "drop table if exists n; create unlogged table n (ts timestamptz, id int, a float8, b "
        "float8, c float8, d float8)");
    std::vector<std::string> arguments{"load",   "--table", "n",          "-d",  url(),
                                       "--jobs", "2",       "--progress", "none"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const Finished finished = pgsluice(arguments, {.input = input});
    EXPECT_EQ(0, finished.exit_code) << finished.err;
    return finished.rss_kib_max / 1024;
  }

  TemporaryFolder folder_;
};

TEST_F(Memory, IsFlat) {
  const std::string small = file("small.csv", 100);
  const std::string large = file("large.csv", 1000);
  const long small_mib = rss_mib({small});
  const long large_mib = rss_mib({large});
  EXPECT_LT(large_mib, 120);
  EXPECT_LE(large_mib, small_mib + small_mib / 10);
  // The page cache feeds stdin faster than the server takes it.
  const long stream_mib = rss_mib({"-"}, large);
  EXPECT_LT(stream_mib, 120);
  std::printf("peak RSS: 100 MB %ld MiB, 1 GB %ld MiB, 1 GB from stdin %ld MiB\n", small_mib,
              large_mib, stream_mib);
}

#endif

}  // namespace
}  // namespace sluice::test
