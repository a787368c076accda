#include "pg/password.hpp"

#include <chrono>
#include <memory>

#include "base/limits.hpp"
#include "pg/conninfo.hpp"

namespace sluice::pg {
namespace {

struct Asked {
  AskPassword ask;
  bool was_asked = false;
  std::string password;
};

Asked& asked() {
  static Asked one;
  return one;
}

}  // namespace

void ask_passwords_with(AskPassword ask) { asked() = {.ask = std::move(ask)}; }

bool may_ask_password() { return asked().ask && !asked().was_asked; }

bool is_password_answered() { return asked().was_asked; }

bool ask_password(const std::string& user) {
  if (!may_ask_password()) return false;
  const std::optional<std::string> password = asked().ask(user);
  if (!password) return false;
  asked().was_asked = true;
  asked().password = *password;
  return true;
}

const std::string& asked_password() { return asked().password; }

void settle_password(const ConnectOptions& options) {
  if (!may_ask_password()) return;
  const auto patience = std::chrono::ceil<std::chrono::seconds>(limits::connect_timeout);
  const std::string seconds = std::to_string(patience.count());
  const Keywords given = keywords_of(options);
  // In front, so that the connection's own wins.
  std::vector<const char*> keywords{"connect_timeout"};
  std::vector<const char*> values{seconds.c_str()};
  for (const auto& [keyword, value] : given) {
    keywords.push_back(keyword.c_str());
    values.push_back(value.c_str());
  }
  keywords.push_back(nullptr);
  values.push_back(nullptr);
  const std::unique_ptr<PGconn, decltype(&PQfinish)> tried(
      PQconnectdbParams(keywords.data(), values.data(), 1), &PQfinish);
  if (PQstatus(tried.get()) == CONNECTION_BAD && PQconnectionNeedsPassword(tried.get()) != 0)
    ask_password(PQuser(tried.get()));
}

}  // namespace sluice::pg
