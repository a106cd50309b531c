#include "tools/run/text.hpp"

#include <algorithm>
#include <cstdint>

namespace laneway::tools {

namespace {

constexpr std::size_t kErrorTextBytesMax = 96;

constexpr unsigned char byte_at(std::string_view text, std::size_t at) {
  return static_cast<unsigned char>(text[at]);
}

constexpr bool continues(unsigned char byte) {
  return (byte & 0xc0u) == 0x80u;
}

struct Sequence {
  std::size_t length = 0;  // 0: not a first byte
  // Bounds of the second byte, which rule out overlong forms, surrogates and what is above
  // U+10FFFF.
  unsigned char second_min = 0x80;
  unsigned char second_max = 0xbf;
};

Sequence sequence_of(unsigned char first) {
  if (first < 0x80) {
    return {.length = 1};
  }
  if (first >= 0xc2 && first <= 0xdf) {
    return {.length = 2};
  }
  if (first >= 0xe0 && first <= 0xef) {
    return {.length = 3,
            .second_min = static_cast<unsigned char>(first == 0xe0 ? 0xa0 : 0x80),
            .second_max = static_cast<unsigned char>(first == 0xed ? 0x9f : 0xbf)};
  }
  if (first >= 0xf0 && first <= 0xf4) {
    return {.length = 4,
            .second_min = static_cast<unsigned char>(first == 0xf0 ? 0x90 : 0x80),
            .second_max = static_cast<unsigned char>(first == 0xf4 ? 0x8f : 0xbf)};
  }
  return {};
}

constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

}  // namespace

bool is_utf8(std::string_view bytes) {
  std::size_t at = 0;
  while (at < bytes.size()) {
    const Sequence sequence = sequence_of(byte_at(bytes, at));
    if (sequence.length == 0 || sequence.length > bytes.size() - at) {
      return false;
    }
    for (std::size_t next = 1; next < sequence.length; ++next) {
      const unsigned char byte = byte_at(bytes, at + next);
      const bool fits =
          next == 1 ? byte >= sequence.second_min && byte <= sequence.second_max : continues(byte);
      if (!fits) {
        return false;
      }
    }
    at += sequence.length;
  }
  return true;
}

std::string base64(std::string_view bytes) {
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    const std::size_t count = std::min<std::size_t>(3, bytes.size() - at);
    std::uint32_t group = 0;
    for (std::size_t next = 0; next < 3; ++next) {
      group = group << 8u | (next < count ? byte_at(bytes, at + next) : 0u);
    }
    for (std::size_t next = 0; next < 4; ++next) {
      const std::uint32_t index = group >> (18 - 6 * next) & 63u;
      text += next <= count ? kAlphabet[index] : '=';
    }
  }
  return text;
}

std::optional<std::string> from_base64(std::string_view text) {
  const bool padded = text.size() % 4 == 0;
  for (int equals = 0; equals < 2 && !text.empty() && text.back() == '='; ++equals) {
    text.remove_suffix(1);
  }
  if (!padded || text.size() % 4 == 1) {
    return std::nullopt;
  }
  std::string bytes;
  std::uint32_t bits = 0;
  unsigned held = 0;
  for (const char character : text) {
    const std::size_t value = kAlphabet.find(character);
    if (value == std::string_view::npos) {
      return std::nullopt;
    }
    bits = bits << 6u | static_cast<std::uint32_t>(value);
    held += 6;
    if (held >= 8) {
      held -= 8;
      bytes += static_cast<char>(bits >> held & 0xffu);
    }
  }
  return bytes;
}

std::string_view tail(std::string_view text, std::size_t bytes_max) {
  if (text.size() <= bytes_max) {
    return text;
  }
  std::size_t from = text.size() - bytes_max;
  for (int skipped = 0; skipped < 3 && from < text.size() && continues(byte_at(text, from));
       ++skipped) {
    ++from;
  }
  return text.substr(from);
}

std::string_view head(std::string_view text, std::size_t bytes_max) {
  if (text.size() <= bytes_max) {
    return text;
  }
  std::size_t to = bytes_max;
  for (int skipped = 0; skipped < 3 && to > 0 && continues(byte_at(text, to)); ++skipped) {
    --to;
  }
  return text.substr(0, to);
}

std::string_view last_line(std::string_view text) {
  const std::size_t last = text.find_last_not_of(" \t\r\n");
  if (last == std::string_view::npos) {
    return {};
  }
  text = text.substr(0, last + 1);
  const std::size_t before = text.find_last_of('\n');
  return before == std::string_view::npos ? text : text.substr(before + 1);
}

std::string printable(std::string_view text) {
  std::string result(text);
  std::replace_if(
      result.begin(), result.end(),
      [](char character) {
        const auto byte = static_cast<unsigned char>(character);
        return byte < 0x20 || byte == 0x7f;
      },
      '.');
  return result;
}

std::string error_text(std::string_view prefix, std::string_view detail) {
  std::string text(head(prefix, kErrorTextBytesMax));
  if (!detail.empty() && text.size() + 3 < kErrorTextBytesMax) {
    text += ": ";
    text += tail(detail, kErrorTextBytesMax - text.size());
  }
  return text;
}

}  // namespace laneway::tools
