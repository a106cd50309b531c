// What all JSON of the program has in common: bytes that need not be text, and lines.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace laneway::tools {

using Json = nlohmann::ordered_json;

// Under `name` when it is text, else under `name`_base64: never changed, never cut.
void add_bytes(Json& json, const std::string& name, std::string_view bytes);

// One line, without its end.
std::string json_line(const Json& json);

}  // namespace laneway::tools
