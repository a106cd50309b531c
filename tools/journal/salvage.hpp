// Salvage: a journal again from what is left of a corrupt one.
#pragma once

#include "engine/journal/storage.hpp"
#include "tools/journal/inspection.hpp"

#include <string>

namespace laneway::journal_tool {

// Writes every record that can be read to a new journal, which takes the place of `directory`; the
// corrupt one is kept, untouched, as `directory`.corrupt. Empty: done. Else what went wrong, and
// `directory` is as it was.
std::string salvage(const std::string& directory,
                    engine::Storage& corrupt,
                    const Inspection& inspection);

}  // namespace laneway::journal_tool
