#include "engine/journal/manifest.hpp"

#include "engine/journal/crc32c.hpp"

#include <cerrno>
#include <cinttypes>
#include <cstdio>
#include <cstring>

namespace laneway::engine {

namespace {

constexpr const char* kSegmentNameFormat = "journal-%016" PRIx64 ".seg";
constexpr std::uint64_t kManifestBytesMax = 64u << 20;

std::uint32_t manifest_crc(ManifestHeader header, std::span<const std::byte> entries) {
  header.crc = 0;
  return crc32c(entries, crc32c(std::as_bytes(std::span(&header, 1))));
}

std::uint32_t segment_crc(const SegmentHeader& header) {
  return crc32c(std::as_bytes(std::span(&header, 1)).first(offsetof(SegmentHeader, crc)));
}

}  // namespace

std::string segment_name(std::uint64_t file_number) {
  char name[40];
  std::snprintf(name, sizeof name, kSegmentNameFormat, file_number);
  return name;
}

std::uint64_t segment_number(std::string_view name) {
  std::uint64_t number = 0;
  const std::string text(name);
  if (std::sscanf(text.c_str(), "journal-%16" SCNx64 ".seg", &number) != 1) {
    return 0;
  }
  return segment_name(number) == name ? number : 0;
}

int write_manifest(Storage& storage, const Manifest& manifest) {
  const std::size_t entries_bytes = manifest.entries.size() * sizeof(ManifestEntry);
  const BlockBuffer buffer(sizeof(ManifestHeader) + entries_bytes);
  const std::span<std::byte> entries = buffer.bytes().subspan(sizeof(ManifestHeader));
  if (entries_bytes != 0) {
    std::memcpy(entries.data(), manifest.entries.data(), entries_bytes);
  }
  ManifestHeader header{};
  header.magic = kManifestMagic;
  header.major = kFormatMajor;
  header.minor = kFormatMinor;
  header.entries = static_cast<std::uint32_t>(manifest.entries.size());
  header.store_id[0] = manifest.store_id[0];
  header.store_id[1] = manifest.store_id[1];
  header.segment_bytes = manifest.segment_bytes;
  header.epoch = manifest.epoch;
  header.previous_crc = manifest.previous_crc;
  header.first_lsn = manifest.first_lsn;
  header.crc = manifest_crc(header, entries.first(entries_bytes));
  std::memcpy(buffer.bytes().data(), &header, sizeof header);

  std::unique_ptr<StorageFile> file;
  int error = storage.open(kManifestNewName, StorageUse::create, &file);
  error = error != 0 ? error : file->write(0, buffer.bytes());
  error = error != 0 ? error : file->sync();
  file.reset();
  error = error != 0 ? error : storage.rename(kManifestNewName, kManifestName);
  return error != 0 ? error : storage.sync_directory();
}

int read_manifest(Storage& storage, Manifest* manifest) {
  std::unique_ptr<StorageFile> file;
  std::uint64_t size = 0;
  int error = storage.open(kManifestName, StorageUse::read, &file);
  error = error != 0 ? error : file->size(&size);
  if (error != 0) {
    return error;
  }
  if (size < kBlockBytes || size > kManifestBytesMax || size % kBlockBytes != 0) {
    return EBADMSG;
  }
  const BlockBuffer buffer(static_cast<std::size_t>(size));
  error = file->read(0, buffer.bytes());
  if (error != 0) {
    return error;
  }
  ManifestHeader header{};
  std::memcpy(&header, buffer.bytes().data(), sizeof header);
  if (header.magic != kManifestMagic) {
    return EBADMSG;
  }
  const std::uint64_t entries_bytes = std::uint64_t{header.entries} * sizeof(ManifestEntry);
  if (sizeof(ManifestHeader) + entries_bytes > size) {
    return EBADMSG;
  }
  const std::span<const std::byte> entries =
      buffer.bytes().subspan(sizeof header, static_cast<std::size_t>(entries_bytes));
  if (header.crc != manifest_crc(header, entries)) {
    return EBADMSG;
  }
  if (header.major != kFormatMajor) {
    return EPROTO;
  }
  manifest->store_id[0] = header.store_id[0];
  manifest->store_id[1] = header.store_id[1];
  manifest->segment_bytes = header.segment_bytes;
  manifest->epoch = header.epoch;
  manifest->previous_crc = header.previous_crc;
  manifest->first_lsn = header.first_lsn;
  manifest->entries.resize(header.entries);
  if (!entries.empty()) {
    std::memcpy(manifest->entries.data(), entries.data(), entries.size());
  }
  return 0;
}

SegmentHeader segment_header(const Manifest& manifest, const ManifestEntry& entry) {
  SegmentHeader header{};
  header.magic = kSegmentMagic;
  header.major = kFormatMajor;
  header.minor = kFormatMinor;
  header.header_bytes = sizeof header;
  header.store_id[0] = manifest.store_id[0];
  header.store_id[1] = manifest.store_id[1];
  header.file_number = entry.file_number;
  header.generation = entry.generation;
  header.segment_bytes = manifest.segment_bytes;
  header.block_bytes = kBlockBytes;
  header.crc = segment_crc(header);
  return header;
}

int check_segment_header(const SegmentHeader& found, const SegmentHeader& expected) {
  if (found.magic != kSegmentMagic || found.crc != segment_crc(found)) {
    return EBADMSG;
  }
  if (found.major != kFormatMajor || found.required_features != 0) {
    return EPROTO;
  }
  const bool same =
      found.store_id[0] == expected.store_id[0] && found.store_id[1] == expected.store_id[1] &&
      found.file_number == expected.file_number && found.generation == expected.generation &&
      found.segment_bytes == expected.segment_bytes;
  return same ? 0 : EBADMSG;
}

}  // namespace laneway::engine
