#include "base/reject_name.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>

namespace sluice {
namespace {

bool take_suffix(std::string_view& name, std::string_view suffix) {
  if (!name.ends_with(suffix)) return false;
  name.remove_suffix(suffix.size());
  return true;
}

/// Whether a file begins like the reasons of a load.
bool has_reasons(const std::filesystem::path& path) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) return false;
  std::string line;
  std::ifstream in(path, std::ios::binary);
  constexpr std::size_t enough = 4096;
  line.resize(enough);
  in.read(line.data(), static_cast<std::streamsize>(line.size()));
  line.resize(static_cast<std::size_t>(in.gcount()));
  return line.starts_with("{\"file\":") && line.contains("\"byte_offset\":") &&
         line.contains("\"record\":");
}

}  // namespace

bool is_reject_name(std::string_view name) {
  // One that is being put in order: "trips.rejects.csv.0123456789abcdef.tmp".
  constexpr std::size_t random_digits = 16;
  if (take_suffix(name, ".tmp") && name.size() > random_digits) {
    const std::string_view digits = name.substr(name.size() - random_digits);
    const bool is_random = digits.find_first_not_of("0123456789abcdef") == std::string_view::npos;
    if (is_random && name[name.size() - random_digits - 1] == '.')
      name = name.substr(0, name.size() - random_digits - 1);
  }
  if (!take_suffix(name, ".csv") && !take_suffix(name, ".jsonl")) return false;
  const std::size_t dot = name.rfind('.');
  if (dot == std::string_view::npos) return false;
  const std::string_view last = name.substr(dot + 1);
  const bool is_number =
      !last.empty() && std::ranges::all_of(last, [](const char c) { return c >= '0' && c <= '9'; });
  if (is_number) name = name.substr(0, dot);
  return name.ends_with(".rejects") && name.size() > std::string_view(".rejects").size();
}

bool is_reject_file(const std::string& path) {
  const std::filesystem::path whole(path);
  if (is_reject_name(whole.filename().string())) return true;
  std::filesystem::path reasons = whole;
  if (whole.extension() == ".csv") {
    reasons.replace_extension(".jsonl");
  } else {
    reasons += ".jsonl";
  }
  return has_reasons(reasons) || (whole.extension() == ".jsonl" && has_reasons(whole));
}

}  // namespace sluice
