#include "app/placeholder_flags.hpp"

#include <cstdlib>
#include <fstream>
#include <iterator>

#include "base/failure.hpp"
#include "tuple/utf8.hpp"

namespace sluice::app {
namespace {

/// The value of an argument that the CLI has checked: name=value.
std::pair<std::string, std::string> parted(const std::string& one) {
  const std::size_t equals = one.find('=');
  return {one.substr(0, equals), one.substr(equals + 1)};
}

/// A file's content, without the newline that an editor has put at its end.
std::string value_in_file(const std::string& name, const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::string value((std::istreambuf_iterator<char>(in)), {});
  if (!in)
    throw Failure(FailureKind::usage,
                  "--placeholder-file " + name + ": " + path + ": cannot be read");
  if (value.ends_with('\n')) value.pop_back();
  if (value.ends_with('\r')) value.pop_back();
  return value;
}

}  // namespace

void add_placeholder_flags(CLI::App& command, PlaceholderFlags& flags) {
  const auto add_placeholder = [&command](const std::string& flag, std::vector<std::string>& values,
                                          const char* form, const std::string& help) {
    // What stands there may be a secret that lacks its name: it is not shown.
    const auto check = [form](const std::string& one) {
      const std::size_t equals = one.find('=');
      const bool ok = equals != std::string::npos && equals > 0;
      return ok ? std::string() : "write " + std::string(form);
    };
    command.add_option(flag, values, help)->check(check)->option_text(form);
  };
  add_placeholder("--placeholder", flags.values, "NAME=VALUE",
                  "a value for ${name}, :'name' and :\"name\" in files that declare it");
  add_placeholder("--placeholder-env", flags.variables, "NAME=VARIABLE",
                  "the same, as a variable of the environment has it: ps shows no value");
  add_placeholder("--placeholder-file", flags.files, "NAME=FILE", "the same, as a file has it");
}

script::Placeholders placeholders_of(const PlaceholderFlags& flags) {
  script::Placeholders values;
  const auto add = [&values](const char* flag, const std::string& name, const std::string& value) {
    if (tuple::find_invalid_utf8(name) || tuple::find_invalid_utf8(value) || value.contains('\0'))
      throw Failure(FailureKind::usage, std::string(flag) + ": the value of \"" + name +
                                            "\" is no UTF-8 text, in which it is wanted");
    if (!values.emplace(name, value).second)
      throw Failure(FailureKind::usage,
                    std::string(flag) + ": \"" + name + "\" has a value already");
  };
  for (const std::string& one : flags.values) {
    const auto [name, value] = parted(one);
    add("--placeholder", name, value);
  }
  for (const std::string& one : flags.variables) {
    const auto [name, variable] = parted(one);
    const char* const value = std::getenv(variable.c_str());
    if (value == nullptr)
      throw Failure(FailureKind::usage,
                    "--placeholder-env " + name + ": the environment has no " + variable);
    add("--placeholder-env", name, value);
  }
  for (const std::string& one : flags.files) {
    const auto [name, path] = parted(one);
    add("--placeholder-file", name, value_in_file(name, path));
  }
  return values;
}

}  // namespace sluice::app
