#include "migrate/library.hpp"

#include <pqxx/version>

namespace sluice::migrate {

std::string library() { return "libpqxx " PQXX_VERSION; }

}  // namespace sluice::migrate
