#include "tools/run/key_counts.hpp"

#include <algorithm>

namespace laneway::tools {

void KeyCounts::add(std::string_view key) {
  lookup_.assign(key);
  const auto known = counts_.find(lookup_);
  if (known != counts_.end()) {
    ++known->second;
  } else if (counts_.size() < keys_max_) {
    counts_.emplace(lookup_, 1);
  } else {
    ++others_;
  }
}

std::vector<KeyCounts::Row> KeyCounts::top(std::size_t rows_max) const {
  using Pair = std::pair<const std::string, std::uint64_t>;
  std::vector<const Pair*> pairs;
  pairs.reserve(counts_.size());
  for (const Pair& pair : counts_) {
    pairs.push_back(&pair);
  }
  const auto middle = pairs.begin() + static_cast<std::ptrdiff_t>(std::min(rows_max, pairs.size()));
  std::partial_sort(pairs.begin(), middle, pairs.end(), [](const Pair* a, const Pair* b) {
    return a->second != b->second ? a->second > b->second : a->first < b->first;
  });
  std::vector<Row> rows;
  for (auto at = pairs.begin(); at != middle; ++at) {
    rows.push_back({(*at)->first, (*at)->second});
  }
  return rows;
}

}  // namespace laneway::tools
