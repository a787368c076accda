#include "support/schema_dump.hpp"

#include <sstream>

#include "support/database.hpp"
#include "support/server.hpp"

namespace sluice::test {

bool can_be_dumped(const std::string& url) {
  const std::string dumps = output_of("pg_dump --version | sed 's/.* \\([0-9]*\\)\\..*/\\1/'");
  Session db(url);
  return std::stoi(dumps) >= db.number("select current_setting('server_version_num')::int / 10000");
}

std::string schema_dump(const std::string& url) {
  if (!can_be_dumped(url)) return "";
  std::istringstream dump(output_of("pg_dump -s -N pgsluice '" + url + "'"));
  std::string shown;
  for (std::string line; std::getline(dump, line);)
    if (!line.empty() && !line.starts_with("--") && !line.starts_with("\\")) shown += line + "\n";
  return shown;
}

}  // namespace sluice::test
