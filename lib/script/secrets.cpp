#include "script/secrets.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdio>

#include "base/identifier.hpp"

namespace sluice::script {
namespace {

/// A piece of a secret that is at least so long is no coincidence.
constexpr std::size_t piece_bytes_min = 6;
/// A shorter secret is only hidden where it is no part of a word.
constexpr std::size_t word_bytes_max = 3;

bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

char lower(char c) { return static_cast<char>(std::tolower(static_cast<unsigned char>(c))); }

std::string lower(std::string_view text) {
  std::string folded;
  for (const char c : text) folded += lower(c);
  return folded;
}

std::string hex(std::string_view text) {
  std::string digits;
  for (const char c : text) {
    std::array<char, 3> two{};
    std::snprintf(two.data(), two.size(), "%02x", static_cast<unsigned char>(c));
    digits += two.data();
  }
  return digits;
}

/// As JSON and E'' write it.
std::string with_backslashes(std::string_view text, std::string_view escaped) {
  std::string written;
  for (const char c : text) {
    if (escaped.contains(c)) written += '\\';
    written += c == '\n' ? std::string("\\n") : std::string(1, c);
  }
  return written;
}

/// What stands between the quotes.
std::string unquoted(const std::string& quoted) {
  const std::size_t begin = quoted.find_first_of("'\"") + 1;
  return quoted.substr(begin, quoted.size() - begin - 1);
}

/// How much of the secret stands at this place, from anywhere in it; the secret is in lower case.
std::size_t piece_at(std::string_view text, std::size_t at, std::string_view secret) {
  std::size_t longest = 0;
  for (std::size_t from = 0; from < secret.size(); ++from) {
    std::size_t size = 0;
    while (from + size < secret.size() && at + size < text.size() &&
           lower(text[at + size]) == secret[from + size])
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
    if (inside.empty() || !secret.contains(lower(inside))) {
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
  const std::string folded = lower(name);
  for (const char* part : {"pass", "secret", "token", "key", "pwd", "credential"})
    if (folded.contains(part)) return true;
  return folded == "pw" || folded.starts_with("pw_") || folded.ends_with("_pw");
}

Secrets::Secrets(const Placeholders& values, const std::vector<std::string>& declared) {
  for (const auto& [name, value] : values) {
    const bool is_secret = is_secret_name(name) || std::ranges::count(declared, name) > 0;
    if (!is_secret || value.empty()) continue;
    names_.push_back(name);
    for (const std::string& form :
         {value, unquoted(quote_literal(value)), unquoted(quote_identifier(value)), hex(value),
          with_backslashes(value, "\\\""), with_backslashes(value, "\\'")})
      forms_.push_back(lower(form));
  }
  // A longer one may hold a shorter one.
  std::ranges::sort(forms_, [](const std::string& one, const std::string& other) {
    return std::pair(other.size(), one) < std::pair(one.size(), other);
  });
  const auto [first, last] = std::ranges::unique(forms_);
  forms_.erase(first, last);
}

std::string Secrets::placeholder_in(const Script& script) const {
  const auto is_secret = [this](const std::string& name) {
    return std::ranges::find(names_, name) != names_.end();
  };
  for (const std::string& name : script.directives.placeholders)
    if (is_secret(name)) return name;
  for (const Variable& variable : script.directives.variables)
    if (is_secret(variable.name)) return variable.name;
  return "";
}

std::string Secrets::hidden(const std::string& text) const {
  std::string shown = text;
  for (const std::string& form : forms_) shown = without(shown, form);
  return shown;
}

Secrets secrets_of(const Script& script, const Placeholders& values) {
  return Secrets(values, declared_in(script));
}

Secrets secrets_of(const Folder& folder, const Placeholders& values) {
  std::vector<std::string> declared;
  for (const auto* scripts :
       {&folder.versioned, &folder.repeatable, &folder.scheduled, &folder.before, &folder.after})
    for (const Script& script : *scripts)
      std::ranges::copy(declared_in(script), std::back_inserter(declared));
  return Secrets(values, declared);
}

}  // namespace sluice::script
