// Envelope: how a record travels through the queue: its number in the input, then its bytes.
#pragma once

#include <laneway/message.hpp>

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace laneway::tools {

inline constexpr std::size_t kEnvelopeBytes = sizeof(std::uint64_t);

// Into `to`, which keeps its memory from record to record.
inline void seal(std::uint64_t number, std::string_view record, std::string& to) {
  to.resize(kEnvelopeBytes);
  std::memcpy(to.data(), &number, kEnvelopeBytes);
  to.append(record);
}

struct Opened {
  std::uint64_t number = 0;
  std::string_view record;
};

// `payload` was sealed.
inline Opened open_envelope(std::string_view payload) {
  Opened opened;
  std::memcpy(&opened.number, payload.data(), kEnvelopeBytes);
  opened.record = payload.substr(kEnvelopeBytes);
  return opened;
}

}  // namespace laneway::tools
