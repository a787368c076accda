#include "sniff/naming.hpp"

#include <cctype>

#include "base/characters.hpp"
#include "base/identifier.hpp"

namespace sluice::sniff {
namespace {

/// Letters and digits, in lower case; all else becomes underscores.
std::string plain(const std::string& name) {
  std::string made;
  for (const char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    const bool is_kept = std::isalnum(byte) != 0 || byte >= 0x80;
    made += is_kept ? static_cast<char>(std::tolower(byte)) : '_';
  }
  return made;
}

}  // namespace

std::string snake(const std::string& name) {
  std::string made;
  for (const char c : plain(name)) {
    if (c != '_' || (!made.empty() && made.back() != '_')) made += c;
  }
  if (made.ends_with('_')) made.pop_back();
  return made;
}

std::string cut(const std::string& name, const std::string& end) {
  return name.substr(0, whole_characters(name, name_bytes_max - end.size())) + end;
}

std::string table_of_file(std::filesystem::path file) {
  while (file.has_extension()) file = file.stem();
  const std::string name = cut(plain(file.filename().string()));
  return name_in_sql(name.empty() || name == "_" ? "data" : name);
}

}  // namespace sluice::sniff
