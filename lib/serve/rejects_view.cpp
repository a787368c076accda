#include "serve/rejects_view.hpp"

#include <filesystem>
#include <fstream>

#include "base/limits.hpp"
#include "base/path_text.hpp"

namespace sluice::serve {
namespace {

/// Only what lies in the folder is given out, whatever the ledger names.
std::filesystem::path place_of(const ledger::LoadEntry& load, const std::string& folder,
                               const std::string& ending) {
  std::filesystem::path path = path_of_text(load.rejects_path);
  const std::filesystem::path parent = path.parent_path();
  const bool is_here = parent.empty() || parent == folder;
  if (load.rejects_path.empty() || folder.empty() || !is_here || path.filename().empty())
    throw Refused{404, "load " + std::to_string(load.id.value) + " has no rejects here"};
  path = std::filesystem::path(folder) / path.filename();
  return ending == ".csv" ? path : path.replace_extension(ending);
}

}  // namespace

asio::awaitable<void> send_rejects(Exchange& exchange, const ledger::LoadEntry& load,
                                   const std::string& folder, const std::string& ending) {
  const std::filesystem::path path = place_of(load, folder, ending);
  std::ifstream file(path, std::ios::binary);
  if (!file.is_open() || !std::filesystem::is_regular_file(path))
    throw Refused{404, load.totals.rows_rejected == 0
                           ? "load " + std::to_string(load.id.value) + " rejected nothing"
                           : "the rejects of load " + std::to_string(load.id.value) +
                                 " are on another host, or somebody has taken them away"};
  Answer head{.headers = {{"Content-Disposition", "attachment; filename=\"load-" +
                                                      std::to_string(load.id.value) + ".rejects" +
                                                      ending + "\""}},
              .type = ending == ".csv" ? "text/csv" : "application/jsonl"};
  co_await exchange.begin(std::move(head));
  for (;;) {
    std::string part(limits::serve_read_bytes, '\0');
    file.read(part.data(), static_cast<std::streamsize>(part.size()));
    part.resize(static_cast<std::size_t>(file.gcount()));
    if (part.empty()) co_return;
    co_await exchange.write(std::move(part));
  }
}

}  // namespace sluice::serve
