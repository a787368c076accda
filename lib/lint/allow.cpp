#include "lint/allow.hpp"

#include <algorithm>

#include "base/suggestion.hpp"
#include "script/allow.hpp"

namespace sluice::lint {
namespace {

/// To which statement a directive at this offset belongs. Behind the last one: to the last one.
std::size_t statement_of(std::string_view text, const script::Lexed& lexed, std::size_t offset) {
  const auto next = std::ranges::lower_bound(lexed.statements, offset, {}, &script::Statement::end);
  const auto index = static_cast<std::size_t>(next - lexed.statements.begin());
  if (index == 0) return 0;
  const std::size_t before = lexed.statements[index - 1].end;
  const bool is_same_line =
      text.substr(before, offset - before).find('\n') == std::string_view::npos;
  const bool is_inside = next != lexed.statements.end() && next->begin < offset;
  return is_same_line && !is_inside ? index - 1 : std::min(index, lexed.statements.size() - 1);
}

}  // namespace

void Allowed::remove_from(std::vector<Finding>& findings) {
  std::erase_if(findings, [this](const Finding& finding) {
    bool is_allowed = false;
    const auto [begin, end] = all_.equal_range(finding.statement - 1);
    for (auto found = begin; found != end; ++found) {
      One& one = found->second;
      if (one.id != finding.id) continue;
      one.is_used = true;
      is_allowed = true;
    }
    return is_allowed;
  });
}

std::vector<Allowed::One> Allowed::unused() const {
  std::vector<One> found;
  for (const auto& [statement, one] : all_)
    if (!one.is_used) found.push_back(one);
  return found;
}

std::expected<Allowed, WrongAllow> read_allowed(std::string_view text, const script::Lexed& lexed,
                                                std::size_t statements_before) {
  Allowed all;
  for (const script::Directive& directive : lexed.directives) {
    const std::string_view words = text.substr(directive.begin, directive.end - directive.begin);
    if (!directive.is_allow) continue;
    const auto allow = script::read_allow(words);
    if (!allow) return std::unexpected(WrongAllow{directive.place, allow.error()});
    for (const std::string& name : allow->rules) {
      const Rule* const found = rule_named(name);
      if (found == nullptr) {
        const auto meant = nearest(name, rule_names());
        return std::unexpected(WrongAllow{
            directive.place,
            "unknown rule \"" + name + "\"" + (meant ? "; did you mean " + *meant + "?" : "")});
      }
      all.add({found->id, directive.place,
               statements_before + statement_of(text, lexed, directive.begin)});
    }
  }
  return all;
}

bool is_looked_for(const Options& options, RuleId id) {
  if (options.excluded.contains(id)) return false;
  return rule(id).is_on || options.included.contains(id);
}

}  // namespace sluice::lint
