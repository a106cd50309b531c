// Floor 2. CRC-32C (Castagnoli), as of RFC 3720: crc32c("123456789") is 0xe3069283. By isa-l where
// it was found at build time, else by our own table; the same bytes give the same sum.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace laneway::engine {

// The sum of the bytes that `before` is the sum of, followed by these.
std::uint32_t crc32c(std::span<const std::byte> bytes, std::uint32_t before = 0) noexcept;
// The table alone, whatever the build found.
std::uint32_t crc32c_by_table(std::span<const std::byte> bytes, std::uint32_t before = 0) noexcept;

}  // namespace laneway::engine
