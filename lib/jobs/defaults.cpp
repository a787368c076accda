#include "jobs/defaults.hpp"

#include <sys/stat.h>
#include <toml++/toml.h>
#include <unistd.h>

#include <optional>
#include <sstream>

#include "base/failure.hpp"

namespace sluice::jobs {
namespace {

/// As in the file, without its quotes; nothing of what is no value of a flag.
std::optional<std::string> text_of(const toml::node& node) {
  if (node.is_string()) {
    const std::string& text = node.as_string()->get();
    if (text.contains('\0')) return std::nullopt;
    return text;
  }
  if (node.is_integer()) return std::to_string(node.as_integer()->get());
  if (node.is_boolean()) return node.as_boolean()->get() ? "true" : "false";
  if (!node.is_floating_point()) return std::nullopt;
  std::ostringstream text;
  text << node.as_floating_point()->get();
  return text.str();
}

class DefaultsReader {
 public:
  explicit DefaultsReader(const std::string& path) : path_(path) {}

  std::vector<Default> read() {
    require_trust();
    try {
      add_table(toml::parse_file(path_), {});
    } catch (const toml::parse_error& error) {
      const toml::source_position at = error.source().begin;
      throw Failure(FailureKind::usage, (at.line == 0 ? path_ : place_of(error.source())) + ": " +
                                            std::string(error.description()));
    }
    return std::move(defaults_);
  }

 private:
  /// With a HOME that is somebody else's, as sudo may leave it, their wishes would be ours.
  void require_trust() const {
    struct stat status{};
    if (::stat(path_.c_str(), &status) != 0) return;  // whoever reads it says so
    const bool is_ours = status.st_uid == ::geteuid() || status.st_uid == 0;
    if (is_ours && (status.st_mode & S_IWOTH) == 0) return;
    throw Failure(FailureKind::usage,
                  path_ + ": " +
                      (is_ours ? "anybody may write to it: chmod o-w"
                               : "it belongs to somebody else than who runs this") +
                      " (PGSLUICE_DEFAULTS=none leaves it out)");
  }
  std::string place_of(const toml::source_region& region) const {
    return path_ + ":" + std::to_string(region.begin.line) + ":" +
           std::to_string(region.begin.column);
  }
  void add_table(const toml::table& table, const std::vector<std::string>& command) {
    for (const auto& [key, node] : table) {
      const std::string name(key.str());
      if (node.is_table()) {
        std::vector<std::string> below = command;
        below.push_back(name);
        add_table(*node.as_table(), below);
        continue;
      }
      defaults_.push_back({.command = command,
                           .flag = name,
                           .values = values_of(node),
                           .is_switch = node.is_boolean(),
                           .place = place_of(key.source())});
    }
  }
  std::vector<std::string> values_of(const toml::node& node) const {
    std::vector<std::string> values;
    const auto add = [this, &values](const toml::node& one) {
      const auto text = text_of(one);
      if (!text)
        throw Failure(FailureKind::usage, place_of(one.source()) +
                                              ": this is no value of a flag: write a text in "
                                              "quotes, a number, true or false, or [several]");
      values.push_back(*text);
    };
    if (!node.is_array()) {
      add(node);
      return values;
    }
    for (const toml::node& one : *node.as_array()) add(one);
    return values;
  }

  std::string path_;
  std::vector<Default> defaults_;
};

}  // namespace

std::vector<Default> read_defaults(const std::string& path) { return DefaultsReader(path).read(); }

}  // namespace sluice::jobs
