#include "serve/permission_view.hpp"

namespace sluice::serve {

Answer answer_of(const Permission& permission) {
  nlohmann::ordered_json json{
      {"name", nullptr}, {"tables", permission.tables}, {"flags", permission.flags}};
  if (!permission.name.empty()) json["name"] = permission.name;
  return answer_of(200, json);
}

}  // namespace sluice::serve
