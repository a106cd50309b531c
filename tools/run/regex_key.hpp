// The key rule that is a POSIX extended regular expression.
#pragma once

#include "tools/run/key_extractor.hpp"

#include <memory>
#include <string>

namespace laneway::tools {

// Null: `rule` is no expression with a group, and `mistake` says why.
std::unique_ptr<KeyExtractor> make_regex_key(const std::string& rule, std::string& mistake);

}  // namespace laneway::tools
