#include "serve/tokens.hpp"

#include <algorithm>

#include "base/ascii.hpp"
#include "base/failure.hpp"
#include "script/checksum.hpp"
#include "serve/load_flags.hpp"

namespace sluice::serve {
namespace {

constexpr std::size_t digest_digits = 64;

std::vector<std::string> split(std::string_view text, std::string_view separators) {
  std::vector<std::string> parts;
  for (;;) {
    const std::size_t begin = text.find_first_not_of(separators);
    if (begin == text.npos) return parts;
    text.remove_prefix(begin);
    const std::size_t end = text.find_first_of(separators);
    parts.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end, text.size()));
  }
}

std::vector<std::string> list_of(const std::string& text) {
  return text == "-" ? std::vector<std::string>() : split(text, ",");
}

bool is_digest(const std::string& text) {
  return text.size() == digest_digits && std::ranges::all_of(text, [](char c) {
           return is_ascii_digit(c) || (c >= 'a' && c <= 'f');
         });
}

/// Looks at all of both.
bool is_same(std::string_view one, std::string_view other) {
  unsigned difference = one.size() == other.size() ? 0 : 1;
  for (std::size_t i = 0; i < std::min(one.size(), other.size()); ++i)
    difference |= static_cast<unsigned char>(one[i]) ^ static_cast<unsigned char>(other[i]);
  return difference == 0;
}

}  // namespace

bool Permission::may_use(const TableName& table) const {
  return std::ranges::any_of(tables, [&table](const std::string& pattern) {
    return pattern == "*" || (!table.schema.empty() && matches(pattern, table));
  });
}

Tokens Tokens::read(std::string_view text, const std::string& path) {
  Tokens tokens;
  std::size_t number = 0;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    line = line.substr(0, line.find('#'));
    const std::string place = path + ":" + std::to_string(++number) + ": ";
    const std::vector<std::string> words = split(line, " \t\r");
    if (words.empty()) continue;
    if (words.size() != 5)
      throw Failure(FailureKind::usage, place +
                                            "a line has a name, the SHA-256 of the token, a role, "
                                            "tables and flags (- for none)");
    Known known{.digest = in_small_letters(words[1]), .permission = {.name = words[0]}};
    if (!is_digest(known.digest))
      throw Failure(FailureKind::usage,
                    place +
                        "the second word is no SHA-256, which has 64 hexadecimal digits: "
                        "printf %s \"$TOKEN\" | sha256sum");
    if (known.digest == script::sha256(""))
      throw Failure(FailureKind::usage, place + "this is the SHA-256 of nothing: $TOKEN was empty");
    if (words[2] != "-") known.permission.role = words[2];
    known.permission.tables = list_of(words[3]);
    for (const std::string& flag : list_of(words[4])) {
      if (!is_flag_to_allow(flag))
        throw Failure(
            FailureKind::usage,
            place + "\"" + flag + "\" is no flag that a token may allow: " + flags_to_allow());
      known.permission.flags.insert(flag);
    }
    if (std::ranges::find(tokens.known_, known.digest, &Known::digest) != tokens.known_.end())
      throw Failure(FailureKind::usage, place + "this token has a line already");
    tokens.known_.push_back(std::move(known));
  }
  return tokens;
}

bool Tokens::are_several() const {
  return std::ranges::any_of(known_, [this](const Known& known) {
    return known.permission.name != known_.front().permission.name;
  });
}

const Permission* Tokens::find(std::string_view token) const {
  if (token.empty()) return nullptr;
  const std::string digest = script::sha256(token);
  const Permission* found = nullptr;
  for (const Known& known : known_)
    if (is_same(known.digest, digest)) found = &known.permission;
  return found;
}

}  // namespace sluice::serve
