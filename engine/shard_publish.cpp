// Floor 3. What publishers ask of a shard beyond a place in its ring; see engine/publish_ruled.cpp.
#include "engine/driver.hpp"
#include "engine/hold.hpp"
#include "engine/shard.hpp"

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
  }
  const Submission& submission = admission->submission;
  if (!admission->key.empty() &&
      core_.lane_length(admission->key, submission.key_hash) >= key_messages_max) {
    admission->refused = Errc::key_full;
    return;
  }
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

std::uint64_t Shard::drop_oldest() {
  Hold hold = Hold::patient(*this);
  if (!hold) {
    return 0;
  }
  hold.step(Hold::kEverything);
  timers_tick_ = kNoTick;
  return core_.drop_oldest(hold.now_ns());
}

std::uint64_t Shard::occupied() const {
  const std::uint64_t left = hint_.read().core_limit - first_position_ - capacity_;
  const std::uint64_t claimed = inbox_.claimed() - first_position_;
  return claimed > left ? claimed - left : 0;
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
