#pragma once

#include <gtest/gtest.h>

#include <cstdio>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "csv/dialect.hpp"

namespace sluice::test {

inline std::string from_hex(const std::string& hex) {
  std::string bytes;
  for (std::size_t at = 0; at + 1 < hex.size(); at += 2)
    bytes += static_cast<char>(std::stoi(hex.substr(at, 2), nullptr, 16));
  return bytes;
}

/// Files in dialects that are drawn, and the records that they have by the rules
/// (support/dialect_cases.py, or another script that draws).
inline std::vector<nlohmann::json> drawn_cases(int seed, int count, const std::string& fixed = {},
                                               const std::string& script = "dialect_cases.py") {
  const std::string command = "python3 " PGSLUICE_SOURCE_DIR "/tests/support/" + script + " " +
                              std::to_string(seed) + " " + std::to_string(count) + " " + fixed;
  std::string text;
  FILE* const pipe = ::popen(command.c_str(), "r");
  if (pipe == nullptr) return {};
  char buffer[65536];
  while (const std::size_t got = std::fread(buffer, 1, sizeof buffer, pipe))
    text.append(buffer, got);
  EXPECT_EQ(0, ::pclose(pipe)) << command;
  std::vector<nlohmann::json> cases;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text.find('\n', at);
    cases.push_back(nlohmann::json::parse(text.substr(at, end - at)));
    at = end + 1;
  }
  return cases;
}

inline char character_of(const nlohmann::json& text) {
  return text.get<std::string>().empty() ? csv::Dialect::none : text.get<std::string>().front();
}

inline csv::Dialect dialect_of_case(const nlohmann::json& one) {
  const std::string kind = one["kind"];
  csv::Escapes escapes = csv::Escapes::in_quotes;
  if (kind == "text") escapes = csv::Escapes::text;
  if (kind == "everywhere" || kind == "unquoted") escapes = csv::Escapes::everywhere;
  return {.delimiter = *csv::Delimiter::of(from_hex(one["delimiter"])),
          .quote = character_of(one["quote"]),
          .escape = character_of(one["escape"]),
          .null_text = from_hex(one["null"]),
          .escapes = escapes,
          .comment = from_hex(one["comment"])};
}

inline std::vector<std::size_t> chunk_sizes_of_cases() {
  std::vector<std::size_t> sizes{1, 2, 3, 7};
  for (std::size_t size = 27; size <= 100; ++size) sizes.push_back(size);
  sizes.push_back(4096);
  sizes.push_back(1 << 20);
  return sizes;
}

}  // namespace sluice::test
