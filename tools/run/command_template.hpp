// CommandTemplate: the command's words, with places for what a delivery says.
#pragma once

#include "tools/run/handler.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace laneway::tools {

// {} stands for the record, {key}, {attempt}, {id} and {fence} for what they say; anywhere in a
// word, as often as one likes. Other braces stay as they are. Pure.
class CommandTemplate {
 public:
  explicit CommandTemplate(std::vector<std::string> words);

  const std::vector<std::string>& words() const { return words_; }
  // No word has a {}: the record goes to the standard input of the command.
  bool record_on_input() const { return record_on_input_; }
  // Any word has a place of any kind.
  bool has_places() const;

  // Why this delivery cannot be put into words, or nothing.
  std::string_view obstacle(const Delivery& delivery) const;
  std::vector<std::string> arguments(const Delivery& delivery) const;
  // "LANEWAY_KEY=...", and so on.
  static std::vector<std::string> environment(const Delivery& delivery);

 private:
  std::vector<std::string> words_;
  bool record_on_input_ = true;
};

}  // namespace laneway::tools
