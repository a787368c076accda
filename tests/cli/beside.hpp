#pragma once

#include <gmock/gmock.h>

#include <csignal>
#include <fstream>

#include "support/database.hpp"
#include "support/files.hpp"
#include "support/gate.hpp"
#include "support/process.hpp"

namespace sluice::test {

/// What others do beside a load, to its table, its file and the ledger: rows are never left out or
/// doubled without a word.
class Beside : public DatabaseTest {
 protected:
  std::vector<std::string> command(const std::string& file, const std::string& table,
                                   std::vector<std::string> more = {}) const {
    std::vector<std::string> all{"load", file, "-t", table, "--progress", "none", "-d", url()};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  Finished load(const std::string& file, const std::string& table,
                const std::vector<std::string>& more = {}, Process::Options options = {}) {
    return pgsluice(command(file, table, more), std::move(options));
  }
  std::string ids(const std::string& table) {
    return db().value("select coalesce(string_agg(id::text, ' ' order by id), '') from " + table);
  }
  /// A file of many chunks.
  std::string big() {
    std::string csv = "id,v,w\n";
    for (int i = 0; i < 60'000; ++i) csv += std::to_string(i) + ",01/02/2020,some text\n";
    return folder_.write("big.csv", csv);
  }
  std::vector<std::string> in_chunks(const std::string& file, const std::string& table) const {
    return command(file, table, {"--chunk-size", "32KiB", "-j", "2"});
  }
  /// A load of big() is: it waits in front of the gate, and the half of its chunks are to come.
  Gate half_way(const std::string& table) const { return {url(), table, "id >= 30000"}; }
  bool is_under_way(Gate& gate) {
    return gate.is_reached() && comes_true(
                                    "select count(*) > 2 from pgsluice.chunks join pgsluice.loads "
                                    "using (load_id) where state = 'unfinished'");
  }
  /// ... and what the server does for it has ended.
  void kill(Process& process, Gate& gate) {
    process.signal(SIGKILL);
    process.wait();
    gate.open();
    ASSERT_TRUE(no_session_left());
  }
  void append(const std::string& file, const std::string& text) const {
    std::ofstream(file, std::ios::app) << text;
  }

  TemporaryFolder folder_;
};

}  // namespace sluice::test
