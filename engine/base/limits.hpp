// Floor 0. Every limit of the engine, in one place, with a name.
#pragma once

#include <cstddef>
#include <cstdint>

namespace laneway::engine {

inline constexpr std::size_t kCacheLine = 64;
// Fields of different writers stay this far apart: x86 prefetches lines in pairs.
inline constexpr std::size_t kDestructive = 2 * kCacheLine;

inline constexpr std::uint32_t kQueueNameBytesMax = 128;
inline constexpr std::uint32_t kQueuesMax = 1u << 16;
inline constexpr std::uint32_t kShardsMax = 256;
inline constexpr std::uint64_t kShardCapacityMax = 1u << 27;

inline constexpr std::uint32_t kKeyBytesMax = 1024;
inline constexpr std::uint32_t kKeyBytesInline = 24;
inline constexpr std::uint32_t kTypeBytesMax = 255;
inline constexpr std::uint32_t kPayloadBytesInline = 64;
inline constexpr std::uint32_t kPayloadBytesMax = 64u << 20;
inline constexpr std::uint32_t kErrorTextBytesMax = 96;

inline constexpr std::uint32_t kBatchMax = 64;  // leases that one receive can return
inline constexpr std::uint32_t kRunMax = 32;    // messages that one ordered run can hold
inline constexpr std::uint32_t kHoldItemsMax = 64;
inline constexpr std::uint32_t kHoldWheelNodesMax = 128;
// Holds of one receive that finds nothing but work: some 2,000 timers or 1,000 settles, less than
// half a millisecond. The next receives, and the driver, go on.
inline constexpr std::uint32_t kReceiveHoldsMax = 16;
inline constexpr std::uint32_t kAttemptsMax = 60'000;
inline constexpr std::uint32_t kDedupIdBytesMax = 64;
inline constexpr std::uint32_t kRateBurstMax = 1'000'000;
inline constexpr std::uint32_t kStoryAttemptsMax = 32;

inline constexpr std::uint64_t kDelayMsMax = (std::uint64_t{1} << 38) - 1;  // 8.7 years
inline constexpr std::uint64_t kLeaseMsMax = 7ull * 24 * 3600 * 1000;
// A wait that a user asks for ends after 100 years: a point in time still fits 64 bits of ns.
inline constexpr std::uint64_t kWaitMsMax = 100ull * 365 * 24 * 3600 * 1000;

static_assert(kRunMax <= kBatchMax, "a run fits one receive");

}  // namespace laneway::engine
