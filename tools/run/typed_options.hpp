// Options of a command line whose values are checked as they are read, with messages that say what
// would have been right.
#pragma once

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

namespace laneway::tools {

// How options are declared: "-k,--key", what the value is called, and what it is for.
struct OptionText {
  std::string name;
  std::string value;
  std::string help;
};

// Takes the text of an option; answers what is wrong with it ("is empty"), or nothing.
using OptionTaker = std::function<std::string(const std::string&)>;

// Adds options to one group of an app. What they write to outlives the parsing.
class TypedOptions {
 public:
  TypedOptions(CLI::App& app, std::string group) : app_(app), group_(std::move(group)) {}

  void add(const OptionText& text, OptionTaker take);
  void add_path(const OptionText& text, std::string& to);
  void add_flag(const std::string& name, std::function<void()> set, const std::string& help);
  void add_duration(const OptionText& text,
                    std::chrono::milliseconds& to,
                    std::chrono::milliseconds min);
  void add_share(const OptionText& text, double& to);

  template <class Integer>
  void add_count(const OptionText& text, Integer& to, std::uint64_t min, std::uint64_t max) {
    add(text, [&to, min, max](const std::string& value) {
      std::uint64_t count = 0;
      std::string wrong = take_count(value, min, max, count);
      to = static_cast<Integer>(count);
      return wrong;
    });
  }

 private:
  static std::string take_count(const std::string& value,
                                std::uint64_t min,
                                std::uint64_t max,
                                std::uint64_t& to);

  CLI::App& app_;
  std::string group_;
};

// Help with descriptions that are broken into lines, and no line about the usage: the description
// of the app has a better one.
class HelpFormatter : public CLI::Formatter {
 public:
  HelpFormatter() { column_width(27); }
  std::string make_usage(const CLI::App*, std::string) const override { return "\n"; }
  std::string make_option_desc(const CLI::Option* option) const override;
};

}  // namespace laneway::tools
