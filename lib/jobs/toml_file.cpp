#include "jobs/toml_file.hpp"

#include <algorithm>

#include "base/failure.hpp"
#include "base/quantity.hpp"
#include "base/suggestion.hpp"

namespace sluice::jobs {

std::string TomlFile::place_of(const toml::source_position& at) const {
  return path_ + ":" + std::to_string(at.line) + ":" + std::to_string(at.column);
}

void TomlFile::fail(const toml::node& node, const std::string& message) const {
  throw Failure(FailureKind::usage, place_of(node) + ": " + message);
}

toml::table TomlFile::parse() const {
  try {
    return toml::parse_file(path_);
  } catch (const toml::parse_error& error) {
    const toml::source_position at = error.source().begin;
    throw Failure(FailureKind::usage,
                  (at.line == 0 ? path_ : place_of(at)) + ": " + std::string(error.description()));
  }
}

void TomlFile::expect_keys(const toml::table& table, const std::vector<std::string>& known) const {
  for (const auto& [key, node] : table) {
    const std::string name(key.str());
    if (std::ranges::find(known, name) != known.end()) continue;
    const auto meant = nearest(name, known);
    throw Failure(FailureKind::usage, place_of(key.source().begin) + ": unknown key \"" + name +
                                          "\"" + (meant ? "; did you mean " + *meant + "?" : ""));
  }
}

const toml::table& TomlFile::table(const toml::node& node) const {
  if (!node.is_table()) fail(node, "a table is expected here");
  return *node.as_table();
}

std::string TomlFile::written(const toml::node& node) const {
  if (!node.is_string()) fail(node, "a text in quotes is expected here");
  std::string text = node.as_string()->get();
  if (text.contains('\0')) fail(node, "a character 0 stands here, which no argument can hold");
  return text;
}

std::string TomlFile::expanded(const toml::node& node) const {
  std::string rest = written(node);
  std::string result;
  for (std::size_t at = 0; (at = rest.find("${")) != std::string::npos;) {
    const std::size_t end = rest.find('}', at);
    if (end == std::string::npos) break;
    const std::string name = rest.substr(at + 2, end - at - 2);
    const auto value = environment_(name);
    if (!value) fail(node, "the environment has no " + name);
    result += rest.substr(0, at) + *value;
    rest.erase(0, end + 1);
  }
  return result + rest;
}

std::optional<std::string> TomlFile::text(const toml::table& from, const char* key) const {
  const toml::node* const node = from.get(key);
  if (node == nullptr) return std::nullopt;
  return expanded(*node);
}

std::vector<std::string> TomlFile::texts(const toml::table& from, const char* key) const {
  std::vector<std::string> all;
  const toml::node* const node = from.get(key);
  if (node == nullptr) return all;
  if (!node->is_array()) return {expanded(*node)};
  for (const toml::node& one : *node->as_array()) all.push_back(expanded(one));
  return all;
}

void TomlFile::set(const toml::table& from, const char* key, milliseconds& duration) const {
  const toml::node* const node = from.get(key);
  if (node == nullptr) return;
  const auto parsed = parse_duration(expanded(*node));
  if (!parsed) fail(*node, parsed.error());
  duration = *parsed;
}

void TomlFile::set(const toml::table& from, const char* key, std::size_t& count,
                   const std::string& what) const {
  const toml::node* const node = from.get(key);
  if (node == nullptr) return;
  if (!node->is_integer() || node->as_integer()->get() < 0) fail(*node, what);
  count = static_cast<std::size_t>(node->as_integer()->get());
}

}  // namespace sluice::jobs
