#include "jobs/hook_config.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "base/failure.hpp"
#include "http/address.hpp"

namespace sluice::jobs {
namespace {

namespace fs = std::filesystem;

constexpr const char* how_to_write =
    "write an https URL, or a command as a list: [\"notify\", \"--channel\", \"db\"]; a shell runs "
    "where it is written: [\"sh\", \"-c\", \"...\"]";

bool is_program(const fs::path& path) {
  std::error_code unknown;
  return fs::is_regular_file(path, unknown) && ::access(path.c_str(), X_OK) == 0;
}

bool is_in_path(const std::string& name) {
  const char* const given = std::getenv("PATH");
  std::string rest = given == nullptr ? "/bin:/usr/bin" : given;
  for (;;) {
    const std::size_t colon = rest.find(':');
    const std::string folder = rest.substr(0, colon);
    if (is_program(fs::path(folder.empty() ? "." : folder) / name)) return true;
    if (colon == std::string::npos) return false;
    rest.erase(0, colon + 1);
  }
}

/// It puts the values of variables in itself.
bool is_shell(const std::vector<std::string>& command) {
  const std::string name = fs::path(command.front()).filename().string();
  return name.ends_with("sh") && command.size() > 1 && command[1].starts_with("-") &&
         command[1].ends_with("c");
}

/// Nobody between here and there reads what is on its way.
bool is_of_this_machine(const http::Address& address) {
  const std::string host = address.origin.substr(address.origin.find("//") + 2);
  return std::ranges::any_of(
      std::array{"127.0.0.1", "localhost", "[::1]"},
      [&host](const std::string& name) { return host == name || host.starts_with(name + ":"); });
}

/// Without the port where it is the usual one.
std::string shown_origin(const http::Address& address) {
  const std::string usual = address.is_secure() ? ":443" : ":80";
  const std::string& origin = address.origin;
  return origin.ends_with(usual) ? origin.substr(0, origin.size() - usual.size()) : origin;
}

std::string read_url(const TomlFile& file, const toml::node& node, const std::string& key) {
  const std::string url = file.expanded(node);
  if (!http::is_url(url)) file.fail(node, key + ": " + how_to_write);
  try {
    const http::Address address = http::address_of(url);
    if (!address.is_secure() && !is_of_this_machine(address))
      file.fail(node,
                key + ": " + shown_origin(address) + ": write https, as others could read it");
  } catch (const Failure& failure) {
    if (std::string(failure.what()).starts_with(file.place_of(node))) throw;
    file.fail(node, key + ": " + failure.problem());
  }
  return url;
}

/// What the arguments of a program are, ps shows to everybody: no value of the environment gets in.
std::vector<std::string> read_command(const TomlFile& file, const toml::node& node,
                                      const std::string& key, const HookPlace& place) {
  std::vector<std::string> command;
  for (const toml::node& one : *node.as_array()) command.push_back(file.written(one));
  if (command.empty()) return command;
  std::string& program = command.front();
  if (program.empty()) file.fail(node, key + ": " + how_to_write);
  for (const toml::node& one : *node.as_array()) {
    if (is_shell(command) || !file.written(one).contains("${")) continue;
    file.fail(one, key +
                       ": a command has no ${NAME}, as ps would show its value: the program has "
                       "the scheduler's environment");
  }
  if (program.contains('/')) {
    const fs::path whole =
        fs::path(program).is_absolute() ? fs::path(program) : place.folder / program;
    if (place.is_called && !is_program(whole))
      file.fail(node, key + ": " + whole.string() + ": there is no such program");
    program = fs::absolute(whole).lexically_normal().string();
  } else if (place.is_called && !is_in_path(program)) {
    file.fail(node, key + ": " + program + ": there is no such program in the folders of PATH");
  }
  return command;
}

}  // namespace

std::string Hook::shown() const {
  if (url.empty()) return command.empty() ? "" : command.front();
  return shown_origin(http::address_of(url));
}

Hooks read_hooks(const TomlFile& file, const toml::table& from, const HookPlace& place,
                 const Hooks& otherwise) {
  Hooks hooks = otherwise;
  for (const auto& [kind, name] : names_of(HookKind())) {
    const std::string key(name);
    const toml::node* const node = from.get(key);
    if (node == nullptr) continue;
    Hook& hook = Hooks::of(hooks, kind);
    hook.command.clear();
    hook.url.clear();
    if (node->is_array()) {
      hook.command = read_command(file, *node, key, place);
    } else {
      hook.url = read_url(file, *node, key);
    }
  }
  return hooks;
}

}  // namespace sluice::jobs
