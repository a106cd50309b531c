// A record of a journal as JSON. docs/journal_tools.md describes the members.
#pragma once

#include "engine/journal/record.hpp"
#include "tools/run/json_text.hpp"

namespace laneway::journal_tool {

// "publish"; "unknown" when there is no such type.
const char* type_name(engine::RecordType type);
const char* state_name(engine::RecordedState state);

// A body that has not the shape of its type is left out: the header says what can be said.
tools::Json record_json(const engine::RecordView& record, bool payloads);

}  // namespace laneway::journal_tool
