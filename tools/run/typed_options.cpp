#include "tools/run/typed_options.hpp"

#include "tools/run/quantity.hpp"

#include <fmt/format.h>

#include <sstream>

namespace laneway::tools {

namespace {

using std::chrono::milliseconds;

constexpr std::size_t kHelpColumns = 72;  // of the descriptions

}  // namespace

void TypedOptions::add(const OptionText& text, OptionTaker take) {
  const auto check = [name = text.name, take = std::move(take)](const std::string& value) {
    const std::string wrong = take(value);
    if (!wrong.empty()) {
      throw CLI::ValidationError(
          fmt::format("{}: '{}' {}", name.substr(name.find("--")), value, wrong));
    }
  };
  app_.add_option_function<std::string>(text.name, check, text.help)
      ->type_name(text.value)
      ->group(group_);
}

void TypedOptions::add_path(const OptionText& text, std::string& to) {
  add(text, [&to](const std::string& value) {
    to = value;
    return std::string(value.empty() ? "is no file name" : "");
  });
}

void TypedOptions::add_flag(const std::string& name,
                            std::function<void()> set,
                            const std::string& help) {
  app_.add_flag_callback(name, std::move(set), help)->group(group_);
}

void TypedOptions::add_duration(const OptionText& text, milliseconds& to, milliseconds min) {
  add(text, [&to, min](const std::string& value) {
    const auto duration = parse_duration(value);
    if (!duration) {
      return std::string("is no duration, such as 200ms, 2s, 5m or 1h");
    }
    to = *duration;
    return *duration < min ? "is less than " + compact_duration(min) : std::string();
  });
}

void TypedOptions::add_share(const OptionText& text, double& to) {
  add(text, [&to](const std::string& value) {
    const auto share = parse_share(value);
    to = share.value_or(0.0);
    return std::string(share ? "" : "is no share from 0 to 1, such as 0.1");
  });
}

std::string TypedOptions::take_count(const std::string& value,
                                     std::uint64_t min,
                                     std::uint64_t max,
                                     std::uint64_t& to) {
  const auto count = parse_count(value);
  if (!count || *count < min || *count > max) {
    return fmt::format("is no number from {} to {}", format_count(min), format_count(max));
  }
  to = *count;
  return {};
}

std::string HelpFormatter::make_option_desc(const CLI::Option* option) const {
  std::istringstream words(option->get_description());
  std::string text;
  std::string word;
  std::size_t column = 0;
  while (words >> word) {
    if (column > 0 && column + 1 + word.size() > kHelpColumns) {
      text += '\n';
      column = 0;
    }
    if (column > 0) {
      text += ' ';
      ++column;
    }
    text += word;
    column += word.size();
  }
  return text;
}

}  // namespace laneway::tools
