#include "pg/conninfo.hpp"

#include <cstdlib>
#include <map>

namespace sluice::pg {
namespace {

using namespace std::chrono_literals;

bool is_conninfo(const std::string& dbname) {
  return dbname.starts_with("postgresql://") || dbname.starts_with("postgres://") ||
         dbname.contains('=');
}

Keywords parsed(const std::string& dbname) {
  char* message = nullptr;
  PQconninfoOption* const options = PQconninfoParse(dbname.c_str(), &message);
  if (options == nullptr) {
    const std::string text = message == nullptr ? "out of memory" : message;
    PQfreemem(message);
    throw PgError(Phase::connect, SqlState(), text.substr(0, text.find('\n')));
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

std::map<std::string, std::string> values_of(const ConnectOptions& options) {
  std::map<std::string, std::string> values;
  for (const auto& [keyword, value] : keywords_of(options)) {
    if (keyword == "dbname" && is_conninfo(value)) {
      for (const auto& [inner, inner_value] : parsed(value)) values[inner] = inner_value;
    } else {
      values[keyword] = value;
    }
  }
  return values;
}

}  // namespace

Keywords keywords_of(const ConnectOptions& options) {
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
      {"dbname", options.dbname},
      {"host", options.host},
      {"port", options.port},
      {"user", options.user},
      {"client_encoding", options.client_encoding},
  };
  std::erase_if(all, [](const auto& keyword) { return keyword.second.empty(); });
  return all;
}

std::string conninfo(const ConnectOptions& options) {
  std::map<std::string, std::string> values = values_of(options);
  const bool says_elsewhere = std::getenv("PGCONNECT_TIMEOUT") != nullptr ||
                              std::getenv("PGSERVICE") != nullptr || values.contains("service");
  if (!says_elsewhere)
    values.emplace("connect_timeout", std::to_string(limits::connect_timeout / 1s));
  return joined(values);
}

PublicConninfo public_conninfo(const ConnectOptions& options) {
  std::map<std::string, std::string> values = values_of(options);
  const std::string password = values["password"];
  values.erase("password");
  return {joined(values), password};
}

}  // namespace sluice::pg
