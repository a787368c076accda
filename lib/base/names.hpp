#pragma once

#include <array>
#include <optional>
#include <string_view>

namespace sluice {

/// A value of an enum, and the word that stands for it: on the command line, in JSON, in reports,
/// in files of jobs. The words of an enum stand beside it, in the order in which a help lists them:
///
///   constexpr auto names_of(Grown) {
///     return std::array{Named{Grown::refuse, "refuse"}, Named{Grown::append, "append"}};
///   }
template <class E>
struct Named {
  E value;
  std::string_view name;
};

/// An enum whose values have names.
template <class E>
concept HasNames = requires(E value) { names_of(value).front().name; };

/// Empty for a value that nobody writes.
template <HasNames E>
constexpr std::string_view name_of(E value) {
  for (const Named<E>& each : names_of(value))
    if (each.value == value) return each.name;
  return {};
}

template <HasNames E>
constexpr std::optional<E> value_named(std::string_view name) {
  for (const Named<E>& each : names_of(E{}))
    if (each.name == name) return each.value;
  return std::nullopt;
}

}  // namespace sluice
