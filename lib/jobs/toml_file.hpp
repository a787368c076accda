#pragma once

#include <toml++/toml.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "base/names.hpp"
#include "jobs/config.hpp"

namespace sluice::jobs {

/// A file of TOML, and what is wrong in it. All throw Failure{usage} with its line and column.
/// `${NAME}` in a text is that variable of the environment, which outlives this.
class TomlFile {
 public:
  TomlFile(std::string path, const Environment& environment)
      : path_(std::move(path)), environment_(environment) {}

  toml::table parse() const;
  /// "pgsluice.toml:7:1"
  std::string place_of(const toml::source_position& at) const;
  std::string place_of(const toml::node& node) const { return place_of(node.source().begin); }
  [[noreturn]] void fail(const toml::node& node, const std::string& message) const;

  void expect_keys(const toml::table& table, const std::vector<std::string>& known) const;
  const toml::table& table(const toml::node& node) const;

  /// The text as it is written.
  std::string written(const toml::node& node) const;
  /// With the values of the environment.
  std::string expanded(const toml::node& node) const;
  std::optional<std::string> text(const toml::table& from, const char* key) const;
  std::vector<std::string> texts(const toml::table& from, const char* key) const;

  /// What is not given stays as it is.
  void set(const toml::table& from, const char* key, milliseconds& duration) const;
  void set(const toml::table& from, const char* key, std::size_t& count,
           const std::string& what) const;
  template <HasNames Choice>
  void set(const toml::table& from, const char* key, Choice& choice) const {
    const toml::node* const node = from.get(key);
    if (node == nullptr) return;
    const std::string name =
        node->is_integer() ? std::to_string(node->as_integer()->get()) : expanded(*node);
    const std::optional<Choice> found = value_named<Choice>(name);
    if (!found) {
      std::string names;
      for (const Named<Choice>& each : names_of(Choice{}))
        names += (names.empty() ? "" : ", ") + std::string(each.name);
      fail(*node, "\"" + name + "\": write one of " + names);
    }
    choice = *found;
  }

 private:
  std::string path_;
  const Environment& environment_;
};

}  // namespace sluice::jobs
