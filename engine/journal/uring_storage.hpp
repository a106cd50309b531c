// Floor 2. UringStorage: as PosixStorage, but segments are written through io_uring, which costs
// half the processor time of a blocking write. One write is in flight at a time.
#pragma once

#include "engine/journal/storage.hpp"

#include <memory>
#include <string>

namespace laneway::engine {

// `best` takes what works; `uring` is an error where it cannot be had; `read_only` writes nothing.
enum class StorageKind : std::uint8_t { best, uring, posix, read_only };

// Opens the directory, which must exist, and chooses by trying. Storage::primitive tells the choice
// and why it is not a better one.
Result<std::unique_ptr<Storage>> open_storage(const std::string& directory, StorageKind kind);

}  // namespace laneway::engine
