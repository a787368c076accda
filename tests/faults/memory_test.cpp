#include <fcntl.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

#include "support/database.hpp"
#include "support/files.hpp"
#include "support/process.hpp"
#include "support/thorough.hpp"

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

  /// A header and this line, so many times.
  std::string file_of(const std::string& header, const std::string& line, std::size_t lines) {
    const std::string path = folder_ / "bad.csv";
    std::ofstream out(path, std::ios::binary);
    out << header << "\n";
    for (std::size_t i = 0; i < lines; ++i) out << line << "\n";
    return path;
  }

  /// What --dry-run says that these arguments take.
  long planned_mib(std::vector<std::string> arguments) {
    arguments.insert(arguments.end(), {"--dry-run", "--output", "json"});
    const auto json = nlohmann::json::parse(pgsluice(arguments).out);
    return json["loads"][0]["plan"]["memory_bytes_max"].get<long>() / (1024 * 1024);
  }

  TemporaryFolder folder_;
};

/// Beside its buffers, what the program takes: itself (18 MiB before it does anything, built for
/// tests), its libraries, what malloc keeps.
constexpr long beside_mib = 40;

/// Memory does not grow with the bad records, whoever refuses them and whatever becomes of them.
TEST_F(Memory, IsFlatWhereManyRecordsAreBad) {
  db().run("create table w (a text, b text); create table i (a int)");
  const std::size_t blanks = 3'000'000 / every(3);
  const std::size_t values = 60'000 / every(3);
  for (const std::string kind : {"blank lines", "bad values"}) {
    const bool is_blank = kind == "blank lines";
    const std::size_t count = is_blank ? blanks : values;
    const std::string path =
        is_blank ? file_of("a,b", "", count) : file_of("a", "no number", count);
    const std::string table = is_blank ? "w" : "i";
    const std::vector<std::string> common{
        path, "-t", table, "-d", url(), "--max-reject-ratio", "1", "--progress", "none"};
    std::vector<std::string> load{"load", "--jobs", is_blank ? "2" : "1"};
    load.insert(load.end(), common.begin(), common.end());
    if (!is_blank) load.insert(load.end(), {"--chunk-size", "1MiB"});
    const long planned = planned_mib(load);
    const Finished loaded = pgsluice(load);
    EXPECT_EQ(3, loaded.exit_code) << loaded.err;
    EXPECT_LT(loaded.rss_kib_max / 1024, planned + beside_mib) << kind;
    std::ifstream reasons(folder_ / "bad.rejects.jsonl");
    std::size_t lines = 0;
    for (std::string line; std::getline(reasons, line);) {
      if (++lines != count) continue;
      EXPECT_EQ(count, nlohmann::json::parse(line)["record"].get<std::size_t>());
    }
    EXPECT_EQ(count, lines) << kind;
    std::filesystem::remove(folder_ / "bad.rejects.csv");
    std::filesystem::remove(folder_ / "bad.rejects.jsonl");
    std::printf("peak RSS: %zu %s %ld MiB, planned %ld MiB\n", count, kind.c_str(),
                loaded.rss_kib_max / 1024, planned);
    for (const char* output : {"text", "json"}) {
      std::vector<std::string> check{"check", "--output", output};
      check.insert(check.end(), common.begin(), common.end());
      const Finished checked = pgsluice(check);
      EXPECT_EQ(3, checked.exit_code) << checked.err;
      EXPECT_LT(checked.rss_kib_max / 1024, planned + beside_mib) << kind << output;
      std::printf("peak RSS of check: %zu %s as %s %ld MiB\n", count, kind.c_str(), output,
                  checked.rss_kib_max / 1024);
    }
  }
}

TEST_F(Memory, IsFlat) {
  const std::size_t large_mb = 1000 / every(3);
  const std::string small = file("small.csv", large_mb / 10);
  const std::string large = file("large.csv", large_mb);
  const long small_mib = rss_mib({small});
  const long large_mib = rss_mib({large});
  EXPECT_LT(large_mib, 120);
  // How many buffers were ever in use at once depends on who is the slower one.
  EXPECT_LE(large_mib, small_mib + 24);
  // The page cache feeds stdin faster than the server takes it.
  const long stream_mib = rss_mib({"-"}, large);
  EXPECT_LT(stream_mib, 120);
  std::printf("peak RSS: %zu MB %ld MiB, %zu MB %ld MiB, from stdin %ld MiB\n", large_mb / 10,
              small_mib, large_mb, large_mib, stream_mib);
}

#endif

}  // namespace
}  // namespace sluice::test
