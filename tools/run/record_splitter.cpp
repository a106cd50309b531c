#include "tools/run/record_splitter.hpp"

namespace laneway::tools {

RecordSplitter::RecordSplitter(char separator, std::size_t bytes_max)
    : separator_(separator), bytes_max_(bytes_max) {}

void RecordSplitter::feed(std::string_view chunk) {
  chunk_ = chunk;
}

void RecordSplitter::finish() {
  finished_ = true;
}

bool RecordSplitter::next(Record& record) {
  if (partial_handed_out_) {
    partial_.clear();
    partial_handed_out_ = false;
  }
  const std::size_t end = chunk_.find(separator_);
  if (end == std::string_view::npos) {
    keep(chunk_);
    chunk_ = {};
    if (!finished_ || partial_size_ == 0) {
      return false;
    }
    emit(record, partial_, partial_size_);
    offset_ -= 1;  // no separator follows the last record
    partial_handed_out_ = true;
    partial_size_ = 0;
    return true;
  }
  const std::string_view piece = chunk_.substr(0, end);
  chunk_.remove_prefix(end + 1);
  if (partial_size_ == 0) {
    emit(record, piece, piece.size());
    return true;
  }
  keep(piece);
  emit(record, partial_, partial_size_);
  partial_handed_out_ = true;
  partial_size_ = 0;
  return true;
}

// Adds to the partial record. Once it is above the limit its bytes are of no use any more.
void RecordSplitter::keep(std::string_view bytes) {
  partial_size_ += bytes.size();
  if (partial_size_ > bytes_max_) {
    partial_.clear();
  } else {
    partial_.append(bytes);
  }
}

void RecordSplitter::emit(Record& record, std::string_view bytes, std::uint64_t size) {
  record.too_long = size > bytes_max_;
  record.bytes = record.too_long ? std::string_view() : bytes;
  record.number = ++number_;
  record.offset = offset_;
  record.size = size;
  offset_ += size + 1;
}

}  // namespace laneway::tools
