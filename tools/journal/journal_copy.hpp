// JournalCopy: a new journal, written from records that were read elsewhere.
#pragma once

#include "engine/journal/batch_builder.hpp"
#include "engine/journal/manifest.hpp"
#include "engine/journal/record.hpp"

#include <cstdint>
#include <memory>
#include <string>

namespace laneway::journal_tool {

// Every call answers 0 or an errno, after which the copy is of no use.
class JournalCopy {
 public:
  // Takes store id, size of segments and epoch from `model`. The storage's directory is empty.
  JournalCopy(engine::Storage& storage, const engine::Manifest& model);

  int add(const engine::RecordHeader& header, std::span<const std::byte> body);
  // Only after this is it a journal.
  int finish();

 private:
  int flush();
  int seal(std::uint16_t flags);
  int begin_segment();
  int write(engine::BatchBuilder& batch, std::uint16_t flags);

  engine::Storage& storage_;
  engine::Manifest manifest_;
  engine::BatchBuilder batch_;
  std::unique_ptr<engine::StorageFile> file_;
  std::uint64_t offset_ = 0;
  std::uint64_t lsn_ = 1;
  std::uint32_t chain_ = 0;
};

}  // namespace laneway::journal_tool
