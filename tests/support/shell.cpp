#include "support/shell.hpp"

#include <filesystem>

namespace sluice::test {

Finished shell(const std::string& command, const std::string& folder, PGconn* server,
               const std::string& database) {
  const auto of = [](const char* text) { return std::string(text == nullptr ? "" : text); };
  const std::string path = std::filesystem::path(PGSLUICE_BINARY).parent_path().string();
  return Process({"-c", "cd " + folder + " && " + command},
                 {.input = "",
                  .environment = {"PATH=" + path + ":/usr/bin:/bin", "PGHOST=" + of(PQhost(server)),
                                  "PGPORT=" + of(PQport(server)), "PGUSER=" + of(PQuser(server)),
                                  "PGPASSWORD=" + of(PQpass(server)), "PGDATABASE=" + database},
                  .program = "/bin/bash"})
      .wait();
}

}  // namespace sluice::test
