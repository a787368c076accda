#include "app/lint_output.hpp"

#include <set>

#include "app/output.hpp"
#include "base/printable.hpp"

namespace sluice::app {
namespace {

using lint::Level;
using nlohmann::ordered_json;

std::string indented_safer(const std::string& lines) {
  std::string text;
  std::size_t at = 0;
  while (at <= lines.size()) {
    const std::size_t end = std::min(lines.find('\n', at), lines.size());
    text += "      " + cell(lines.substr(at, end - at)) + "\n";
    at = end + 1;
  }
  return text;
}

std::string counted(std::size_t count, const char* what) {
  return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

/// What GitHub takes for the end of a message, or of a property.
std::string escaped(const std::string& text, bool is_property) {
  std::string result;
  for (const char c : text) {
    switch (c) {
      case '%': result += "%25"; break;
      case '\r': result += "%0D"; break;
      case '\n': result += "%0A"; break;
      case ':': result += is_property ? "%3A" : ":"; break;
      case ',': result += is_property ? "%2C" : ","; break;
      default: result += c;
    }
  }
  return result;
}

/// A path as a relative reference (RFC 3986).
std::string uri_of(const std::string& path) {
  static constexpr std::string_view plain =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/";
  static constexpr std::string_view digits = "0123456789ABCDEF";
  std::string uri;
  for (const char c : path) {
    const auto byte = static_cast<unsigned char>(c);
    if (plain.find(c) != std::string_view::npos) {
      uri += c;
    } else {
      uri += {'%', digits[byte / 16], digits[byte % 16]};
    }
  }
  return uri;
}

std::string_view sarif_level(Level level) { return name_of(level); }

ordered_json sarif_rule(const lint::Rule& rule) {
  return {{"id", rule.name},
          {"shortDescription", {{"text", rule.finds}}},
          {"fullDescription", {{"text", "Harm: " + std::string(rule.harm)}}},
          {"help",
           {{"text",
             "Harmless: " + std::string(rule.harmless) + "\nSafer:\n" + std::string(rule.safer)}}},
          {"defaultConfiguration", {{"level", sarif_level(rule.level)}, {"enabled", rule.is_on}}}};
}

}  // namespace

std::string text_of(const LintedFiles& linted) {
  std::string text;
  for (const auto& [path, finding] : linted.found) {
    text += cell(path) + ":" + std::to_string(finding.place.line) + ":" +
            std::to_string(finding.place.column) + ": " + std::string(name_of(finding.level)) +
            ": " + cell(finding.message) + " [" + std::string(lint::rule(finding.id).name) + "]\n";
    if (!finding.excerpt.empty()) text += "    | " + cell(finding.excerpt) + "\n";
    if (!finding.safer.empty()) text += "    safer:\n" + indented_safer(finding.safer);
  }
  const std::string files = " in " + counted(linted.files, "file");
  if (linted.found.empty()) return text + "nothing found" + files + "\n";
  return text + counted(linted.count(Level::error), "error") + ", " +
         counted(linted.count(Level::warning), "warning") + ", " +
         counted(linted.count(Level::note), "note") + files + "\n";
}

ordered_json json_of(const LintedFiles& linted) {
  ordered_json json;
  json["files"] = linted.files;
  json["errors"] = linted.count(Level::error);
  json["warnings"] = linted.count(Level::warning);
  json["notes"] = linted.count(Level::note);
  json["findings"] = ordered_json::array();
  for (const auto& [path, finding] : linted.found) {
    const lint::Rule& rule = lint::rule(finding.id);
    json["findings"].push_back({{"rule", rule.name},
                                {"level", name_of(finding.level)},
                                {"file", path},
                                {"line", finding.place.line},
                                {"column", finding.place.column},
                                {"statement", finding.statement},
                                {"excerpt", finding.excerpt},
                                {"message", finding.message},
                                {"harm", rule.harm},
                                {"harmless", rule.harmless},
                                {"safer", finding.safer}});
  }
  return json;
}

std::string github_of(const LintedFiles& linted) {
  std::string text;
  for (const auto& [path, finding] : linted.found) {
    const std::string level =
        finding.level == Level::note ? "notice" : std::string(name_of(finding.level));
    std::string message = printable_line(finding.message);
    if (!finding.safer.empty()) message += "\nsafer:\n" + printable(finding.safer);
    text += "::" + level + " file=" + escaped(printable_line(path), true) +
            ",line=" + std::to_string(finding.place.line) +
            ",col=" + std::to_string(finding.place.column) +
            ",title=" + std::string(lint::rule(finding.id).name) + "::" + escaped(message, false) +
            "\n";
  }
  return text;
}

ordered_json sarif_of(const LintedFiles& linted) {
  ordered_json rules = ordered_json::array();
  for (const lint::Rule& rule : lint::rules()) rules.push_back(sarif_rule(rule));
  ordered_json results = ordered_json::array();
  for (const auto& [path, finding] : linted.found) {
    const std::string safer = finding.safer.empty() ? "" : "\nSafer:\n" + finding.safer;
    results.push_back(
        {{"ruleId", lint::rule(finding.id).name},
         {"ruleIndex", static_cast<std::size_t>(finding.id)},
         {"level", sarif_level(finding.level)},
         {"message", {{"text", finding.message + safer}}},
         {"locations",
          {{{"physicalLocation",
             {{"artifactLocation", {{"uri", uri_of(path)}}},
              {"region",
               {{"startLine", finding.place.line}, {"startColumn", finding.place.column}}}}}}}}});
  }
  return {
      {"$schema", "https://json.schemastore.org/sarif-2.1.0.json"},
      {"version", "2.1.0"},
      {"runs",
       {{{"tool",
          {{"driver", {{"name", "pgsluice"}, {"version", PGSLUICE_VERSION}, {"rules", rules}}}}},
         {"columnKind", "unicodeCodePoints"},
         {"results", results}}}}};
}

std::string rules_as_text() {
  std::string text;
  for (const lint::Rule& rule : lint::rules()) {
    std::string line(rule.name);
    line.resize(std::max<std::size_t>(line.size(), 46), ' ');
    line += rule.is_on ? name_of(rule.level) : "off";
    line.resize(std::max<std::size_t>(line.size(), 55), ' ');
    text += line + std::string(rule.finds) + "\n";
  }
  return text;
}

ordered_json rules_as_json() {
  ordered_json rules = ordered_json::array();
  for (const lint::Rule& rule : lint::rules()) {
    rules.push_back({{"rule", rule.name},
                     {"level", name_of(rule.level)},
                     {"on", rule.is_on},
                     {"finds", rule.finds},
                     {"harm", rule.harm},
                     {"harmless", rule.harmless},
                     {"safer", rule.safer}});
  }
  return {{"rules", rules}};
}

}  // namespace sluice::app
