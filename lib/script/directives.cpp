#include "script/directives.hpp"

#include <charconv>
#include <functional>
#include <map>

#include "base/quantity.hpp"
#include "base/suggestion.hpp"
#include "script/allow.hpp"
#include "script/script_name.hpp"

namespace sluice::script {
namespace {

constexpr std::string_view blanks = " \t\r";

/// What is wrong with a directive, without its place.
struct Wrong {
  std::string message;
};

std::string_view trim(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(blanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(blanks) + 1 - begin);
}

std::chrono::milliseconds duration(std::string_view text) {
  const auto parsed = parse_duration(text);
  if (!parsed) throw Wrong{parsed.error()};
  return *parsed;
}

std::size_t count(std::string_view text) {
  std::size_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || error != std::errc() || end != text.data() + text.size())
    throw Wrong{"\"" + std::string(text) + "\" is no number"};
  return number;
}

/// "0 3 * * *" tz=Europe/Berlin
void set_schedule(Directives& d, std::string_view text) {
  const std::size_t end = text.starts_with('"') ? text.find('"', 1) : std::string_view::npos;
  if (end == std::string_view::npos)
    throw Wrong{"put the expression in double quotes: schedule \"0 3 * * *\" tz=Europe/Berlin"};
  d.schedule = text.substr(1, end - 1);
  const std::string_view rest = trim(text.substr(end + 1));
  constexpr std::string_view zone = "tz=";
  if (rest.empty()) return;
  if (!rest.starts_with(zone))
    throw Wrong{"\"" + std::string(rest) + "\": only tz=ZONE may follow the expression"};
  d.time_zone = rest.substr(zone.size());
}

/// NAME, or NAME secret
void add_placeholder(Directives& d, std::string_view text) {
  const std::string name(text.substr(0, text.find_first_of(blanks)));
  if (name.empty()) throw Wrong{"it needs a name"};
  const std::string_view rest = trim(text.substr(name.size()));
  if (!rest.empty() && rest != "secret")
    throw Wrong{"\"" + std::string(rest) + "\": only secret may follow the name"};
  d.placeholders.push_back(name);
  if (!rest.empty()) d.secret_placeholders.push_back(name);
}

/// CHECKSUM FILE
void add_replaced(Directives& d, std::string_view text, bool stands_for_others) {
  const std::string checksum(text.substr(0, text.find_first_of(blanks)));
  const std::string file(trim(text.substr(checksum.size())));
  if (checksum.size() != 64 || file.empty())
    throw Wrong{"it takes the checksum of a file, and its name"};
  const auto name = parse_script_name(file);
  if (!name || !*name || (*name)->kind != ScriptKind::versioned)
    throw Wrong{"\"" + file + "\" is no name of a file with a version"};
  d.replaces.push_back({.version = (*name)->version,
                        .file = file,
                        .checksum = checksum,
                        .stands_for_others = stands_for_others});
}

using Setter = std::function<void(Directives&, std::string_view)>;

const std::map<std::string, Setter>& setters() {
  const auto flag = [](bool Directives::* member, bool value) {
    return [member, value](Directives& d, std::string_view argument) {
      if (!argument.empty()) throw Wrong{"it takes no value"};
      d.*member = value;
    };
  };
  static const std::map<std::string, Setter> all{
      {"no-transaction", flag(&Directives::in_transaction, false)},
      {"out-of-order", flag(&Directives::out_of_order, true)},
      {"lock-timeout", [](Directives& d, std::string_view a) { d.lock_timeout = duration(a); }},
      {"statement-timeout",
       [](Directives& d, std::string_view a) { d.statement_timeout = duration(a); }},
      {"retries", [](Directives& d, std::string_view a) { d.retries = count(a); }},
      {"placeholder", [](Directives& d, std::string_view a) { add_placeholder(d, a); }},
      {"schedule", set_schedule},
      {"replaces", [](Directives& d, std::string_view a) { add_replaced(d, a, false); }},
      {"replaces-all-to", [](Directives& d, std::string_view a) { add_replaced(d, a, true); }},
  };
  return all;
}

void set(Directives& directives, std::string_view text) {
  if (is_allow(text)) {
    if (const auto allow = read_allow(text); !allow) throw Wrong{allow.error()};
    return;
  }
  const std::string name(text.substr(0, text.find_first_of(blanks)));
  const auto found = setters().find(name);
  if (found != setters().end()) {
    try {
      found->second(directives, trim(text.substr(name.size())));
    } catch (const Wrong& wrong) {
      throw Wrong{name + ": " + wrong.message};
    }
    return;
  }
  std::vector<std::string> known;
  known.emplace_back("allow");
  for (const auto& [directive, setter] : setters()) known.push_back(directive);
  const auto meant = nearest(name, known);
  throw Wrong{"unknown directive \"" + name + "\"" +
              (meant ? "; did you mean " + *meant + "?" : "")};
}

}  // namespace

std::expected<Directives, DirectiveError> read_directives(std::string_view text) {
  Directives directives;
  for (const Directive& found : lex_header(text).directives) {
    try {
      set(directives, trim(text.substr(found.begin, found.end - found.begin)));
    } catch (const Wrong& wrong) {
      return std::unexpected(DirectiveError{found.place, wrong.message});
    }
  }
  return directives;
}

}  // namespace sluice::script
