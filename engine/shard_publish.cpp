// Floor 3. What publishers ask of a shard beyond a place in its ring; see engine/publish_ruled.cpp.
#include "engine/driver.hpp"
#include "engine/hold.hpp"
#include "engine/shard.hpp"

#include <algorithm>

namespace laneway::engine {

// Every publish of a key with a limit comes this way, and what it accepts is in its lane before the
// shard is released: so the lane's length is exact but for what hides behind a hole in the ring. So
// does every publish with a dedup id: of two with the same id the second finds the first.
void Shard::admit(std::span<Admission> admissions, std::uint64_t key_messages_max) {
  for (;;) {
    Hold hold = Hold::patient(*this);
    if (hold) {
      hold.step(Hold::kEverything);
      if (journal_ == nullptr && inbox_.published(inbox_head_)) {
        continue;  // more than one hold can drain
      }
      raise_limit();
    }
    for (Admission& admission : admissions) {
      if (hold) {
        decide(&admission, key_messages_max, hold.now_ns());
      } else {
        admission.refused = Errc::closed;
      }
    }
    if (hold) {
      if (journal_ != nullptr) {
        journal_->record_inbox();
      }
      drain_inbox(hold.now_ns());
    }
    return;
  }
}

void Shard::decide(Admission* admission, std::uint64_t key_messages_max, std::int64_t now_ns) {
  const bool with_id = !admission->dedup_id.empty();
  admission->refused = Errc{};
  admission->duplicate = false;
  if (with_id) {
    admission->position = core_.find_duplicate(admission->dedup_id, admission->dedup_hash, now_ns);
    admission->duplicate = admission->position != 0;
    if (admission->duplicate) {
      return;
    }
    if (journal_ != nullptr && journal_->behind()) {
      admission->refused = Errc::queue_full;  // to forget an id is to record something
      return;
    }
  }
  if (!admission->key.empty() && of_key(*admission) >= key_messages_max) {
    admission->refused = Errc::key_full;
    return;
  }
  const Submission& submission = admission->submission;
  const Inbox::Claim claim = inbox_.claim(1);
  if (claim.count == 0) {
    admission->refused = Errc::queue_full;
    return;
  }
  admission->position = claim.position;
  inbox_.entry(claim.position) = submission;
  set_priority(claim.position, admission->priority);
  inbox_.publish(claim);
  if (with_id) {
    core_.remember_id(admission->dedup_id, admission->dedup_hash, claim.position, now_ns);
  }
  if (!admission->key.empty()) {
    drain_inbox(now_ns);  // so that the next one of the key counts it
  }
}

// What must be durable first is not in its lane yet.
std::uint64_t Shard::of_key(const Admission& admission) const {
  const std::uint32_t key_hash = admission.submission.key_hash;
  const std::uint64_t unaccepted =
      journal_ == nullptr ? 0 : journal_->unaccepted(admission.key, key_hash);
  return core_.lane_length(admission.key, key_hash) + unaccepted;
}

bool ShardJournal::withdraw(std::uint64_t position) {
  if (position < recorded_) {
    return false;
  }
  std::uint64_t& due_tick = shard_.inbox_.entry(position).due_tick;
  due_tick = (due_tick & kTick) | kSilent | kWithdrawn;
  shard_.core_.dedup().take_back(position, ids_told_);
  return true;
}

Result<bool> ShardJournal::leaves_no_trace(std::uint64_t position) const {
  const Error withdrawn{Errc::journal_full, 0, "the journal had no room"};
  if (position >= shard_.inbox_head_) {
    const bool there = shard_.inbox_.published(position);
    const std::uint64_t due_tick = there ? shard_.inbox_.entry(position).due_tick : 0;
    return (due_tick & kWithdrawn) != 0 ? Result<bool>(withdrawn) : (due_tick & kSilent) != 0;
  }
  const std::uint32_t slot = shard_.core_.find(position);
  if (slot != ShardCore::kNoSlot) {
    return silent(slot);
  }
  const MessageState end = shard_.core_.state_of(position);
  const bool gone = end == MessageState::cancelled || end == MessageState::discarded;
  return gone ? Result<bool>(withdrawn) : true;
}

bool Shard::withdraw(std::uint64_t position) {
  Hold hold = Hold::patient(*this);
  return hold && journal_->withdraw(position);
}

Result<bool> Shard::leaves_no_trace(std::uint64_t position) {
  const Hold hold = Hold::patient(*this);
  if (!hold) {
    return {Errc::closed, "the queue has been closed"};
  }
  return journal_->leaves_no_trace(position);
}

std::uint64_t Shard::drop_oldest() {
  Hold hold = Hold::patient(*this);
  if (!hold) {
    return 0;
  }
  hold.step(Hold::kEverything);
  if (!room_to_act()) {
    return 0;
  }
  timers_tick_ = kNoTick;
  return core_.drop_oldest(hold.now_ns());
}

std::uint64_t Shard::occupied() const {
  // Those of an earlier life are in it without a claim: they make `left` less than nothing.
  const std::uint64_t left = hint_.read().core_limit - first_position_ - capacity_;
  const std::uint64_t claimed = inbox_.claimed() - first_position_;
  return static_cast<std::uint64_t>(
      std::max<std::int64_t>(0, static_cast<std::int64_t>(claimed - left)));
}

bool Shard::may_have_room() {
  if (token_.want()) {
    return false;  // its release wakes us
  }
  const ShardHint::View hint = hint_.read();
  return returns_.claimed() != hint.returns_drained || inbox_.claimed() < inbox_.limit() ||
         inbox_.limit() < hint.core_limit;
}

}  // namespace laneway::engine
