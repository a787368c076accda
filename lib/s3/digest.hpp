#pragma once

#include <string>
#include <string_view>

/// What a signature is made of: bytes in, 32 bytes out.
namespace sluice::s3 {

std::string sha256(std::string_view bytes);
std::string hmac_sha256(std::string_view key, std::string_view bytes);

/// In small letters.
std::string hexadecimal(std::string_view bytes);

}  // namespace sluice::s3
