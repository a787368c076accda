#pragma once

#include <string>

#include "serve/message.hpp"

namespace sluice::serve {

/// What the file of a body is called: Content-Disposition: attachment; filename="trips.csv", or
/// filename*=UTF-8''trips.csv, without its folders. Empty where none is said, or one that is no
/// name: of more than 255 bytes, of other bytes than UTF-8, with a control character.
/// https://www.rfc-editor.org/rfc/rfc6266
std::string file_name_of(const Request& request);

}  // namespace sluice::serve
