// Text of unknown origin, made fit for error texts, JSON and terminals.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace laneway::tools {

// True when the bytes are well-formed UTF-8 (RFC 3629: no overlong forms, no surrogates).
bool is_utf8(std::string_view bytes);

// RFC 4648, with padding.
std::string base64(std::string_view bytes);
// Nothing when it is none.
std::optional<std::string> from_base64(std::string_view text);

// The last `bytes_max` bytes of the text, or fewer: it begins where a UTF-8 character begins.
std::string_view tail(std::string_view text, std::size_t bytes_max);

// The first `bytes_max` bytes, or fewer: no UTF-8 character is cut.
std::string_view head(std::string_view text, std::size_t bytes_max);

// The last line that holds more than white space, without its end.
std::string_view last_line(std::string_view text);

// Control characters become '.', so that a key or an error text cannot steer the terminal.
std::string printable(std::string_view text);

// `prefix`, and what fits of the end of `detail` after a colon: 96 bytes at most, as much as an
// attempt keeps as its error text.
std::string error_text(std::string_view prefix, std::string_view detail);

}  // namespace laneway::tools
