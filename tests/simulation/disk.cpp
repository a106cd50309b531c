// The disk of a simulated machine, in the place of engine/journal/posix_storage.cpp and
// uring_storage.cpp.
#include "engine/journal/uring_storage.hpp"

namespace laneway::engine {

Result<std::unique_ptr<Storage>> open_storage(const std::string&, StorageKind) {
  return Error{Errc::io_error, 0, "no disk is plugged in"};
}

}  // namespace laneway::engine
