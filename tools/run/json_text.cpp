#include "tools/run/json_text.hpp"

#include "tools/run/text.hpp"

namespace laneway::tools {

void add_bytes(Json& json, const std::string& name, std::string_view bytes) {
  if (is_utf8(bytes)) {
    json[name] = bytes;
  } else {
    json[name + "_base64"] = base64(bytes);
  }
}

std::string json_line(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace laneway::tools
