#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice::serve {

/// What stands behind the method of a request, taken apart and without %XX.
struct Target {
  std::vector<std::string> path;  ///< "/v1/tables/a%2Fb" is {"v1", "tables", "a/b"}
  std::vector<std::pair<std::string, std::string>> query;  ///< in its order
};

/// Throws Refused for what is no path with a query: a wrong %XX, what is no UTF-8, a byte 0, an
/// empty part or one of dots.
Target target_of(std::string_view text);

/// Nothing where a % has no two hexadecimal digits behind it.
std::optional<std::string> percent_decoded(std::string_view text);

/// A target that names the server too: "http://host:80/v1/loads".
/// https://www.rfc-editor.org/rfc/rfc9112#section-3.2.2
struct AbsoluteForm {
  std::string host;
  std::string target;  ///< "/v1/loads"
};

/// Nothing where a target is no such one. Throws Refused where it is, and names no server.
std::optional<AbsoluteForm> absolute_form_of(std::string_view text);

}  // namespace sluice::serve
