#include "http/secrets.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

#include "base/ascii.hpp"
#include "base/trimmed.hpp"
#include "http/address.hpp"

namespace sluice::http {
namespace {

/// One that is shorter is left out only where it stands as a word.
constexpr std::size_t word_bytes_max = 3;
/// Each attempt may be signed anew.
constexpr std::size_t kept_max = 64;

/// Headers whose values are no secrets, as pgsluice itself sends them.
constexpr std::array open_headers{
    "host",       "accept-encoding",     "range",
    "if-match",   "x-amz-date",          "x-amz-content-sha256",
    "connection", "proxy-connection",    "content-length",
    "te",         "x-amz-request-payer", "content-type",
};

/// A byte of a text, and where it is written there.
struct Unit {
  char byte;
  std::size_t begin;
  std::size_t end;
};
using Units = std::vector<Unit>;

int digit_of(char c) {
  if (is_ascii_digit(c)) return c - '0';
  const char small = ascii_lower(c);
  return small >= 'a' && small <= 'f' ? small - 'a' + 10 : -1;
}

Units decoded_once(const Units& units) {
  Units made;
  for (std::size_t i = 0; i < units.size(); ++i) {
    Unit unit = units[i];
    const bool has_room = unit.byte == '%' && i + 2 < units.size();
    const int high = has_room ? digit_of(units[i + 1].byte) : -1;
    const int low = has_room ? digit_of(units[i + 2].byte) : -1;
    if (high >= 0 && low >= 0) {
      unit = {static_cast<char>(high * 16 + low), unit.begin, units[i + 2].end};
      i += 2;
    }
    made.push_back(unit);
  }
  return made;
}

/// What was encoded twice too. In a form a plus is a blank.
Units units_of(std::string_view text) {
  Units units;
  for (std::size_t i = 0; i < text.size(); ++i) units.push_back({text[i], i, i + 1});
  units = decoded_once(decoded_once(units));
  for (Unit& unit : units)
    if (unit.byte == '+') unit.byte = ' ';
  return units;
}

std::string bytes_of(const Units& units) {
  std::string bytes;
  for (const Unit& unit : units) bytes += unit.byte;
  return bytes;
}

bool is_of_word(char c) { return is_ascii_letter(c) || is_ascii_digit(c) || c == '_'; }

bool is_word(std::string_view text, std::size_t at, std::size_t size) {
  return (at == 0 || !is_of_word(text[at - 1])) &&
         (at + size == text.size() || !is_of_word(text[at + size]));
}

/// How much of a secret stands there; 0 where too little of it does.
std::size_t length_at(std::string_view text, std::size_t at, std::string_view secret) {
  const std::string_view rest = text.substr(at);
  std::size_t most = 0;
  if (rest.starts_with(secret) &&
      (secret.size() > word_bytes_max || is_word(text, at, secret.size())))
    most = secret.size();
  if (rest.size() < Secrets::piece_bytes) return most;
  const std::string_view piece = rest.substr(0, Secrets::piece_bytes);
  for (std::size_t in = 0; (in = secret.find(piece, in)) != std::string_view::npos; ++in) {
    const auto [end, other] = std::ranges::mismatch(rest, secret.substr(in));
    most = std::max(most, static_cast<std::size_t>(end - rest.begin()));
  }
  return most;
}

/// Up to the first byte that is none of it.
std::string from_base64(std::string_view text) {
  constexpr std::string_view digits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string made;
  std::uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    const std::size_t value = digits.find(c);
    if (value == std::string_view::npos) break;
    bits = bits << 6 | static_cast<std::uint32_t>(value);
    count += 6;
    if (count < 8) continue;
    count -= 8;
    made += static_cast<char>(bits >> count & 0xff);
  }
  return made;
}

/// What is behind a mark, up to one of `ends`.
std::string_view behind(std::string_view text, std::string_view mark, std::string_view ends) {
  const std::size_t at = text.find(mark);
  if (at == std::string_view::npos) return {};
  text.remove_prefix(at + mark.size());
  return text.substr(0, text.find_first_of(ends));
}

}  // namespace

void Secrets::add(std::string_view secret) {
  std::string bytes = bytes_of(units_of(trimmed(secret)));
  if (bytes.empty() || std::ranges::find(all_, bytes) != all_.end()) return;
  if (all_.size() == kept_max) all_.erase(all_.begin());
  all_.push_back(std::move(bytes));
}

void Secrets::add_request(std::string_view head) {
  const std::string_view first = head.substr(0, head.find("\r\n"));
  for (const std::string& value : secret_values(behind(first, "?", " "))) add(value);
  while (head.find("\r\n") != std::string_view::npos) {
    head.remove_prefix(head.find("\r\n") + 2);
    const std::string_view line = head.substr(0, head.find("\r\n"));
    const std::size_t colon = line.find(':');
    if (colon != std::string_view::npos)
      add_header(in_small_letters(line.substr(0, colon)), trimmed(line.substr(colon + 1)));
  }
}

void Secrets::add_header(std::string_view name, std::string_view value) {
  const bool is_usual = (name == "user-agent" && value == "pgsluice") || value == "*/*";
  if (is_usual || std::ranges::find(open_headers, name) != open_headers.end()) return;
  // Of a signature its region, its day and the names of its headers are none.
  if (value.starts_with("AWS4-")) {
    add(behind(value, "Credential=", ","));
    add(behind(value, "Credential=", "/,"));
    return add(behind(value, "Signature=", ","));
  }
  add(value);
  const std::size_t blank = value.find(' ');
  if (blank == std::string_view::npos) return;
  const std::string_view scheme = value.substr(0, blank);
  const std::string_view rest = trimmed(value.substr(blank + 1));
  add(rest);
  if (in_small_letters(scheme) != "basic") return;
  add(rest.substr(0, rest.find('=')));
  const std::string login = from_base64(rest);
  const std::size_t colon = std::min(login.find(':'), login.size());
  add(login);
  add(std::string_view(login).substr(0, colon));
  if (colon < login.size()) add(std::string_view(login).substr(colon + 1));
}

std::string Secrets::without(std::string_view text) const {
  if (all_.empty()) return std::string(text);
  const Units units = units_of(text);
  const std::string bytes = bytes_of(units);
  std::string made;
  for (std::size_t i = 0; i < units.size();) {
    std::size_t length = 0;
    for (const std::string& secret : all_) length = std::max(length, length_at(bytes, i, secret));
    if (length == 0) {
      made += text.substr(units[i].begin, units[i].end - units[i].begin);
      ++i;
    } else {
      if (!made.ends_with("***")) made += "***";
      i += length;
    }
  }
  return made;
}

}  // namespace sluice::http
