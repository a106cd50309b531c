// Floor 2. Journal: the writer's part.
#include "engine/journal/journal.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace laneway::engine {

namespace {

constexpr std::uint64_t kBatchBytesMax = std::uint64_t{256} << 10;

}  // namespace

std::uint64_t Journal::batch_bytes_max() const {
  return std::min(kBatchBytesMax, manifest_.segment_bytes / 4);
}

Journal::Commit Journal::commit() {
  if (failed() != 0) {
    discard();
    return Commit::failed;
  }
  gather();
  // Short of room, a block is spent only on what fills it, on what somebody waits for, or on what
  // frees a segment: other settles can wait, and must not use up the room for more of them.
  const bool worth_it = admits() || urgent_ || batch_.payload_bytes() >= kBlockBytes / 2 ||
                        table_.frees_oldest(changes_);
  return batch_.empty() || !worth_it ? Commit::idle : write_gathered();
}

// --- gather -----------------------------------------------------------------------------------

// Adds to the batch what has come since. One that could not be written yet stays as it is.
void Journal::gather() {
  const std::lock_guard lock(outboxes_mutex_);
  gather_definitions();
  const std::size_t count = outboxes_.size();
  for (std::size_t i = 0; i < count; ++i) {
    if (!gather_from(*outboxes_[(turn_ + i) % count])) {
      turn_ = (turn_ + i) % count;  // it goes on first
      return;
    }
  }
  turn_ = count == 0 ? 0 : (turn_ + 1) % count;
}

void Journal::gather_definitions() {
  while (!new_definitions_.empty()) {
    const std::vector<std::byte>& record = new_definitions_.front();
    if (!batch_.fits(record.size())) {
      return;
    }
    urgent_ = true;
    ++definitions_gathered_;
    std::memcpy(batch_.add(record.size()).data(), record.data(), record.size());
    new_definitions_.pop_front();
  }
}

// Copies records until there are none or the batch is full: then false.
bool Journal::gather_from(Outbox& outbox) {
  bool room = true;
  for (std::uint64_t words = 0; room && (words = outbox.ring_.next()) != 0;) {
    const std::size_t bytes = (static_cast<std::size_t>(words) - kFrameHeadWords) * 8;
    if (batch_.empty() && !batch_.fits(bytes)) {
      batch_.grow(bytes);
    }
    room = batch_.empty() ||
           (batch_.fits(bytes) &&
            batch_.payload_bytes() + bytes + sizeof(BatchHeader) <= batch_bytes_max());
    if (!room) {
      break;
    }
    const FrameHead head = read_frame_head(outbox.ring_.word(0), outbox.ring_.word(1));
    const std::span<std::byte> place = batch_.add(bytes);
    for (std::size_t i = 0; i < bytes / 8; ++i) {
      const std::uint64_t word = outbox.ring_.word(kFrameHeadWords + i);
      std::memcpy(place.data() + i * 8, &word, sizeof word);
    }
    outbox.ring_.pass(words);

    RecordHeader header{};
    std::memcpy(&header, place.data(), sizeof header);
    const auto size = static_cast<std::uint32_t>(bytes);
    const std::uint64_t sequence = outbox.written_++;
    if (!outbox.in_batch_) {
      outbox.in_batch_ = true;
      outbox.gathered_position_ = outbox.position_seen_;
      changes_.push_back({&outbox.place_, sequence, 0, SegmentTable::Change::follows});
    }
    urgent_ = urgent_ || head.sync;
    if (head.opens) {
      changes_.push_back({&outbox.place_, sequence, size, SegmentTable::Change::opens});
    }
    if (head.closes_plus_1 != 0) {
      changes_.push_back({&outbox.place_, head.closes_plus_1 - 1, head.closed_bytes,
                          SegmentTable::Change::closes});
    }
    const auto type = static_cast<RecordType>(header.type);
    if (type == RecordType::publish || type == RecordType::mark) {
      outbox.gathered_position_ = std::max(outbox.gathered_position_, header.position + 1);
    }
  }
  outbox.ring_.release();
  return room;
}

// --- write ------------------------------------------------------------------------------------

// Writes a batch at the place that is next. Nothing of the writer's state changes on an error.
int Journal::write(BatchBuilder& batch, std::uint16_t flags) {
  BatchHeader header{};
  header.flags = flags;
  header.generation = generation_;
  header.first_lsn = lsn_;
  header.durable_lsn = lsn_;  // with one batch in flight everything before it is durable
  header.offset = static_cast<std::uint32_t>(offset_);
  header.epoch = manifest_.epoch;
  header.previous_crc = chain_;
  const std::span<const std::byte> whole = batch.finish(&header);
  if (const int error = file_->write_durable(offset_, whole); error != 0) {
    return error;
  }
  offset_ += whole.size();
  lsn_ += batch.count();
  chain_ = header.crc;
  durable_lsn_.set(lsn_);
  commits_.add(1);
  bytes_written_.add(whole.size());
  return 0;
}

int Journal::write_mark(std::uint16_t flags) {
  mark_.clear();
  return write(mark_, flags);
}

// What must be known however old segments go: queues, and the positions that are used up.
int Journal::write_preamble() {
  std::size_t bytes = 0;
  const std::lock_guard lock(outboxes_mutex_);
  for (const auto& [queue, record] : definitions_) {
    bytes += record.size();
  }
  // Also of sources that nobody has attached in this life.
  std::map<SourceId, std::uint64_t> ends;
  for (const auto& [id, source] : recovered_) {
    ends[id] = source.positions_end;
  }
  for (const auto& outbox : outboxes_) {
    ends[outbox->id()] = outbox->position_seen_;
  }
  bytes += ends.size() * sizeof(RecordHeader);
  if (bytes == 0) {
    return 0;
  }
  BatchBuilder preamble(sizeof(BatchHeader) + bytes);
  preamble.clear();
  for (const auto& [queue, record] : definitions_) {
    std::memcpy(preamble.add(record.size()).data(), record.data(), record.size());
  }
  for (const auto& [id, end] : ends) {
    if (end != 0) {
      const RecordHeader mark = mark_header(id, end);
      std::memcpy(preamble.add(sizeof mark).data(), &mark, sizeof mark);
    }
  }
  return preamble.empty() ? 0 : write(preamble, 0);
}

// On to the next prepared segment.
Journal::Commit Journal::roll(bool evacuating) {
  if (starving()) {
    return Commit::starved;
  }
  if (file_ != nullptr && !evacuating) {
    if (const int error = write_mark(kBatchSeal); error != 0) {
      return fail(error);
    }
  }
  if (evacuating) {
    table_.cut(lsn_, chain_);
  }
  std::optional<SegmentTable::Taken> taken = table_.take(lsn_, chain_);
  look_at_room();
  file_ = std::move(taken->file);
  generation_ = taken->entry.generation;
  offset_ = kBlockBytes;
  file_->expect_writes_from(batch_.memory());
  // Where the old segment ends must be known before anything is confirmed in the new one.
  if (const int error = evacuating ? save_manifest() : 0; error != 0) {
    return fail(error);
  }
  const int error = write_preamble();
  return error == 0 ? Commit::written : fail(error);
}

Journal::Commit Journal::write_gathered() {
  const std::uint64_t end = manifest_.segment_bytes - kBlockBytes;  // the last block is the seal's
  for (;;) {
    if (file_ == nullptr || offset_ + batch_.disk_bytes() > end) {
      if (const Commit rolled = roll(false); rolled != Commit::written) {
        return rolled;
      }
      continue;
    }
    const int error = write(batch_, 0);
    if (error == 0) {
      complete();
      return Commit::written;
    }
    if (const Commit moved = fail(error); moved != Commit::written) {
      return moved;
    }
  }
}

void Journal::complete() {
  table_.apply(changes_);
  marked_ = false;
  urgent_ = false;
  batch_.clear();
  changes_.clear();
  definitions_durable_.set(definitions_gathered_);
  const std::lock_guard lock(outboxes_mutex_);
  for (const auto& outbox : outboxes_) {
    if (outbox->in_batch_) {
      outbox->in_batch_ = false;
      outbox->position_seen_ = outbox->gathered_position_;
      outbox->durable_.set(outbox->written_);
      outbox->confirmed_.set(outbox->position_seen_);
      outbox->waiters_.notify_all();
    }
  }
}

// A failed write is final for its segment: the pages may be gone although a second try would
// succeed. Once, what is not confirmed moves to a fresh segment (written: try there); then it is
// over.
Journal::Commit Journal::fail(int error) {
  if (!evacuated_ && !starving()) {
    evacuated_ = true;
    evacuations_.add(1);
    return roll(true);
  }
  give_up(error);
  discard();
  return Commit::failed;
}

// Nobody waits for a journal that has failed.
void Journal::discard() {
  batch_.clear();
  const std::lock_guard lock(outboxes_mutex_);
  for (const auto& outbox : outboxes_) {
    for (std::uint64_t words = 0; (words = outbox->ring_.next()) != 0;) {
      outbox->ring_.pass(words);
    }
    outbox->ring_.release();
    outbox->waiters_.notify_all();
  }
}

Journal::Commit Journal::mark_idle() {
  const bool room = offset_ + kBlockBytes <= manifest_.segment_bytes - kBlockBytes;
  if (failed() != 0 || !admits() || marked_ || file_ == nullptr || !room) {
    return Commit::idle;
  }
  marked_ = true;
  const int error = write_mark(kBatchMarker);
  return error == 0 ? Commit::written : fail(error);
}

void Journal::close(bool complete) {
  urgent_ = true;
  for (Commit done = Commit::written; done == Commit::written;) {
    done = commit();
    urgent_ = true;
    if (done == Commit::starved && keep() == Keep::busy) {
      done = Commit::written;
    }
  }
  if (failed() == 0 && batch_.empty() && file_ != nullptr &&
      write_mark(complete ? kBatchSeal | kBatchClose : kBatchSeal) == 0) {
    file_.reset();
  }
  // Handles and leases may keep this object for long, and nothing is written any more.
  storage_->unlock();
}

}  // namespace laneway::engine
