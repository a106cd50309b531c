// The shapes of this profile and their spelled-out names.
#pragma once

#include "bench/harness/cell.hpp"
#include "bench/harness/race.hpp"

#include <array>
#include <string>

namespace laneway::bench {

inline constexpr std::array<Shape, 4> kShapes{Shape{1, 1, 1}, Shape{1, 1, 32}, Shape{4, 4, 1},
                                              Shape{4, 4, 32}};

inline std::string count_in_words(std::uint32_t count) {
  static constexpr std::array<const char*, 5> kWords{"no", "one", "two", "three", "four"};
  return count < kWords.size() ? kWords[count] : std::to_string(count);
}

inline std::string workload_name(const Shape& shape) {
  return count_in_words(shape.producers) + "_to_" + count_in_words(shape.consumers) + "_batch_" +
         std::to_string(shape.batch);
}

template <class Subject, class Element>
Measurement run_race(const Shape& shape, const RunOptions& options) {
  Subject subject(shape);
  return Race<Subject, Element>(subject, shape, options).run();
}

// A cell that can run; the caller fills in group and id.
template <class Subject, class Element>
Cell race_cell(const std::string& subject, const char* package, const Shape& shape) {
  Cell cell;
  cell.workload = workload_name(shape);
  cell.subject = subject;
  cell.package = package;
  cell.shape = shape;
  cell.guarantees = Subject::kGuarantees;
  cell.run = [shape](const RunOptions& options) {
    return run_race<Subject, Element>(shape, options);
  };
  return cell;
}

}  // namespace laneway::bench
