#include "jobs/handed.hpp"

#include <optional>
#include <string_view>

#include "script/secret_arguments.hpp"

namespace sluice::jobs {
namespace {

/// A flag whose value may be a secret, and the value.
struct Given {
  std::string_view flag;
  std::string value;
  std::size_t arguments = 1;  ///< in which both stand
};

/// "--flag value", "--flag=value", or "-fvalue".
std::optional<Given> given_at(const std::vector<std::string>& arguments, std::size_t index,
                              std::string_view flag) {
  const std::string& one = arguments[index];
  if (one == flag) {
    if (index + 1 == arguments.size()) return std::nullopt;
    return Given{flag, arguments[index + 1], 2};
  }
  const std::string begin = std::string(flag) + (flag.starts_with("--") ? "=" : "");
  if (!one.starts_with(begin)) return std::nullopt;
  return Given{flag, one.substr(begin.size())};
}

std::optional<Given> given_at(const std::vector<std::string>& arguments, std::size_t index) {
  for (const char* flag : {"--placeholder", "--migrate-url", "--dbname", "-d"})
    if (auto given = given_at(arguments, index, flag)) return given;
  return std::nullopt;
}

/// The variable is found before an inherited one of its name, and there is one of each.
void set(std::vector<std::string>& environment, const std::string& name, const std::string& value) {
  std::erase_if(environment,
                [&name](const std::string& variable) { return variable.starts_with(name + "="); });
  environment.push_back(name + "=" + value);
}

/// False where nothing of it is a secret.
bool hand(const Given& given, std::size_t count, Handed& handed) {
  if (given.flag != "--placeholder") {
    if (script::secrets_in_connection(given.value).empty()) return false;
    set(handed.environment, given.flag == "--migrate-url" ? handed_migrate_url : handed_connection,
        given.value);
    return true;
  }
  const std::size_t equals = given.value.find('=');
  if (equals == std::string::npos) return false;
  const std::string variable = "PGSLUICE_HANDED_VALUE_" + std::to_string(count);
  set(handed.environment, variable, given.value.substr(equals + 1));
  handed.arguments.push_back("--placeholder-env");
  handed.arguments.push_back(given.value.substr(0, equals) + "=" + variable);
  return true;
}

}  // namespace

Handed hand_values(const std::vector<std::string>& arguments,
                   const std::vector<std::string>& environment) {
  Handed handed{.arguments = {}, .environment = environment};
  bool may_be_flag = true;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    may_be_flag = may_be_flag && arguments[i] != "--";
    const auto given = may_be_flag ? given_at(arguments, i) : std::nullopt;
    if (given && hand(*given, i, handed)) {
      i += given->arguments - 1;
    } else {
      handed.arguments.push_back(arguments[i]);
    }
  }
  return handed;
}

}  // namespace sluice::jobs
