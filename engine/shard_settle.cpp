// Floor 3. The settlers' side of a shard: any thread that holds a Lease, without the token. Next in
// the path of a message: engine/concurrent/returns_ring.hpp.
#include "engine/base/stall_point.hpp"
#include "engine/message_item.hpp"
#include "engine/shard.hpp"

#include <algorithm>
#include <memory>

namespace laneway::engine {

namespace {

SettleVerb verb_of(LeaseState verdict) {
  switch (verdict) {
    case LeaseState::nacked:
      return SettleVerb::nack;
    case LeaseState::released:
      return SettleVerb::release;
    default:
      return SettleVerb::reject;
  }
}

}  // namespace

Result<> Shard::settle(Lease& lease, LeaseState verdict, const Failure* failure) {
  constexpr auto kAfterMax = std::chrono::milliseconds(kDelayMsMax);
  if (failure != nullptr && failure->after &&
      (*failure->after < std::chrono::milliseconds::zero() || *failure->after > kAfterMax)) {
    return {Errc::invalid_argument, "the delay of a retry is 0 to 8.7 years"};
  }
  if (!words_[lease.slot_].settle(lease.generation_, verdict)) {
    return lost(verb_of(verdict), 1);
  }
  stall_point(StallPoint::settle_decided);
  if (failure != nullptr) {
    FailureNote& note = notes_[lease.slot_];
    note.after_ms_plus_1 = failure->after ? static_cast<std::uint64_t>(failure->after->count()) + 1
                                          : FailureNote::kBackoff;
    note.error_class = failure->error_class;
    note.set_text(failure->error);
  }
  deliver(lease, entry(Final::settled, lease.slot_));
  return {};
}

Result<> Shard::ack(Lease& lease) {
  if (!words_[lease.slot_].settle(lease.generation_, LeaseState::acked)) {
    return lost(SettleVerb::ack, 1);
  }
  stall_point(StallPoint::settle_decided);
  deliver(lease, acked_entry(lease));
  return {};
}

Result<> Shard::ack(Lease& lease, std::string_view result) {
  if (!core_.keeps_results() || size(lease) != 1) {
    return {Errc::invalid_argument, "a result is of one message, in a queue that keeps results"};
  }
  if (!words_[lease.slot_].settle(lease.generation_, LeaseState::acked)) {
    return lost(SettleVerb::ack, 1);
  }
  notes_[lease.slot_].set_text(result);
  deliver(lease, entry(Final::acked_with_result, lease.slot_));
  return {};
}

Result<> Shard::ack_durable(Lease& lease) {
  if (journal_ == nullptr) {
    return {Errc::not_durable, "the queue lives in memory only"};
  }
  const std::shared_ptr<ShardHost> alive = host_.keep();
  if (const Result<> acked = ack(lease); !acked) {
    return acked;
  }
  const Result<bool> durable = flush(std::chrono::milliseconds(kWaitMsMax));
  if (!durable && durable.error().code == Errc::closed) {
    return {Errc::io_error, "acknowledged, and closed before that was durable"};
  }
  if (!durable) {
    return durable.error();
  }
  return *durable ? Result<>() : Result<>(Errc::journal_full, "acknowledged, not yet durably");
}

// The one final entry of a Lease. The queue may be freed as soon as the cell is filled, so what is
// needed after that is fetched before; a sleeper that registers in between sees the claim.
void Shard::deliver(Lease& lease, std::uint64_t entry) {
  lease.shard_ = nullptr;
  const ReturnsRing::Claim claim = returns_.claim(1);
  stall_point(StallPoint::settle_claimed);
  if (claim.closed) [[unlikely]] {
    returns_.put(claim.position, entry);
    depart(1);
  } else if (!host_.anybody_waits()) {
    returns_.put(claim.position, entry);
  } else {
    const std::shared_ptr<ShardHost> alive = host_.keep();
    returns_.put(claim.position, entry);
    alive->wake_for_settles();
  }
}

void Shard::depart(std::uint32_t leases) {
  for (std::uint32_t i = 0; i < leases; ++i) {
    if (host_.departures.depart()) {
      host_.last_lease_gone();
      return;
    }
  }
}

Error Shard::lost(SettleVerb verb, std::uint64_t settles) {
  if (host_.closed.read()) {
    return {Errc::closed, 0, "the queue has been closed"};
  }
  host_.lease_lost[static_cast<std::size_t>(verb)].add(settles);
  return {Errc::lease_lost, 0, "the lease expired, was revoked, or was settled before"};
}

Result<> Shard::ack_through(Lease& lease, std::size_t count) {
  const std::size_t messages = size(lease);
  if (count == 0 || count > messages) {
    return {Errc::invalid_argument, "a run has between 1 and size() messages"};
  }
  if (count == messages) {
    return ack(lease);
  }
  if (!words_[lease.slot_].ack_through(lease.generation_, static_cast<std::uint32_t>(count))) {
    return lost(SettleVerb::ack, 1);
  }
  return {};
}

Result<> Shard::extend(Lease& lease, std::chrono::milliseconds by) {
  if (by <= std::chrono::milliseconds::zero() || by > std::chrono::milliseconds(kLeaseMsMax)) {
    return {Errc::invalid_argument, "a lease is extended by more than 0 and up to 7 days"};
  }
  const std::uint64_t deadline =
      ShardCore::tick_after(host_.now_ns(), static_cast<std::uint64_t>(by.count()));
  if (!words_[lease.slot_].extend(lease.generation_, deadline)) {
    return lost(SettleVerb::extend, 1);
  }
  if (words_[lease.slot_].view().marked) {
    return {Errc::cancelled, "somebody has asked to cancel the message"};
  }
  return {};
}

// Settles all words first, then hands them back with one claim. Leases of this shard only.
std::size_t Shard::ack_all(std::span<Lease> leases) {
  std::uint32_t winners = 0;
  for (Lease& lease : leases) {
    if (words_[lease.slot_].settle(lease.generation_, LeaseState::acked)) {
      ++winners;
      lease.generation_ |= Lease::kWon;
    }
  }
  if (winners < leases.size()) {
    (void)lost(SettleVerb::ack, leases.size() - winners);
  }
  if (winners == 0) {
    return 0;
  }
  const ReturnsRing::Claim claim = returns_.claim(winners);
  const bool somebody_waits = !claim.closed && host_.anybody_waits();
  const std::shared_ptr<ShardHost> alive = somebody_waits ? host_.keep() : nullptr;
  std::uint64_t position = claim.position;
  for (Lease& lease : leases) {
    if ((lease.generation_ & Lease::kWon) != 0) {
      lease.shard_ = nullptr;
      returns_.put(position++, acked_entry(lease));
    }
  }
  if (claim.closed) [[unlikely]] {
    depart(winners);
  }
  if (alive != nullptr) {
    alive->wake_for_settles();
  }
  return winners;
}

void Shard::abandon(Lease& lease) noexcept {
  if (words_[lease.slot_].settle(lease.generation_, LeaseState::abandoned)) {
    deliver(lease, entry(Final::settled, lease.slot_));
  } else if (lease.run_ == 0) {
    deliver(lease, entry(Final::unpin, lease.slot_));
  } else {
    deliver(lease, entry(Final::unpin_run, lease.run_));
  }
}

// Reads only what does not change while a Lease pins the slot.
MessageView Shard::view(const Lease& lease, std::size_t index) const {
  const RunMember member = lease.run_ == 0 ? RunMember{lease.slot_, lease.attempt_}
                                           : core_.run(lease.run_).members[index];
  const Slot& slot = core_.slot(member.slot);
  return {message_id(number_, slot.position),
          slot.key_view(),
          slot.payload_view(),
          slot.type_view(),
          lease.fence_,
          member.attempt,
          host_.wall(slot.published_ns)};
}

std::size_t Shard::size(const Lease& lease) const {
  return lease.run_ == 0 ? 1 : core_.run(lease.run_).size;
}

}  // namespace laneway::engine
