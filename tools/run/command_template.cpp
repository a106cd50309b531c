#include "tools/run/command_template.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace laneway::tools {

namespace {

constexpr std::string_view kRecordPlace = "{}";

using Places = std::array<std::pair<std::string_view, std::string_view>, 5>;

// One pass: what was put in is not looked at again.
std::string fill(std::string_view word, const Places& places) {
  std::string result;
  while (!word.empty()) {
    const auto place = std::find_if(places.begin(), places.end(), [word](const auto& one) {
      return word.substr(0, one.first.size()) == one.first;
    });
    if (place == places.end()) {
      result += word.front();
      word.remove_prefix(1);
    } else {
      result += place->second;
      word.remove_prefix(place->first.size());
    }
  }
  return result;
}

}  // namespace

CommandTemplate::CommandTemplate(std::vector<std::string> words) : words_(std::move(words)) {
  record_on_input_ = std::none_of(words_.begin(), words_.end(), [](const std::string& word) {
    return word.find(kRecordPlace) != std::string::npos;
  });
}

bool CommandTemplate::has_places() const {
  return arguments({.key = "", .attempt = 0}) != words_;
}

std::string_view CommandTemplate::obstacle(const Delivery& delivery) const {
  if (!record_on_input_ && delivery.record.find('\0') != std::string_view::npos) {
    return "a record with a NUL byte cannot be an argument";
  }
  if (delivery.key.find('\0') != std::string_view::npos) {
    return "a key with a NUL byte cannot be handed to a command";
  }
  return {};
}

std::vector<std::string> CommandTemplate::arguments(const Delivery& delivery) const {
  const std::string attempt = std::to_string(delivery.attempt);
  const std::string id = std::to_string(delivery.id);
  const std::string fence = std::to_string(delivery.fence);
  const Places places = {{{kRecordPlace, delivery.record},
                          {"{key}", delivery.key},
                          {"{attempt}", attempt},
                          {"{id}", id},
                          {"{fence}", fence}}};
  std::vector<std::string> result;
  result.reserve(words_.size());
  for (const std::string& word : words_) {
    result.push_back(fill(word, places));
  }
  return result;
}

std::vector<std::string> CommandTemplate::environment(const Delivery& delivery) {
  return {fmt::format("LANEWAY_KEY={}", delivery.key),
          fmt::format("LANEWAY_ATTEMPT={}", delivery.attempt),
          fmt::format("LANEWAY_ID={}", delivery.id),
          fmt::format("LANEWAY_FENCE={}", delivery.fence)};
}

}  // namespace laneway::tools
