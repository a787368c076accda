#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::tuple {

/// What names that differ in case, in blanks around them, in _ for a blank, or in how Unicode
/// composes their characters have in common. Text that is no UTF-8 is like itself only.
std::string likeness_of(std::string_view name);

/// Names by what they are like.
class Alike {
 public:
  explicit Alike(const std::vector<std::string>& names);

  /// The one name that is like that, or nothing.
  std::optional<std::size_t> find(const std::string& name) const;

 private:
  std::map<std::string, std::vector<std::size_t>> places_;
};

/// The one that a flag names: as it is written, or else the one that is like it.
std::optional<std::size_t> find_named(const std::vector<std::string>& names,
                                      const std::string& name);

}  // namespace sluice::tuple
