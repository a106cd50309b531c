#include "tools/run/dead_letter_json.hpp"

#include "tools/run/envelope.hpp"
#include "tools/run/json_text.hpp"
#include "tools/run/text.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <utility>

namespace laneway::tools {

namespace {

std::string time_text(std::chrono::system_clock::time_point time) {
  const auto ms = std::chrono::floor<std::chrono::milliseconds>(time.time_since_epoch()).count();
  const auto seconds = static_cast<std::time_t>(ms / 1000);
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", fmt::gmtime(seconds), ms % 1000);
}

// What add_bytes has added; nothing when it is not there.
std::optional<std::string> bytes_of(const Json& json, const std::string& name) {
  const auto text = json.find(name);
  if (text != json.end() && text->is_string()) {
    return text->get<std::string>();
  }
  const auto encoded = json.find(name + "_base64");
  if (encoded != json.end() && encoded->is_string()) {
    return from_base64(encoded->get<std::string>());
  }
  return std::nullopt;
}

}  // namespace

std::string dead_letter_json(const DeadLetter& letter) {
  const Opened opened =
      open_envelope({reinterpret_cast<const char*>(letter.payload.data()), letter.payload.size()});
  Json attempts = Json::array();
  for (const Attempt& attempt : letter.story) {
    attempts.push_back({{"number", attempt.number},
                        {"when", time_text(attempt.granted)},
                        {"ended", time_text(attempt.ended)},
                        {"end", to_string(attempt.end)},
                        {"error_class", attempt.error_class},
                        {"error", attempt.error}});
  }
  Json json = {{"number", opened.number}, {"id", letter.id.value}};
  add_bytes(json, "key", letter.key);
  json["type"] = letter.type.empty() ? "record" : letter.type;
  json["reason"] = to_string(letter.reason);
  json["published"] = time_text(letter.published);
  json["died"] = time_text(letter.died);
  json["attempts_made"] = letter.attempts;
  json["attempts"] = std::move(attempts);
  add_bytes(json, "record", opened.record);
  return json_line(json);
}

std::string refused_record_json(const RefusedRecord& refused) {
  Json json = {{"number", refused.number},
               {"id", nullptr},
               {"key", ""},
               {"type", refused.too_long ? "too_long" : "unkeyed"},
               {"reason", "rejected"},
               {"published", nullptr},
               {"died", time_text(refused.when)},
               {"attempts_made", 0},
               {"attempts", Json::array()},
               {"error", refused.error},
               {"offset", refused.offset},
               {"bytes", refused.size}};
  if (refused.too_long) {
    json["record"] = nullptr;
  } else {
    add_bytes(json, "record", refused.record);
  }
  return json_line(json);
}

std::optional<ReadLetter> read_dead_letter(std::string_view line) {
  const Json json = Json::parse(line.begin(), line.end(), nullptr, false);
  if (!json.is_object()) {
    return std::nullopt;
  }
  const std::optional<std::string> key = bytes_of(json, "key");
  ReadLetter letter{.key = key.value_or(""), .record = bytes_of(json, "record")};
  const auto record = json.find("record");
  const bool left_out = record != json.end() && record->is_null();
  if (!key || (!letter.record && !left_out)) {
    return std::nullopt;
  }
  return letter;
}

}  // namespace laneway::tools
