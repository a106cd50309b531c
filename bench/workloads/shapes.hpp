// Shapes of a race, their spelled-out names, and cells made of them.
#pragma once

#include "bench/harness/cell.hpp"
#include "bench/harness/race.hpp"

#include <array>
#include <string>
#include <utility>

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

// What a cell is, where it stands in the report, and who runs it.
struct Place {
  std::string group;
  std::string id;
  std::string workload;
};
struct Who {
  std::string subject;
  std::string package = {};
};

template <class Subject>
Cell cell_of(Place place, Who who, const Shape& shape) {
  Cell cell;
  cell.group = std::move(place.group);
  cell.id = std::move(place.id);
  cell.workload = std::move(place.workload);
  cell.subject = std::move(who.subject);
  cell.package = std::move(who.package);
  cell.shape = shape;
  cell.guarantees = Subject::kGuarantees;
  return cell;
}

template <class Subject, class Element>
Measurement run_race(const Shape& shape, const RunOptions& options) {
  Subject subject(shape);
  return Race<Subject, Element>(subject, shape, options).run();
}

template <class Subject, class Element>
Cell race_cell(Place place, Who who, const Shape& shape) {
  Cell cell = cell_of<Subject>(std::move(place), std::move(who), shape);
  cell.run = [shape](const RunOptions& options) {
    return run_race<Subject, Element>(shape, options);
  };
  return cell;
}

}  // namespace laneway::bench
