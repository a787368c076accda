#include <atomic>
#include <cstdlib>
#include <fstream>
#include <thread>

#include "serve/server.hpp"

namespace sluice::test {
namespace {

/// From the environment, for who wants more of it.
std::size_t number_of(const char* variable, std::size_t usual) {
  const char* const given = std::getenv(variable);
  return given == nullptr ? usual : std::stoul(given);
}

class ServeMany : public Serve {
 protected:
  /// Of /proc/PID/status, in KiB.
  std::size_t kib_of_server(const std::string& name) {
    std::ifstream status("/proc/" + std::to_string(server().pid()) + "/status");
    for (std::string line; std::getline(status, line);)
      if (line.starts_with(name + ":")) return std::stoul(line.substr(name.size() + 1));
    return 0;
  }
};

/// All at once, through a few loads: each is committed once, and those that wait are not in the
/// memory of the server. PGSLUICE_SERVE_UPLOADS=200 PGSLUICE_SERVE_UPLOAD_KIB=10240 is all of it.
TEST_F(ServeMany, UploadsAtOnceAreCommittedOnceEach) {
  const std::size_t uploads = number_of("PGSLUICE_SERVE_UPLOADS", 40);
  const std::size_t kib_each = number_of("PGSLUICE_SERVE_UPLOAD_KIB", 512);
  constexpr std::size_t row_bytes = 1024;
  constexpr std::size_t kib_max = 64 * 1024;
  db().run("create table many (upload int, row int, b text)");
  start({"--max-loads", "4", "--max-queue", std::to_string(uploads), "--max-connections",
         std::to_string(uploads + 10)});
  std::atomic<std::size_t> committed = 0;
  const auto upload = [&](std::size_t number) {
    std::string body = "upload,row,b\n";
    const std::string filling(row_bytes - 20, static_cast<char>('a' + number % 26));
    for (std::size_t row = 0; body.size() < kib_each * 1024; ++row)
      body += std::to_string(number) + "," + std::to_string(row) + "," + filling + "\n";
    const auto answer =
        call("POST", "/v1/tables/public.many/loads", body, {{"Content-Type", "text/csv"}});
    if (answer.status == 201) ++committed;
    EXPECT_EQ(201, answer.status) << answer.body;
  };
  {
    std::vector<std::jthread> clients;
    for (std::size_t number = 0; number < uploads; ++number) clients.emplace_back(upload, number);
  }
  EXPECT_EQ(uploads, committed);
  EXPECT_EQ(static_cast<std::int64_t>(uploads), finished_loads());
  const std::string all = std::to_string(uploads);
  EXPECT_EQ(all, db().value("select count(distinct upload) from many"));
  EXPECT_EQ("0", db().value("select count(*) from (select from many group by upload having "
                            "count(*) <> count(distinct row) or count(*) <> max(row) + 1 or "
                            "sum(length(b)) < " +
                            std::to_string(kib_each * 1024 * 9 / 10) + ") wrong"));
  EXPECT_LT(kib_of_server("VmHWM"), kib_max);
  RecordProperty("kib_of_server", static_cast<int>(kib_of_server("VmHWM")));
}

}  // namespace
}  // namespace sluice::test
