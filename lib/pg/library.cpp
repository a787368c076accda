#include "pg/library.hpp"

#include <libpq-fe.h>

namespace sluice::pg {

std::string library() {
  const int version = PQlibVersion();
  return "libpq " + std::to_string(version / 10'000) + "." + std::to_string(version % 10'000);
}

}  // namespace sluice::pg
