#include "serve/target.hpp"

#include <algorithm>

#include "base/ascii.hpp"
#include "base/hex.hpp"
#include "base/printable.hpp"
#include "serve/message.hpp"

namespace sluice::serve {
namespace {

/// In a query a + is a blank, as forms write it.
std::string decoded(std::string text, bool is_query) {
  if (is_query) std::ranges::replace(text, '+', ' ');
  std::optional<std::string> whole = percent_decoded(text);
  if (!whole) throw Refused{400, "the address has a % without two hexadecimal digits behind it"};
  if (!is_utf8(*whole)) throw Refused{400, "the address is no UTF-8"};
  if (whole->contains('\0')) throw Refused{400, "the address has a byte 0"};
  return std::move(*whole);
}

std::vector<std::string_view> parts_of(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (;;) {
    const std::size_t end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

}  // namespace

std::optional<std::string> percent_decoded(std::string_view text) {
  std::string whole;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      whole += text[i];
      continue;
    }
    const int high = i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
    const int low = i + 2 < text.size() ? hex_digit(text[i + 2]) : -1;
    if (high < 0 || low < 0) return std::nullopt;
    whole += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return whole;
}

std::optional<AbsoluteForm> absolute_form_of(std::string_view text) {
  const std::size_t scheme_end = text.find("://");
  if (text.starts_with('/') || scheme_end == text.npos) return std::nullopt;
  const std::string scheme = in_small_letters(text.substr(0, scheme_end));
  if (scheme != "http" && scheme != "https") return std::nullopt;
  text.remove_prefix(scheme_end + 3);
  const std::size_t end = std::min(text.find_first_of("/?"), text.size());
  AbsoluteForm form{.host = std::string(text.substr(0, end)),
                    .target = std::string(text.substr(end))};
  if (form.host.empty() || form.host.contains('@'))
    throw Refused{400, "the address names no server, or somebody who logs in there"};
  if (!form.target.starts_with('/')) form.target.insert(0, "/");
  return form;
}

Target target_of(std::string_view text) {
  if (!text.starts_with('/')) throw Refused{400, "the address does not begin with a slash"};
  Target target;
  const std::size_t mark = text.find('?');
  const std::string_view path = text.substr(1, mark == text.npos ? mark : mark - 1);
  if (!path.empty()) {
    for (const std::string_view part : parts_of(path, '/')) {
      target.path.push_back(decoded(std::string(part), false));
      const std::string& name = target.path.back();
      if (name.empty() || name == "." || name == "..")
        throw Refused{400, "the address has an empty part, or one of dots"};
    }
  }
  if (mark == text.npos) return target;
  for (const std::string_view pair : parts_of(text.substr(mark + 1), '&')) {
    if (pair.empty()) continue;
    const std::size_t equals = pair.find('=');
    const std::string_view value = equals == pair.npos ? "" : pair.substr(equals + 1);
    target.query.emplace_back(decoded(std::string(pair.substr(0, equals)), true),
                              decoded(std::string(value), true));
  }
  return target;
}

}  // namespace sluice::serve
