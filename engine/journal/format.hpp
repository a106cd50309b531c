// Floor 2. What lies on the disk, version 1. docs/journal_format.md has the grammar and worked
// bytes.
//
//   journal = MANIFEST segment+
//   segment = header(4096) batch*      a file of fixed size
//   batch   = header(64) record* 0*    starts and ends on a block; the unit of atomicity
//   record  = header(24) body 0*       padded to 8; its LSN: first_lsn + its index in the batch
//
// Little-endian; wall times are Unix milliseconds.
//
// To change it: (1) raise kFormatMajor or kFormatMinor and adjust the assertions below; (2) grammar
// and worked bytes in docs/journal_format.md; (3) a journal of the version before becomes a fixture
// in tests/fixtures for ever; (4) readers read old and new, writers write new, only into new
// segments; (5) CHANGELOG.md.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

namespace laneway::engine {

static_assert(std::endian::native == std::endian::little, "structs are written as they lie");

inline constexpr std::uint16_t kFormatMajor = 1;
inline constexpr std::uint16_t kFormatMinor = 0;

inline constexpr std::size_t kBlockBytes = 4096;
inline constexpr std::uint64_t kSegmentBytesMin = std::uint64_t{64} << 10;  // as tests use it
inline constexpr std::uint64_t kSegmentBytesMax = std::uint64_t{1} << 30;

inline constexpr std::uint64_t kSegmentMagic = 0x31474553'59574e4c;   // "LNWYSEG1"
inline constexpr std::uint32_t kBatchMagic = 0x4254'574e;             // "NWTB"
inline constexpr std::uint64_t kManifestMagic = 0x314e414d'59574e4c;  // "LNWYMAN1"

inline constexpr std::uint16_t kBatchSeal = 1;    // nothing follows in this segment
inline constexpr std::uint16_t kBatchMarker = 2;  // no records: says what is durable
inline constexpr std::uint16_t kBatchClose = 4;   // of a seal: the journal was closed in order

struct SegmentHeader {
  std::uint64_t magic;
  std::uint16_t major;
  std::uint16_t minor;
  std::uint32_t header_bytes;
  std::uint64_t store_id[2];
  std::uint64_t file_number;
  std::uint64_t generation;  // of this use of the file, drawn anew for each
  std::uint64_t segment_bytes;
  std::uint32_t block_bytes;
  std::uint32_t required_features;  // bits that a reader must know; none so far
  std::uint64_t zeros[7];
  std::uint32_t zero;
  std::uint32_t crc;  // of the bytes before it
};
static_assert(sizeof(SegmentHeader) == 128);
static_assert(offsetof(SegmentHeader, generation) == 40);
static_assert(offsetof(SegmentHeader, crc) == 124);

struct BatchHeader {
  std::uint32_t magic;
  std::uint16_t header_bytes;
  std::uint16_t flags;
  std::uint32_t payload_bytes;  // all records with their padding
  std::uint32_t record_count;
  std::uint64_t generation;  // of the segment: tells it from what the file held before
  std::uint64_t first_lsn;
  std::uint64_t durable_lsn;   // every LSN below it was durable when this batch was written
  std::uint32_t offset;        // in the segment: tells it from a misdirected write
  std::uint32_t epoch;         // number of the open that wrote it
  std::uint32_t previous_crc;  // of the batch before, also across segments
  std::uint32_t zeros[2];
  std::uint32_t crc;  // of the header with this field 0, then the payload
};
static_assert(sizeof(BatchHeader) == 64);
static_assert(offsetof(BatchHeader, first_lsn) == 24);
static_assert(offsetof(BatchHeader, crc) == 60);

enum class RecordType : std::uint8_t {
  publish = 1,
  settle = 2,     // completed, expired, discarded ...: aux is the outcome
  retry = 3,      // an attempt failed, the next one is due: aux is its attempts so far
  dead = 4,       // in the dead letters; the payload stays where it is
  replay = 5,     // a dead letter lives again
  join = 6,       // takes (or changes) its place in the order of its key
  grant = 7,      // handed out: aux is the attempt
  relocate = 8,   // the whole message again, so that an old segment can go
  queue = 9,      // a queue's name and shape; position is 0
  mark = 10,      // no position up to this one is free
  remember = 11,  // a dedup id outlives the record of its message
  lane = 12,      // a key goes on that dead letters have stopped; position is 0
};

// Flags of a record.
inline constexpr std::uint8_t kRecordIgnorable = 1;  // a reader that does not know it may skip it
inline constexpr std::uint8_t kRecordDue = 2;
inline constexpr std::uint8_t kRecordDeadline = 4;
inline constexpr std::uint8_t kRecordAttempt = 8;  // of `dead`: the failed attempt is told
inline constexpr std::uint8_t kRecordSync = 16;    // somebody waited for it
inline constexpr std::uint8_t kRecordDedup = 32;   // until when its dedup id is remembered is told

struct RecordHeader {
  std::uint32_t bytes;  // header and body without padding
  std::uint8_t type;
  std::uint8_t flags;
  std::uint16_t queue;
  std::uint16_t shard;
  std::uint16_t aux;
  std::uint32_t zero;
  std::uint64_t position;  // the message
};
static_assert(sizeof(RecordHeader) == 24);
static_assert(offsetof(RecordHeader, position) == 16);

constexpr std::size_t padded_record(std::size_t bytes) {
  return (bytes + 7) / 8 * 8;
}
constexpr std::uint64_t padded_block(std::uint64_t bytes) {
  return (bytes + kBlockBytes - 1) / kBlockBytes * kBlockBytes;
}

// A segment keeps its first block for the header and its last one for the seal.
constexpr std::uint64_t record_bytes_max(std::uint64_t segment_bytes) {
  return segment_bytes / 4;
}

// --- bodies -----------------------------------------------------------------------------------

struct DueBody {
  std::int64_t at_ms;    // wall; of a deadline: the end
  std::uint64_t for_ms;  // as asked: a wall clock that steps errs by no more than this
};

// publish and relocate; then DueBody if flagged, DueBody of the deadline if flagged, the end of its
// dedup id if flagged (wall, 8 bytes); of relocate RelocateBody; key, type, dedup id, payload; of
// relocate its attempts.
struct PublishBody {
  std::uint32_t payload_bytes;
  std::uint16_t key_bytes;
  std::uint8_t type_bytes;
  std::uint8_t dedup_bytes;
  std::int64_t published_ms;
  std::uint64_t order;  // in its key and shard; 0: has not joined yet
  std::uint16_t attempts_max;
  std::uint16_t zero;
  std::int32_t priority;
};
static_assert(sizeof(PublishBody) == 32);

struct SettleBody {
  std::int64_t time_ms;
};

// retry, dead and relocate: a failed attempt; then its text. In a relocate record the next one
// follows without padding.
struct AttemptBody {
  std::int64_t granted_ms;
  std::int64_t ended_ms;
  std::uint32_t error_class;
  std::uint32_t consumer;
  std::uint16_t number;
  std::uint8_t end;  // AttemptEnd
  std::uint8_t text_bytes;
  std::uint32_t zero;
};
static_assert(sizeof(AttemptBody) == 32);

// retry: then AttemptBody.
struct RetryBody {
  DueBody due;
  std::uint8_t detached;  // left the order of its key
  std::uint8_t zeros[7];
};
static_assert(sizeof(RetryBody) == 24);

// dead: then AttemptBody if flagged.
struct DeadBody {
  std::int64_t died_ms;
  std::uint8_t reason;  // DeadReason
  std::uint8_t stops;   // keeps its place in its key, which waits
  std::uint8_t zeros[6];
};
static_assert(sizeof(DeadBody) == 16);

// join and replay; then DueBody if flagged. A replay that is due later has an order when it keeps
// its place in its key meanwhile.
struct OrderBody {
  std::int64_t time_ms;
  std::uint64_t order;
};

struct RelocateBody {
  std::int64_t died_ms;
  std::uint8_t state;  // RecordedState
  std::uint8_t detached;
  std::uint8_t reason;
  std::uint8_t attempts;  // told at the end; how many there were is aux
  std::uint8_t stops;     // as of DeadBody
  std::uint8_t zeros[3];
};
static_assert(sizeof(RelocateBody) == 16);

enum class RecordedState : std::uint8_t {
  waiting = 0,   // ready, blocked, or leased when it was told
  delayed = 1,   // waits for its publish delay
  retrying = 2,  // waits for its retry
  dead = 3,
};

// remember: then the id. The position is that of its message.
struct RememberBody {
  std::int64_t until_ms;
  std::uint8_t bytes;
  std::uint8_t zeros[7];
};
static_assert(sizeof(RememberBody) == 16);

// queue: then the name.
struct QueueBody {
  std::uint64_t hash_check;  // the hash of a known text: keys must find their shard again
  std::uint16_t shards;
  std::uint16_t name_bytes;
  std::uint32_t zero;
};
static_assert(sizeof(QueueBody) == 16);

// --- MANIFEST ---------------------------------------------------------------------------------

// One file of whole blocks, replaced as a whole: header, entries, zeros.
struct ManifestHeader {
  std::uint64_t magic;
  std::uint16_t major;
  std::uint16_t minor;
  std::uint32_t entries;
  std::uint64_t store_id[2];
  std::uint64_t segment_bytes;
  std::uint32_t epoch;         // of the last open
  std::uint32_t previous_crc;  // of the batch before the first one of the first segment
  std::uint64_t first_lsn;     // of the first segment, or of what will be written next
  std::uint32_t zero;
  std::uint32_t crc;  // of header (this field 0) and entries
};
static_assert(sizeof(ManifestHeader) == 64);

struct ManifestEntry {
  std::uint64_t file_number;
  std::uint64_t generation;
  std::uint64_t first_lsn;  // of the segment; 0: not known, it may be unused
  std::uint64_t end_lsn;    // the segment reaches up to here and no further; 0: not known
  std::uint32_t end_crc;    // then: the sum that the batch after it goes on from
  std::uint32_t zero;
};
static_assert(sizeof(ManifestEntry) == 40);

}  // namespace laneway::engine
