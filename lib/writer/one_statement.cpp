#include "writer/one_statement.hpp"

namespace sluice::writer {

asio::awaitable<void> run_one(pg::Connection& on, std::string statement) {
  pg::Row no_parameters;
  co_await on.execute(std::move(statement), std::move(no_parameters));
}

}  // namespace sluice::writer
