#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

namespace sluice {

/// "8MiB", "50MB", "512K", "1g" or plain bytes. KiB to TiB and K to T are powers of 1024, KB to TB
/// powers of 1000. The error is a sentence that names the text and what to write instead.
std::expected<std::uint64_t, std::string> parse_bytes(std::string_view text);

/// "500ms", "30s", "5m", "2h", "1d"; a plain number is seconds.
std::expected<std::chrono::milliseconds, std::string> parse_duration(std::string_view text);

/// 8388608 is "8 MiB", 312000000 is "298 MiB": for plans and settings.
std::string format_bytes(std::uint64_t bytes);

/// 312000000 is "312 MB": for progress, in the unit of disks and networks.
std::string format_decimal_bytes(std::uint64_t bytes);

/// 2400113 is "2,400,113".
std::string format_count(std::uint64_t count);

/// 0.42 s, 5.8 s, 2:05 min, 1:02:03 h.
std::string format_duration(std::chrono::duration<double> duration);

/// "412k rows/s"
std::string format_rate(double rows_per_second);

}  // namespace sluice
