#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "support/scripted_server.hpp"

namespace sluice::test {

/// An input of the server's fuzz target: which command runs, and what it hears. As bytes: the
/// command's number; then for each message its type, flags (1: the next one follows at once; 2: the
/// length that it tells is wrong; the high half: how often more), the body's length in two bytes
/// (the low one first) and the body. A message of type 0 begins the next connection's answers.
struct Dialogue {
  unsigned command = 0;
  std::vector<Answers> connections;

  /// A folder that messages name is `recorded_folder`.
  static constexpr std::string_view recorded_folder = "/tmp/pgsluice-fuzz.XXXXXX";

  static Dialogue parse(std::span<const std::uint8_t> bytes);
  /// Messages name this folder instead. Its path is as long.
  void name_folder(const std::string& folder);
  std::string bytes() const;
};

/// Changes a dialogue message by message: other orders, other shapes, other values. `random` comes
/// from the fuzzer, as does `mutate_bytes`, which changes bytes in place and returns how many are
/// left.
void mutate(Dialogue& dialogue, unsigned random,
            std::size_t (*mutate_bytes)(std::uint8_t*, std::size_t, std::size_t));

}  // namespace sluice::test
