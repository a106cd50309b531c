#include "tools/check/check_command.hpp"

#include "tools/check/check.hpp"
#include "tools/check/history_text.hpp"

#include <cstdio>
#include <fstream>
#include <iostream>

namespace laneway::check {

namespace {

constexpr int kHolds = 0;
constexpr int kViolated = 1;
constexpr int kUnreadable = 2;

constexpr const char* kHelp =
    "laneway check HISTORY: judges what a queue did by its fifteen invariants\n"
    "\n"
    "  HISTORY   a file in the format of docs/history.md; '-' is standard input\n"
    "\n"
    "Exit status: 0 all hold, 1 one is violated, 2 the history cannot be read.\n";

void print(const Report& report, const std::string& name) {
  std::printf("%s: %llu events over %llu\n", name.c_str(),
              static_cast<unsigned long long>(report.events),
              static_cast<unsigned long long>(report.span));
  for (unsigned i = 1; i <= kInvariants; ++i) {
    std::printf("  %-22s %12llu judged  %s\n", invariant_name(i),
                static_cast<unsigned long long>(report.judged[i]),
                report.broken_by[i] != 0 ? "VIOLATED"
                : report.judged[i] != 0  ? "holds"
                                         : "-");
  }
  constexpr std::size_t kShown = 10;
  for (std::size_t i = 0; i < report.violations.size() && i < kShown; ++i) {
    const Violation& violation = report.violations[i];
    std::printf("\n%s: %s\n", invariant_name(violation.invariant), violation.text.c_str());
    for (const Event* event : violation.events) {
      std::printf("  %s", event_line(*event).c_str());
    }
  }
  if (report.broken > kShown) {
    std::printf("\nand %llu more\n", static_cast<unsigned long long>(report.broken - kShown));
  }
}

}  // namespace

int check_command(const std::vector<std::string>& arguments) {
  if (arguments.size() == 1 && (arguments[0] == "--help" || arguments[0] == "-h")) {
    std::fputs(kHelp, stdout);
    return kHolds;
  }
  if (arguments.size() != 1) {
    std::fputs(kHelp, stderr);
    return kUnreadable;
  }
  const std::string& name = arguments[0];
  std::ifstream file;
  if (name != "-") {
    file.open(name);
    if (!file) {
      std::fprintf(stderr, "laneway check: %s cannot be opened\n", name.c_str());
      return kUnreadable;
    }
  }
  History history;
  std::string why;
  if (!read_history(name == "-" ? std::cin : file, &history, &why)) {
    std::fprintf(stderr, "laneway check: %s: %s\n", name.c_str(), why.c_str());
    return kUnreadable;
  }
  const Report report = check(history);
  print(report, name);
  return report.holds() ? kHolds : kViolated;
}

}  // namespace laneway::check
