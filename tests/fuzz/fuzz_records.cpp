// RecordSplitter beside the obvious way to cut a stream: whatever the pieces in which it arrives,
// the records are the same. Input: separator, bytes kept of a record, length of the pieces, stream.
#include "tools/run/record_splitter.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

namespace laneway::tools {
namespace {

void require(bool holds) {
  if (!holds) {
    std::abort();
  }
}

class Expected {
 public:
  Expected(std::string_view stream, char separator, std::size_t bytes_max)
      : stream_(stream), separator_(separator), bytes_max_(bytes_max) {}

  bool next(Record& record) {
    if (offset_ >= stream_.size()) {
      return false;
    }
    const std::size_t end = std::min(stream_.find(separator_, offset_), stream_.size());
    record = {stream_.substr(offset_, end - offset_), ++number_, offset_, end - offset_, false};
    offset_ = end + 1;
    if (record.size > bytes_max_) {
      record.bytes = {};
      record.too_long = true;
    }
    return true;
  }

 private:
  const std::string_view stream_;
  const char separator_;
  const std::size_t bytes_max_;
  std::size_t offset_ = 0;
  std::uint64_t number_ = 0;
};

void compare_all(RecordSplitter& splitter, Expected& expected) {
  Record record;
  Record other;
  while (splitter.next(record)) {
    require(expected.next(other));
    require(record.bytes == other.bytes);
    require(record.number == other.number);
    require(record.offset == other.offset);
    require(record.size == other.size);
    require(record.too_long == other.too_long);
  }
}

}  // namespace
}  // namespace laneway::tools

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace laneway::tools;
  if (size < 3) {
    return 0;
  }
  const std::size_t bytes_max = 1 + data[1] % 32u;
  const std::size_t piece = 1 + data[2] % 16u;
  const std::string_view stream(reinterpret_cast<const char*>(data + 3), size - 3);
  RecordSplitter splitter(static_cast<char>(data[0]), bytes_max);
  Expected expected(stream, static_cast<char>(data[0]), bytes_max);
  for (std::size_t at = 0; at < stream.size(); at += piece) {
    splitter.feed(stream.substr(at, piece));
    compare_all(splitter, expected);
  }
  splitter.finish();
  compare_all(splitter, expected);
  Record record;
  require(!expected.next(record));
  return 0;
}
