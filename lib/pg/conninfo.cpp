#include "pg/conninfo.hpp"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <set>
#include <string_view>

#include "base/failure.hpp"
#include "pg/encoding.hpp"
#include "pg/password.hpp"
#include "pg/usable_settings.hpp"

namespace sluice::pg {
namespace {

using namespace std::chrono_literals;

bool is_uri(std::string_view dbname) {
  return dbname.starts_with("postgresql://") || dbname.starts_with("postgres://");
}

bool is_conninfo(const std::string& dbname) { return is_uri(dbname) || dbname.contains('='); }

/// What libpq says of a text that it cannot read quotes parts of it, or all.
bool may_hold_password(const std::string& dbname) {
  return is_uri(dbname) ? dbname.contains('@') : dbname.contains("password");
}

std::string without_quotes(const std::string& text) {
  const std::size_t first = text.find('"');
  const std::size_t last = text.rfind('"');
  return first == last ? text : text.substr(0, first + 1) + "..." + text.substr(last);
}

/// A password's own @ or / ends it for libpq: the rest would be a host, a port or a database, and
/// be shown as such.
void require_plain_separators(std::string_view uri) {
  const std::string_view all = uri.substr(uri.find("://") + 3);
  // A ? may stand in a password, which ends with the first @ in front of any slash.
  const std::size_t user_end = std::min(all.find('@'), all.size());
  const bool has_user = user_end < all.find('/');
  const std::string_view rest = all.substr(0, all.find('?', has_user ? user_end : 0));
  const std::size_t slash = std::min(rest.find('/'), rest.size());
  const std::string_view authority = rest.substr(0, slash);
  const std::string_view path = rest.substr(slash);
  const std::size_t at = authority.find('@');
  const bool has_more =
      at != std::string_view::npos && authority.find('@', at + 1) != authority.npos;
  if (!has_more && !(authority.contains(':') && path.contains('@'))) return;
  throw Failure(FailureKind::usage,
                "the connection's URI has an @ that separates nothing: in a user's or a database's "
                "name and in a password @ is written %40, and / %2F");
}

Keywords parsed(const std::string& dbname) {
  if (is_uri(dbname)) require_plain_separators(dbname);
  char* message = nullptr;
  PQconninfoOption* const options = PQconninfoParse(dbname.c_str(), &message);
  if (options == nullptr) {
    std::string text = message == nullptr ? "out of memory" : message;
    PQfreemem(message);
    text.erase(text.find_last_not_of('\n') + 1);
    throw Failure(FailureKind::usage,
                  "the connection (-d) cannot be read: " +
                      (may_hold_password(dbname) ? without_quotes(text) : text));
  }
  Keywords keywords;
  for (const PQconninfoOption* option = options; option->keyword != nullptr; ++option)
    if (option->val != nullptr) keywords.emplace_back(option->keyword, option->val);
  PQconninfoFree(options);
  return keywords;
}

std::string quoted(const std::string& value) {
  std::string text = "'";
  for (const char c : value) {
    if (c == '\'' || c == '\\') text += '\\';
    text += c;
  }
  return text + "'";
}

std::string joined(const std::map<std::string, std::string>& values) {
  std::string text;
  for (const auto& [keyword, value] : values)
    text += (text.empty() ? "" : " ") + keyword + "=" + quoted(value);
  return text;
}

std::map<std::string, std::string> values_of(const Keywords& keywords) {
  std::map<std::string, std::string> values;
  for (const auto& [keyword, value] : keywords) {
    if (keyword == "dbname" && is_conninfo(value)) {
      for (const auto& [inner, inner_value] : parsed(value)) values[inner] = inner_value;
    } else {
      values[keyword] = value;
    }
  }
  return values;
}

/// What the user says, in the order of libpq: a later one wins.
Keywords given_keywords(const ConnectOptions& options) {
  // Of the connection's own settings a password would win, so that they come behind.
  Keywords given{{"password", asked_password()}, {"dbname", options.dbname},
                 {"host", options.host},         {"port", options.port},
                 {"user", options.user},         {"client_encoding", options.client_encoding}};
  std::erase_if(given, [](const auto& keyword) { return keyword.second.empty(); });
  return given;
}

/// Before a server is asked, whose message would name nothing that the user has written.
void require_encoding(const std::string& where, const std::string& name) {
  // "auto" is libpq's: what the locale says.
  if (name.empty() || name == "auto" || encoding_named(name)) return;
  const auto meant = encoding_like(name);
  throw Failure(FailureKind::usage,
                where + " " + name + ": PostgreSQL has no encoding of that name" +
                    (meant ? "; did you mean " + *meant + "?"
                           : "; write one that it has, such as UTF8, LATIN1 or WIN1252"));
}

void require_encodings(const ConnectOptions& options) {
  if (is_conninfo(options.dbname)) {
    for (const auto& [keyword, value] : parsed(options.dbname))
      if (keyword == "client_encoding") require_encoding("client_encoding (in -d):", value);
  }
  if (const char* const usual = std::getenv("PGCLIENTENCODING"))
    require_encoding("PGCLIENTENCODING:", usual);
}

/// "5432", and one for each of several hosts: "5432,,5433".
void require_port(const std::string& port) {
  std::uint32_t number = 0;
  bool is_port = true;
  for (const char c : port + ",") {
    if (c == ',') {
      is_port = is_port && number <= 65535;
      number = 0;
    } else {
      is_port = is_port && c >= '0' && c <= '9' && number <= 65535;
      number = number * 10 + static_cast<std::uint32_t>(c - '0');
    }
  }
  if (is_port) return;
  throw Failure(FailureKind::usage,
                "--port " + port + ": this is no port; write a number from 1 to 65535");
}

}  // namespace

Keywords keywords_of(const ConnectOptions& options) {
  // libpq would refuse it as well, and quote it.
  if (is_conninfo(options.dbname)) parsed(options.dbname);
  require_encodings(options);
  require_port(options.port);
  const bool has_encoding = std::getenv("PGCLIENTENCODING") != nullptr;
  // A peer that is gone without a word is noticed by its silence. The connection's own settings
  // win, so they come behind.
  Keywords all{
      {"client_encoding", has_encoding ? "" : "UTF8"},
      {"fallback_application_name", "pgsluice"},
      {"tcp_user_timeout", std::to_string(options.stall_max.count())},
      {"keepalives_idle", std::to_string(limits::keepalives_idle.count())},
      {"keepalives_interval", std::to_string(limits::keepalives_interval.count())},
      {"keepalives_count", std::to_string(limits::keepalives_count)},
  };
  std::erase_if(all, [](const auto& keyword) { return keyword.second.empty(); });
  const Keywords given = given_keywords(options);
  std::ranges::copy(given, std::back_inserter(all));
  std::set<std::string> names;
  for (const auto& [keyword, value] : values_of(given)) names.insert(keyword);
  require_usable(all, names);
  return all;
}

Keywords given_values(const ConnectOptions& options) {
  const std::map<std::string, std::string> values = values_of(given_keywords(options));
  return {values.begin(), values.end()};
}

std::string conninfo(const ConnectOptions& options) {
  std::map<std::string, std::string> values = values_of(keywords_of(options));
  const bool says_elsewhere = std::getenv("PGCONNECT_TIMEOUT") != nullptr ||
                              std::getenv("PGSERVICE") != nullptr || values.contains("service");
  if (!says_elsewhere)
    values.emplace("connect_timeout", std::to_string(limits::connect_timeout / 1s));
  return joined(values);
}

std::string given_conninfo(const ConnectOptions& options) {
  return joined(values_of(given_keywords(options)));
}

std::string given_conninfo(const ConnectOptions& options, const std::string& role) {
  std::map<std::string, std::string> values = values_of(given_keywords(options));
  const char* const usual = std::getenv("PGOPTIONS");
  std::string& settings =
      values.try_emplace("options", usual == nullptr ? "" : usual).first->second;
  // The last one counts, so that nothing in front of it is another role.
  settings += " -c role=";
  for (const char c : role) {
    if (c == ' ' || c == '\\' || c == '\t' || c == '\n') settings += '\\';
    settings += c;
  }
  return joined(values);
}

}  // namespace sluice::pg
