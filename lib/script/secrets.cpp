#include "script/secrets.hpp"

#include <algorithm>
#include <cctype>

#include "base/identifier.hpp"

namespace sluice::script {
namespace {

/// A piece of a secret that is at least so long is no coincidence.
constexpr std::size_t piece_bytes_min = 6;
/// A shorter secret is only hidden where it is no part of a word.
constexpr std::size_t word_bytes_max = 3;

bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

/// How much of the secret stands at this place, from anywhere in it.
std::size_t piece_at(std::string_view text, std::size_t at, std::string_view secret) {
  std::size_t longest = 0;
  for (std::size_t from = 0; from < secret.size(); ++from) {
    std::size_t size = 0;
    while (from + size < secret.size() && at + size < text.size() &&
           text[at + size] == secret[from + size])
      ++size;
    longest = std::max(longest, size);
  }
  return longest;
}

bool is_hidden(std::string_view text, std::size_t at, std::size_t size, std::string_view secret) {
  if (size < std::min(secret.size(), piece_bytes_min)) return false;
  if (secret.size() > word_bytes_max) return true;
  const bool begins = at == 0 || !is_word(text[at - 1]);
  return begins && (at + size == text.size() || !is_word(text[at + size]));
}

/// All that is quoted and stands in the secret, however short: "syntax error at or near "x7"".
std::string without_quoted_pieces(const std::string& text, std::string_view secret) {
  std::string shown;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text[at] == '"' ? text.find('"', at + 1) : std::string::npos;
    const std::string_view inside =
        end == std::string::npos ? "" : std::string_view(text).substr(at + 1, end - at - 1);
    if (inside.empty() || !secret.contains(inside)) {
      shown += text[at++];
      continue;
    }
    shown += "\"***\"";
    at = end + 1;
  }
  return shown;
}

std::string without(const std::string& text, std::string_view secret) {
  std::string shown;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t size = piece_at(text, at, secret);
    if (!is_hidden(text, at, size, secret)) {
      shown += text[at++];
      continue;
    }
    shown += "***";
    at += size;
  }
  return without_quoted_pieces(shown, secret);
}

std::vector<std::string> declared_in(const Script& script) {
  return script.directives.secret_placeholders;
}

}  // namespace

bool is_secret_name(const std::string& name) {
  std::string lower = name;
  std::ranges::transform(lower, lower.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  for (const char* part : {"pass", "secret", "token", "key", "pwd", "credential"})
    if (lower.contains(part)) return true;
  return lower == "pw" || lower.starts_with("pw_") || lower.ends_with("_pw");
}

Secrets::Secrets(const Placeholders& values, const std::vector<std::string>& declared) {
  for (const auto& [name, value] : values) {
    const bool is_secret = is_secret_name(name) || std::ranges::count(declared, name) > 0;
    if (!is_secret || value.empty()) continue;
    // As it stands in a statement, where quotes and backslashes are doubled, and as it is.
    const std::string literal = quote_literal(value);
    const std::size_t begin = literal.find('\'') + 1;
    values_.push_back(literal.substr(begin, literal.size() - begin - 1));
    values_.push_back(value);
  }
  // A longer one may hold a shorter one.
  std::ranges::sort(values_, std::ranges::greater{}, &std::string::size);
}

std::string Secrets::hidden(const std::string& text) const {
  std::string shown = text;
  for (const std::string& value : values_) shown = without(shown, value);
  return shown;
}

Secrets secrets_of(const Script& script, const Placeholders& values) {
  return Secrets(values, declared_in(script));
}

Secrets secrets_of(const Folder& folder, const Placeholders& values) {
  std::vector<std::string> declared;
  for (const auto* scripts : {&folder.versioned, &folder.repeatable, &folder.scheduled})
    for (const Script& script : *scripts)
      std::ranges::copy(declared_in(script), std::back_inserter(declared));
  return Secrets(values, declared);
}

}  // namespace sluice::script
