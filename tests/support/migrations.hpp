#pragma once

#include <string>
#include <vector>

#include "support/database.hpp"
#include "support/process.hpp"

namespace sluice::test {

/// A folder of migrations and an empty database.
class MigrationTest : public DatabaseTest {
 protected:
  MigrationTest() = default;
  explicit MigrationTest(const std::string& server_url) : DatabaseTest(server_url) {}

  void write(const std::string& file, const std::string& sql) { folder_.write(file, sql); }
  const std::string& folder() const { return folder_.path(); }
  std::string path(const std::string& file) const { return folder_ / file; }

  std::vector<std::string> command(const std::string& subcommand,
                                   std::vector<std::string> more = {}) const {
    std::vector<std::string> all{"migrate", subcommand, "--dir", folder_.path(), "-d", url()};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  Finished migrate(const std::string& subcommand, std::vector<std::string> more = {}) const {
    return pgsluice(command(subcommand, std::move(more)));
  }
  Finished up(std::vector<std::string> more = {}) const { return migrate("up", std::move(more)); }

  /// "1 applied, 2 failed": what the history knows, in its order.
  std::string history() {
    return db().value(
        "select coalesce(string_agg(coalesce(version::text, file) || ' ' || state, ', ' order by "
        "migration_id), '') from pgsluice.migrations where project = 'default'");
  }
  bool has_table(const std::string& table) {
    return db().value("select to_regclass('" + table + "')") == table;
  }

 private:
  TemporaryFolder folder_;
};

}  // namespace sluice::test
