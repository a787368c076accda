#include "tuple/boolean_rule.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <optional>

#include "base/ascii.hpp"
#include "base/failure.hpp"
#include "tuple/codec.hpp"

namespace sluice::tuple {
namespace {

std::string in_lower_case(std::string_view text) {
  std::string result(text);
  std::ranges::transform(result, result.begin(), ascii_lower);
  return result;
}

bool are_equal(std::string_view lower_case, std::string_view text) {
  return std::ranges::equal(lower_case, text, {}, {}, ascii_lower);
}

bool has(const std::vector<std::string>& words, std::string_view text) {
  return std::ranges::any_of(words,
                             [text](const std::string& word) { return are_equal(word, text); });
}

/// What parse_bool_with_len of bool.c takes a text for: any beginning of a word.
std::optional<bool> server_reads(std::string_view text) {
  if (text == "1" || text == "on") return true;
  if (text == "0" || text == "of" || text == "off") return false;
  if (text.empty()) return std::nullopt;
  for (const std::string_view word : {"true", "yes"})
    if (word.starts_with(text)) return true;
  for (const std::string_view word : {"false", "no"})
    if (word.starts_with(text)) return false;
  return std::nullopt;
}

// A codec reads behind its text.
constexpr std::array<char, 1 + codec_padding> true_text{'t'};
constexpr std::array<char, 1 + codec_padding> false_text{'f'};

Failure wrong(const std::string& pair, const std::string& why) {
  return Failure(FailureKind::usage, "--booleans: \"" + pair + "\" " + why +
                                         "; write for example --booleans Y,N (the first is true)");
}

void sort(std::vector<std::string>& words) {
  std::ranges::sort(words);
  const auto repeated = std::ranges::unique(words);
  words.erase(repeated.begin(), repeated.end());
}

}  // namespace

Rewriting BooleanRule::rewrite(std::string_view text) const {
  using Kind = Rewriting::Kind;
  const std::string_view word = without_white_space(text);
  if (has(trues, word)) return {Kind::rewritten, {true_text.data(), 1}};
  if (has(falses, word)) return {Kind::rewritten, {false_text.data(), 1}};
  return {contradicts_server ? Kind::refused : Kind::as_is};
}

std::string BooleanRule::why_refused() const {
  return fmt::format("not one of --booleans: {} (true), {} (false)", fmt::join(trues, ", "),
                     fmt::join(falses, ", "));
}

BooleanRule boolean_rule_of(const std::vector<std::string>& pairs) {
  BooleanRule rule;
  for (const std::string& pair : pairs) {
    const std::size_t comma = pair.find(',');
    if (comma == std::string::npos || pair.find(',', comma + 1) != std::string::npos)
      throw wrong(pair, "is not a pair");
    const std::string yes = in_lower_case(without_white_space(pair.substr(0, comma)));
    const std::string no = in_lower_case(without_white_space(pair.substr(comma + 1)));
    if (yes.empty() || no.empty()) throw wrong(pair, "is not a pair");
    rule.trues.push_back(yes);
    rule.falses.push_back(no);
    rule.contradicts_server =
        rule.contradicts_server || server_reads(yes) == false || server_reads(no) == true;
  }
  for (std::size_t i = 0; i < pairs.size(); ++i)
    if (has(rule.falses, rule.trues[i]) || has(rule.trues, rule.falses[i]))
      throw wrong(pairs[i], "has a word that is true and false");
  sort(rule.trues);
  sort(rule.falses);
  return rule;
}

}  // namespace sluice::tuple
