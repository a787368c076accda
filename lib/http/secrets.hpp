#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace sluice::http {

/// What was sent and is nobody's to see. A server may say any of it again.
class Secrets {
 public:
  void add(std::string_view secret);
  /// What a request has of them in its first line and its headers, as they are sent: parameters
  /// that sign it, and the values of all headers that are not pgsluice's own.
  void add_request(std::string_view head);

  /// The text with *** for each of them, and for each piece of them of `piece_bytes` or more;
  /// percent-encoded ones too.
  std::string without(std::string_view text) const;

  static constexpr std::size_t piece_bytes = 16;

 private:
  void add_header(std::string_view name, std::string_view value);

  std::vector<std::string> all_;  ///< nothing percent-encoded; those that were added last
};

}  // namespace sluice::http
