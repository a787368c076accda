#pragma once

#include <string_view>
#include <vector>

#include "script/sql_lexer.hpp"

namespace sluice::script {

/// The place behind a text that begins at another one.
Place behind(Place begin, std::string_view text);

/// Where in a file what is sent stands: a value has other lines than its placeholder. Without a
/// placeholder all stands where it is.
class WrittenPlaces {
 public:
  explicit WrittenPlaces(Place begin = {}) : sent_(begin), written_(begin) {}

  // What is sent, in its order.

  void add_same(std::string_view text);
  void add_value(std::string_view placeholder, std::string_view value);

  /// Of what a value has brought with it, the place of its placeholder.
  Place of(Place sent) const;
  /// The same for all places of a text that was lexed as it is sent.
  void apply_to(Lexed& lexed) const;

 private:
  struct Part {
    Place sent;
    Place written;
    bool is_value;
  };
  std::vector<Part> parts_;
  Place sent_;     ///< the end of it
  Place written_;  ///< the same
};

}  // namespace sluice::script
