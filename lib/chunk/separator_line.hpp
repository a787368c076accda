#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace sluice::chunk {

/// The delimiter that Excel writes into the first line, sep=; and nothing else, and the line.
struct SeparatorLine {
  char delimiter = ',';
  std::size_t size = 0;  ///< without its line end
};

/// Where `text` begins with one, in capitals or in quotes too.
std::optional<SeparatorLine> separator_line(std::string_view text);

}  // namespace sluice::chunk
