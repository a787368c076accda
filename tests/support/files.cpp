#include "support/files.hpp"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace sluice::test {

TemporaryFolder::TemporaryFolder() : path_("/tmp/pgsluice-test.XXXXXX") {
  if (::mkdtemp(path_.data()) == nullptr) throw std::runtime_error("mkdtemp failed");
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string TemporaryFolder::write(const std::string& name, const std::string& bytes) const {
  std::ofstream out(path_ + "/" + name, std::ios::binary);
  out << bytes;
  if (!out.flush()) throw std::runtime_error("cannot write " + path_ + "/" + name);
  return path_ + "/" + name;
}

std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

std::vector<std::string> ledger_files() {
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(PGSLUICE_SOURCE_DIR "/sql/ledger"))
    if (entry.path().filename().string().starts_with("V")) files.push_back(entry.path().string());
  std::ranges::sort(files);
  return files;
}

}  // namespace sluice::test
