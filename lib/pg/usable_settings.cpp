#include "pg/usable_settings.hpp"

#include <netdb.h>
#include <pwd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cstdlib>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "base/failure.hpp"

namespace sluice::pg {
namespace {

struct FreeOptions {
  void operator()(PQconninfoOption* options) const { PQconninfoFree(options); }
};
using Options = std::unique_ptr<PQconninfoOption, FreeOptions>;

/// Keywords as libpq takes them; they outlive it.
class Arguments {
 public:
  explicit Arguments(const Keywords& keywords) {
    for (const auto& [keyword, value] : keywords) {
      keywords_.push_back(keyword.c_str());
      values_.push_back(value.c_str());
    }
    keywords_.push_back(nullptr);
    values_.push_back(nullptr);
  }
  PGconn* start() const { return PQconnectStartParams(keywords_.data(), values_.data(), 1); }
  PGPing ping() const { return PQpingParams(keywords_.data(), values_.data(), 1); }

 private:
  std::vector<const char*> keywords_;
  std::vector<const char*> values_;
};

std::vector<std::string> parts_of(const std::string& list) {
  std::vector<std::string> parts(1);
  for (const char c : list) {
    if (c == ',') {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  return parts;
}

/// As libpq reads numbers: spaces around it do no harm.
std::optional<int> number_in(std::string_view text) {
  const auto is_space = [](char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; };
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  if (text.starts_with('+')) text.remove_prefix(1);
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

bool is_socket_folder(const std::string& host) {
  return host.empty() || host.starts_with('/') || host.starts_with('@');
}

bool is_address(const std::string& text) {
  addrinfo hints{};
  hints.ai_flags = AI_NUMERICHOST;
  addrinfo* found = nullptr;
  const bool ok = ::getaddrinfo(text.c_str(), nullptr, &hints, &found) == 0;
  if (found != nullptr) ::freeaddrinfo(found);
  return ok;
}

/// As in libpq: HOME, or what the system says of the user.
std::string home_folder() {
  if (const char* const home = std::getenv("HOME"); home != nullptr && *home != '\0') return home;
  const passwd* const user = ::getpwuid(::geteuid());
  return user == nullptr ? "" : user->pw_dir;
}

class Settings {
 public:
  Settings(const Keywords& keywords, const std::set<std::string>& given)
      : keywords_(keywords), given_(given), defaults_(PQconndefaults()) {
    // A password that is given keeps libpq from reading, and complaining about, .pgpass; with the
    // other one it goes no further than to its settings.
    values_ = values_with({{"password", "?"}, {"channel_binding", "?"}});
  }

  void check() const {
    check_by_libpq();
    check_numbers();
    check_hosts();
    check_root_certificate();
  }

 private:
  /// What counts in the end, with variables and services.
  std::map<std::string, std::string> values_with(const Keywords& more) const {
    Keywords all = keywords_;
    std::ranges::copy(more, std::back_inserter(all));
    PGconn* const connection = Arguments(all).start();
    if (connection == nullptr) throw std::bad_alloc();
    std::map<std::string, std::string> values;
    const Options options(PQconninfo(connection));
    for (const PQconninfoOption* one = options.get(); one != nullptr && one->keyword != nullptr;
         ++one)
      if (one->val != nullptr) values[one->keyword] = one->val;
    PQfinish(connection);
    return values;
  }

  std::string value(const std::string& keyword) const {
    const auto found = values_.find(keyword);
    return found == values_.end() ? "" : found->second;
  }

  /// In the place of all hosts stands one that is no address, which libpq finds out without asking
  /// anybody: what it refuses before that is the other settings.
  Keywords without_hosts() const {
    const std::string hosts = value("hostaddr").empty() ? value("host") : value("hostaddr");
    std::string none = "?";
    for (std::size_t i = 1; i < parts_of(hosts).size(); ++i) none += ",?";
    Keywords all = keywords_;
    all.emplace_back("hostaddr", none);
    all.emplace_back("password", "?");
    return all;
  }

  void check_by_libpq() const {
    const Keywords all = without_hosts();
    if (Arguments(all).ping() != PQPING_NO_ATTEMPT) return;
    PGconn* const connection = Arguments(all).start();
    std::string message = connection == nullptr ? "out of memory" : PQerrorMessage(connection);
    PQfinish(connection);
    message.erase(message.find_last_not_of('\n') + 1);
    throw Failure(FailureKind::usage,
                  "the connection's settings cannot be used: " + message + where_wrong(all));
  }

  /// The setting in the place of which libpq's own default is taken.
  std::string where_wrong(const Keywords& all) const {
    for (const PQconninfoOption* one = defaults_.get(); one != nullptr && one->keyword != nullptr;
         ++one) {
      const bool is_known = one->compiled != nullptr && *one->compiled != '\0';
      if (!is_known || value(one->keyword) == one->compiled) continue;
      Keywords mended = all;
      mended.emplace_back(one->keyword, one->compiled);
      if (Arguments(mended).ping() != PQPING_NO_ATTEMPT) return " (" + name_of(one->keyword) + ")";
    }
    // A service that cannot be read leaves nothing to be seen.
    if (values_.empty() && std::getenv("PGSERVICE") != nullptr && !given_.contains("service"))
      return " (PGSERVICE)";
    return "";
  }

  /// "port (PGPORT)"
  std::string name_of(const std::string& keyword) const {
    if (given_.contains(keyword)) return keyword + ", in -d";
    for (const PQconninfoOption* one = defaults_.get(); one != nullptr && one->keyword != nullptr;
         ++one) {
      if (one->keyword != keyword || one->envvar == nullptr) continue;
      if (std::getenv(one->envvar) != nullptr) return one->envvar;
    }
    return keyword + ", of its service";
  }

  [[noreturn]] void fail(const std::string& keyword, const std::string& why) const {
    throw Failure(FailureKind::usage, "the connection's " + keyword + " cannot be used: " + why +
                                          " (" + name_of(keyword) + ")");
  }

  bool has_network() const {
    return !value("hostaddr").empty() ||
           !std::ranges::all_of(parts_of(value("host")), is_socket_folder);
  }

  void check_numbers() const {
    for (const std::string& port : parts_of(value("port"))) {
      if (port.empty()) continue;
      const auto number = number_in(port);
      if (!number || *number < 1 || *number > 65535)
        fail("port", "\"" + port + "\" is no number from 1 to 65535");
    }
    std::vector<std::string> numbers{"connect_timeout"};
    // Nothing asks for these where a socket is a file.
    if (has_network())
      for (const char* keyword : {"keepalives", "keepalives_idle", "keepalives_interval",
                                  "keepalives_count", "tcp_user_timeout"})
        numbers.emplace_back(keyword);
    for (const std::string& keyword : numbers) {
      if (values_.contains(keyword) && !number_in(value(keyword)))
        fail(keyword, "\"" + value(keyword) + "\" is no whole number");
    }
  }

  void check_hosts() const {
    for (const std::string& address : parts_of(value("hostaddr")))
      if (!address.empty() && !is_address(address))
        fail("hostaddr", "\"" + address + "\" is no address; host takes names");
    if (!value("hostaddr").empty()) return;
    constexpr std::size_t name_bytes = std::string_view("/.s.PGSQL.65535").size();
    for (const std::string& host : parts_of(value("host")))
      if (is_socket_folder(host) && host.size() + name_bytes >= sizeof(sockaddr_un::sun_path))
        fail("host", "the path is longer than that of a socket may be");
  }

  void check_root_certificate() const {
    const bool verifies = value("sslmode") == "verify-ca" || value("sslmode") == "verify-full";
    if (!verifies || !has_network() || value("sslrootcert") == "system") return;
    const std::string path = value("sslrootcert").empty() ? home_folder() + "/.postgresql/root.crt"
                                                          : value("sslrootcert");
    if (::access(path.c_str(), F_OK) == 0) return;
    const std::string why =
        "sslmode=" + value("sslmode") + " needs the file " + path + ": " + errno_message(errno);
    fail(value("sslrootcert").empty() ? "sslmode" : "sslrootcert", why);
  }

  const Keywords& keywords_;
  const std::set<std::string>& given_;
  Options defaults_;
  std::map<std::string, std::string> values_;
};

}  // namespace

void require_usable(const Keywords& keywords, const std::set<std::string>& given) {
  Settings(keywords, given).check();
}

}  // namespace sluice::pg
