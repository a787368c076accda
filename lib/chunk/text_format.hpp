#pragma once

#include <string_view>

#include "csv/dialect.hpp"

namespace sluice::chunk {

/// Whether a source's beginning is COPY's text format (`\copy t to f`, the data of pg_dump) rather
/// than CSV: it has a line or a value that only that has (\. and \N), or lines of equally many
/// values between tabs, and none has a quote where CSV would have one.
bool looks_like_text(std::string_view beginning, const csv::Dialect& text);

}  // namespace sluice::chunk
