#include "script/secret_arguments.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>

#include "script/secrets.hpp"

namespace sluice::script {
namespace {

/// Keywords of libpq, of all its versions, whose values are secrets, or may hold some.
constexpr std::array<std::string_view, 6> secret_keywords{
    "password",         "sslpassword",      "options",
    "scram_client_key", "scram_server_key", "oauth_client_secret"};

bool is_secret_keyword(std::string_view keyword) {
  return std::ranges::find(secret_keywords, keyword) != secret_keywords.end();
}

bool is_space(char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; }

/// libpq decodes keywords as well.
std::string decoded(std::string_view text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned value = 0;
    const bool has_digits = text[i] == '%' && i + 2 < text.size();
    const char* const hex = text.data() + i + 1;
    if (has_digits && std::from_chars(hex, hex + 2, value, 16).ptr == hex + 2) {
      plain += static_cast<char>(value);
      i += 2;
    } else {
      plain += text[i];
    }
  }
  return plain;
}

void add(std::vector<Span>& spans, std::size_t begin, std::size_t end) {
  if (begin < end) spans.push_back({begin, end});
}

/// Where what stands behind the :// of a URI begins; npos: it is none.
std::size_t authority_of(std::string_view text) {
  for (const std::string_view scheme : {"postgresql://", "postgres://"})
    if (const std::size_t at = text.find(scheme); at != std::string_view::npos)
      return at + scheme.size();
  return std::string_view::npos;
}

void add_of_parameters(std::string_view text, std::size_t at, std::vector<Span>& spans) {
  while (at < text.size()) {
    const std::size_t end = std::min(text.find('&', at), text.size());
    const std::size_t equals = std::min(text.find('=', at), end);
    if (is_secret_keyword(decoded(text.substr(at, equals - at)))) add(spans, equals + 1, end);
    at = end + 1;
  }
}

/// user:password@, of which the password may have an @, a / or a ? that is not encoded.
void add_of_uri(std::string_view text, std::size_t authority, std::vector<Span>& spans) {
  const std::size_t last_at = text.rfind('@');
  const bool has_at = last_at != std::string_view::npos && last_at > authority;
  const std::size_t colon = text.find(':', authority);
  if (has_at && colon < last_at) add(spans, colon + 1, last_at);
  for (const std::size_t from : {authority, has_at ? last_at : authority})
    if (const std::size_t mark = text.find('?', from); mark != std::string_view::npos)
      add_of_parameters(text, mark + 1, spans);
}

/// The end of a value that begins here, in quotes or not; \ takes the character behind it along.
std::size_t end_of_value(std::string_view text, std::size_t at) {
  const bool is_quoted = at < text.size() && text[at] == '\'';
  if (is_quoted) ++at;
  for (; at < text.size(); ++at) {
    if (text[at] == '\\') {
      ++at;
    } else if (is_quoted ? text[at] == '\'' : is_space(text[at])) {
      break;
    }
  }
  return std::min(at, text.size());
}

void add_of_keywords(std::string_view text, std::vector<Span>& spans) {
  for (const std::string_view keyword : secret_keywords) {
    for (std::size_t at = 0; (at = text.find(keyword, at)) != std::string_view::npos;) {
      at += keyword.size();
      std::size_t value = at;
      while (value < text.size() && is_space(text[value])) ++value;
      if (value == text.size() || text[value] != '=') continue;
      do ++value;
      while (value < text.size() && is_space(text[value]));
      const std::size_t end = end_of_value(text, value);
      if (value < text.size() && text[value] == '\'') ++value;
      add(spans, value, end);
      at = end;
    }
  }
}

/// Sorted, and each byte once.
std::vector<Span> merged(std::vector<Span> spans) {
  std::ranges::sort(spans, {}, &Span::begin);
  std::vector<Span> all;
  for (const Span& span : spans) {
    if (!all.empty() && span.begin <= all.back().end) {
      all.back().end = std::max(all.back().end, span.end);
    } else {
      all.push_back(span);
    }
  }
  return all;
}

/// A flag and its value, as they stand in one argument or in two.
struct Flag {
  std::string_view name;
  std::size_t value = 0;  ///< where it begins
};

Flag flag_of(const std::vector<std::string>& arguments, std::size_t index) {
  const std::string_view one = arguments[index];
  if (const std::size_t equals = one.find('='); one.starts_with("--") && equals != one.npos)
    return {one.substr(0, equals), equals + 1};
  if (index > 0 && !one.starts_with("--")) return {arguments[index - 1], 0};
  return {};
}

std::vector<Span> secrets_in_argument(std::string_view text, const Flag& flag) {
  const std::size_t equals = std::min(text.find('=', flag.value), text.size());
  const std::string name(text.substr(std::min(flag.value, equals), equals - flag.value));
  if (flag.name == "--placeholder") {
    return equals == text.size() ? std::vector<Span>{} : merged({{equals + 1, text.size()}});
  }
  if (flag.name == "--http-header") {
    const bool is_file = flag.value < text.size() && text[flag.value] == '@';
    return is_file ? std::vector<Span>{} : merged({{flag.value, text.size()}});
  }
  std::vector<Span> spans;
  if (flag.name == "--set" && is_secret_name(name)) add(spans, equals + 1, text.size());
  // These name a variable, a file and a column, which may be called as a keyword is.
  for (const std::string_view names : {"--placeholder-env", "--placeholder-file", "--map"})
    if (flag.name == names) return spans;
  std::ranges::copy(secrets_in_connection(text), std::back_inserter(spans));
  return merged(std::move(spans));
}

}  // namespace

std::vector<Span> secrets_in_connection(std::string_view connection) {
  std::vector<Span> spans;
  const std::size_t authority = authority_of(connection);
  if (authority == std::string_view::npos) {
    add_of_keywords(connection, spans);
  } else {
    add_of_uri(connection, authority, spans);
  }
  return merged(std::move(spans));
}

std::vector<std::vector<Span>> secrets_in(const std::vector<std::string>& arguments) {
  std::vector<std::vector<Span>> all;
  for (std::size_t i = 0; i < arguments.size(); ++i)
    all.push_back(secrets_in_argument(arguments[i], flag_of(arguments, i)));
  return all;
}

std::vector<std::string> without_secrets(const std::vector<std::string>& arguments) {
  const std::vector<std::vector<Span>> spans = secrets_in(arguments);
  std::vector<std::string> shown = arguments;
  for (std::size_t i = 0; i < shown.size(); ++i) {
    for (std::size_t n = spans[i].size(); n-- > 0;) {
      const auto& [begin, end] = spans[i][n];
      shown[i].replace(begin, end - begin, "***");
    }
  }
  return shown;
}

}  // namespace sluice::script
