// RecordSplitter: cuts a stream of bytes into records. Pure: it reads no file.
//
//   splitter.feed(chunk);
//   while (splitter.next(record)) { ... }   // views live until the next call of feed or next
//   splitter.finish();                      // the end of the stream: a last record needs no
//   separator while (splitter.next(record)) { ... }
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace laneway::tools {

struct Record {
  std::string_view bytes;    // without the separator; empty when it is too long
  std::uint64_t number = 0;  // 1 is the first of the stream, empty ones are counted
  std::uint64_t offset = 0;  // of its first byte in the stream
  std::uint64_t size = 0;    // in bytes, also when it is too long
  bool too_long = false;     // longer than the limit: its bytes have been passed over
};

// Holds at most `bytes_max` bytes of its own, however long a record is. Work is linear in the
// bytes.
class RecordSplitter {
 public:
  RecordSplitter(char separator, std::size_t bytes_max);

  // The next piece of the stream. It is looked at by next(), and must live until next() says false.
  void feed(std::string_view chunk);
  // No more comes: what is left is the last record, if there is anything.
  void finish();
  // False: what was fed is used up.
  bool next(Record& record);

 private:
  void keep(std::string_view bytes);
  void emit(Record& record, std::string_view bytes, std::uint64_t size);

  char separator_;
  std::size_t bytes_max_;
  std::string_view chunk_;
  std::string partial_;              // the beginning of a record that goes on in the next chunk
  std::uint64_t partial_size_ = 0;   // its size so far, also of what was not kept
  bool partial_handed_out_ = false;  // the last record was a view into partial_
  bool finished_ = false;
  std::uint64_t number_ = 0;
  std::uint64_t offset_ = 0;
};

}  // namespace laneway::tools
