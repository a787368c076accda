#include "base/memory_limit.hpp"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>

namespace sluice {
namespace {

namespace fs = std::filesystem;

/// "max", as nothing, is no limit.
void narrow(std::uint64_t& limit, const fs::path& file) {
  std::ifstream in(file);
  std::uint64_t bytes = 0;
  if (in >> bytes) limit = std::min(limit, bytes);
}

/// Each group is bound by those that it is in.
void narrow_by_groups(std::uint64_t& limit, const fs::path& root, fs::path group,
                      const char* file) {
  for (;; group = group.parent_path()) {
    narrow(limit, root / group.relative_path() / file);
    if (!group.has_relative_path()) return;
  }
}

}  // namespace

// https://docs.kernel.org/admin-guide/cgroup-v2.html: "0::/path"; of version 1: "4:memory:/path".
// In a container the path may be the host's, which is not there: the group itself is the root then.
std::uint64_t memory_limit() {
  std::uint64_t limit = static_cast<std::uint64_t>(::sysconf(_SC_PHYS_PAGES)) *
                        static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  const fs::path root = "/sys/fs/cgroup";
  std::ifstream groups("/proc/self/cgroup");
  for (std::string line; std::getline(groups, line);) {
    const std::size_t names = line.find(':');
    const std::size_t path = line.find(':', names + 1);
    if (path == std::string::npos) continue;
    const std::string controllers = line.substr(names + 1, path - names - 1);
    const fs::path group = line.substr(path + 1);
    if (controllers.empty()) narrow_by_groups(limit, root, group, "memory.max");
    if (("," + controllers + ",").contains(",memory,"))
      narrow_by_groups(limit, root / "memory", group, "memory.limit_in_bytes");
  }
  return limit;
}

}  // namespace sluice
