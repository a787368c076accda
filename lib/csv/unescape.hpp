#pragma once

#include "csv/dialect.hpp"

namespace sluice::csv {

/// Takes one escape of a dialect whose escape counts everywhere from [from, to), which begins
/// behind the escape itself, and writes its byte. REQUIRES: from < to.
///
/// MySQL's are \0 \b \n \r \t \Z, and any other character stands for itself
/// (https://dev.mysql.com/doc/refman/8.4/en/load-data.html). Those of COPY's text format are
/// \b \f \n \r \t \v, \ and one to three octal digits, \x and one or two hexadecimal ones
/// (copyfromparse.c, CopyReadAttributesText).
const char* unescape_one(Escapes escapes, const char* from, const char* to, char*& out);

}  // namespace sluice::csv
