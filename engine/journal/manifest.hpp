// Floor 2. Manifest: which segments a journal consists of, in order. One small file, replaced as a
// whole, so that it says either what it said before or what it says now.
#pragma once

#include "engine/journal/format.hpp"
#include "engine/journal/storage.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace laneway::engine {

inline constexpr const char* kManifestName = "MANIFEST";
inline constexpr const char* kManifestNewName = "MANIFEST.new";

struct Manifest {
  std::uint64_t store_id[2] = {};
  std::uint64_t segment_bytes = 0;
  std::uint32_t epoch = 0;
  std::uint32_t previous_crc = 0;
  std::uint64_t first_lsn = 1;
  std::vector<ManifestEntry> entries;
};

std::string segment_name(std::uint64_t file_number);
// The number in the name of a segment, or 0.
std::uint64_t segment_number(std::string_view name);

// Answers an errno; the old manifest stands until the new one is durable.
int write_manifest(Storage& storage, const Manifest& manifest);
// ENOENT: there is none. EBADMSG: it is damaged. EPROTO: of a version that is not known.
int read_manifest(Storage& storage, Manifest* manifest);

// The header that a segment with this entry has.
SegmentHeader segment_header(const Manifest& manifest, const ManifestEntry& entry);
// 0, EBADMSG or EPROTO.
int check_segment_header(const SegmentHeader& found, const SegmentHeader& expected);

}  // namespace laneway::engine
