// Floor 3. What publishers ask of a shard beyond a place in its ring; see engine/publish_ruled.cpp.
#include "engine/driver.hpp"
#include "engine/hold.hpp"
#include "engine/shard.hpp"

namespace laneway::engine {

// Every publish of a key with a limit comes this way, and what it accepts is in its lane before the
// shard is released: so the lane's length is exact but for what hides behind a hole in the ring. So
// does every publish with a dedup id: of two with the same id the second finds the first.
Shard::Admitted Shard::admit(const Submission& submission, const Admission& rules) {
  for (;;) {
    Hold hold = Hold::patient(*this);
    if (!hold) {
      return {0, Errc::closed, false};
    }
    hold.step(Hold::kEverything);
    if (inbox_.published(inbox_head_)) {
      continue;  // more than one hold can drain
    }
    const bool with_id = !rules.dedup_id.empty();
    const std::uint64_t first =
        with_id ? core_.find_duplicate(rules.dedup_id, rules.dedup_hash, hold.now_ns()) : 0;
    if (first != 0) {
      return {first, Errc{}, true};
    }
    if (rules.key_messages_max != 0 &&
        core_.lane_length(rules.key, submission.key_hash) >= rules.key_messages_max) {
      return {0, Errc::key_full, false};
    }
    raise_limit();
    const Inbox::Claim claim = inbox_.claim(1);
    if (claim.count == 0) {
      return {0, Errc::queue_full, false};
    }
    inbox_.entry(claim.position) = submission;
    set_priority(claim.position, rules.priority);
    inbox_.publish(claim);
    if (with_id) {
      core_.remember_id(rules.dedup_id, rules.dedup_hash, claim.position, hold.now_ns());
    }
    drain_inbox(hold.now_ns());
    return {claim.position, Errc{}, false};
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
