#pragma once

#include <memory>
#include <string>
#include <vector>

namespace sluice::test {

/// What a shell command makes of these bytes: "gzip -9", "xz --block-size=100". Throws if it fails.
std::string piped(const std::string& command, const std::string& bytes);

/// CSV with quotes, line ends in quotes and characters of several bytes, of about so many bytes.
/// A header "id,name", then ids from 1.
std::string csv_to_pack(std::size_t bytes);

}  // namespace sluice::test
