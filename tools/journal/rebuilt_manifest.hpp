// A manifest put together from what the segments say of themselves, for when it is damaged.
#pragma once

#include "engine/journal/manifest.hpp"

#include <string>
#include <vector>

namespace laneway::journal_tool {

// False: none of the files is a segment that holds a batch. A segment that had retired and was not
// used again cannot be told from one that had not: its messages are there again.
bool rebuild_manifest(engine::Storage& storage,
                      const std::vector<std::string>& names,
                      engine::Manifest* manifest);

}  // namespace laneway::journal_tool
