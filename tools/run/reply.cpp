#include "tools/run/reply.hpp"

#include "tools/run/text.hpp"

#include <algorithm>

namespace laneway::tools {

std::optional<Verdict> parse_reply(std::string_view line) {
  if (!line.empty() && line.back() == '\r') {
    line.remove_suffix(1);
  }
  const std::string_view word = line.substr(0, line.find(' '));
  const std::string_view reason = line.substr(std::min(word.size() + 1, line.size()));
  if (line == "ok") {
    return Verdict{};
  }
  if (word == "retry" || word == "reject") {
    return Verdict{.kind = word == "retry" ? Verdict::Kind::retry : Verdict::Kind::reject,
                   .error = error_text(reason, {})};
  }
  return std::nullopt;
}

}  // namespace laneway::tools
