#pragma once

#include <string>

/// Checksums of files as other tools make them, of the bytes that lie there. They throw
/// Failure{usage} for what cannot be read.
namespace sluice::script {

/// Flyway's: CRC-32 of the lines, without their ends and without a byte-order mark, as a signed
/// number.
std::string flyway_checksum(const std::string& path);

/// sqlx's: SHA-384 in hexadecimal.
std::string sqlx_checksum(const std::string& path);

}  // namespace sluice::script
