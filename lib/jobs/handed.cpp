#include "jobs/handed.hpp"

#include <functional>
#include <string_view>

namespace sluice::jobs {
namespace {

constexpr std::string_view flag = "--placeholder";

/// Replaces each "--placeholder name=value", in one argument or two, by what `write` makes of name
/// and value.
std::vector<std::string> with_values(
    const std::vector<std::string>& arguments,
    const std::function<void(std::vector<std::string>& into, const std::string& name,
                             const std::string& value)>& write) {
  std::vector<std::string> all;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string& argument = arguments[i];
    if (argument == "--") {
      all.insert(all.end(), arguments.begin() + static_cast<std::ptrdiff_t>(i), arguments.end());
      break;
    }
    std::string pair;
    const bool is_one = argument.starts_with(std::string(flag) + "=");
    if (is_one) {
      pair = argument.substr(flag.size() + 1);
    } else if (argument == flag && i + 1 < arguments.size()) {
      pair = arguments[i + 1];
    }
    const std::size_t equals = pair.find('=');
    if (equals == std::string::npos) {
      all.push_back(argument);
      continue;
    }
    if (!is_one) ++i;
    write(all, pair.substr(0, equals), pair.substr(equals + 1));
  }
  return all;
}

}  // namespace

Handed hand_values(const std::vector<std::string>& arguments,
                   const std::vector<std::string>& environment) {
  Handed handed{.arguments = {}, .environment = environment};
  std::size_t count = 0;
  handed.arguments = with_values(arguments, [&](auto& into, const auto& name, const auto& value) {
    const std::string variable = "PGSLUICE_HANDED_VALUE_" + std::to_string(++count);
    handed.environment.push_back(variable + "=" + value);
    into.push_back("--placeholder-env");
    into.push_back(name + "=" + variable);
  });
  return handed;
}

std::vector<std::string> shown_arguments(const std::vector<std::string>& arguments) {
  return with_values(arguments, [](auto& into, const auto& name, const auto&) {
    into.push_back(std::string(flag));
    into.push_back(name + "=***");
  });
}

}  // namespace sluice::jobs
