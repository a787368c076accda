#include "serve/permission_view.hpp"

namespace sluice::serve {

Answer answer_of(const Permission& permission, bool keeps_rejects) {
  nlohmann::ordered_json json{{"name", nullptr},
                              {"tables", permission.tables},
                              {"flags", permission.flags},
                              {"keeps_rejects", keeps_rejects}};
  if (!permission.name.empty()) json["name"] = permission.name;
  return answer_of(200, json);
}

}  // namespace sluice::serve
