#pragma once

#include <string_view>

namespace sluice::script {

/// Of a name that is no migration's (parse_script_name): it is like that of one, as "V1__x.sql ",
/// "V1__x.sql.bak" or "001_x.psql".
bool looks_like_script(std::string_view file);

}  // namespace sluice::script
