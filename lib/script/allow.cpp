#include "script/allow.hpp"

#include "base/trimmed.hpp"

namespace sluice::script {
namespace {

constexpr std::string_view allow_form = "write: allow RULE because REASON";

/// Passes the next word, which a blank or a comma ends.
std::string_view take_word(std::string_view& text) {
  text = trimmed(text);
  const std::string_view word = text.substr(0, text.find_first_of(" \t\r\n,"));
  text.remove_prefix(word.size());
  return word;
}

}  // namespace

bool is_allow(std::string_view directive) {
  return take_word(directive) == "allow" &&
         (directive.empty() || trimmed(directive).size() < directive.size());
}

std::expected<Allow, std::string> read_allow(std::string_view directive) {
  Allow allow;
  take_word(directive);
  for (;;) {
    const std::string_view rule = take_word(directive);
    if (rule.empty() || rule == "because")
      return std::unexpected("allow: it needs a rule; " + std::string(allow_form));
    allow.rules.emplace_back(rule);
    directive = trimmed(directive);
    if (!directive.starts_with(',')) break;
    directive.remove_prefix(1);
  }
  if (take_word(directive) != "because" || trimmed(directive).empty())
    return std::unexpected("allow " + allow.rules.front() + ": it needs a reason; " +
                           std::string(allow_form));
  allow.reason = trimmed(directive);
  return allow;
}

}  // namespace sluice::script
