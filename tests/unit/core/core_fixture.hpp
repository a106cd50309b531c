// A shard core of capacity 2 and what its callers do for it: publish, receive, settle, pass time.
#pragma once

#include "engine/base/arena.hpp"
#include "engine/base/hash.hpp"
#include "engine/core/shard_core.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace laneway::engine {

struct Publish {
  std::string_view key = {};
  std::string_view payload = {};
  std::uint64_t delay_ms = 0;
  std::uint64_t ttl_ms = 0;
  std::uint32_t attempts_max = 0;
  Block* block = nullptr;
};

inline FailureNote note_of(std::string_view text, std::uint32_t error_class = 0) {
  FailureNote note = {};
  note.error_class = error_class;
  note.text_bytes = static_cast<std::uint8_t>(text.size());
  std::ranges::copy(text, note.text);
  return note;
}

inline FailureNote note_after(std::uint64_t after_ms) {
  FailureNote note = {};
  note.after_ms_plus_1 = after_ms + 1;
  return note;
}

class CoreFixture : public ::testing::Test {
 protected:
  using Names = std::vector<std::string>;
  static constexpr std::uint64_t kLeaseMs = 100;
  static constexpr std::uint64_t kBackoffMs = 10;

  CoreFixture() {
    options_.capacity = 2;
    options_.dead_max = 2;
    options_.outcomes = 64;
    options_.first_position = 1;
    options_.attempts_max = 3;
    options_.run_max = 1;
    const std::chrono::milliseconds backoff(kBackoffMs);
    options_.backoff = {backoff, backoff, backoff};
  }

  // Tests change options_ before the first verb.
  ShardCore& core() {
    if (core_ == nullptr) {
      ArenaSize size;
      ShardCore::measure(options_, &size);
      arena_ = std::make_unique<Arena>(size.bytes());
      core_ = std::make_unique<ShardCore>(options_, arena_.get(), now_ns_);
      next_ = options_.first_position;
    }
    return *core_;
  }

  // Answers the position of the message.
  std::uint64_t publish(const Publish& message) {
    core();
    Submission submission = {};
    std::ranges::copy(message.key, submission.key);
    std::ranges::copy(std::as_bytes(std::span(message.payload)), submission.payload);
    submission.key_bytes = message.key.size() & 0xff;
    submission.payload_bytes = message.payload.size() & 0xff;
    submission.key_hash = key_hash(message.key);
    submission.due_tick = message.delay_ms == 0 ? 0 : tick(message.delay_ms);
    submission.ttl_tick = message.ttl_ms == 0 ? 0 : tick(message.ttl_ms);
    submission.attempts_max = message.attempts_max & 0xffff;
    submission.block = message.block;
    core().accept(submission, next_, now_ns_);
    return next_++;
  }
  std::uint64_t publish(std::string_view key, std::string_view payload) {
    return publish({.key = key, .payload = payload});
  }

  bool grant(Grant* grant, std::uint32_t room = 64) {
    return core().grant({tick(kLeaseMs), 7, room}, now_ns_, grant);
  }
  // A grant that there must be.
  Grant granted(std::uint32_t room = 64) {
    Grant result = {};
    EXPECT_TRUE(grant(&result, room)) << "nothing was granted";
    return result;
  }
  bool nothing_ready() {
    Grant unused = {};
    return !grant(&unused);
  }
  // Grants all that is ready and tells the payloads; of a run its members in brackets.
  Names grant_all() {
    Names names;
    for (Grant next = {}; grant(&next);) {
      grants_.push_back(next);
      names.push_back(name(next));
    }
    return names;
  }

  std::string name(const Grant& grant) {
    if (grant.run == 0) {
      return payload(grant.slot);
    }
    std::string names = "[";
    const RunRecord& run = core().run(grant.run);
    for (std::uint32_t i = 0; i < run.size; ++i) {
      names += (i == 0 ? "" : " ") + payload(run.members[i].slot);
    }
    return names + "]";
  }
  std::string payload(std::uint32_t slot) {
    return std::string(core().slot(slot).payload_view().text());
  }

  void settle(const Grant& grant,
              LeaseEnd end,
              const FailureNote* note = nullptr,
              std::uint32_t acked = 0) {
    core().settle(grant.slot, end, acked, note, now_ns_);
  }
  void ack(const Grant& grant) { settle(grant, LeaseEnd::acked); }
  void nack(const Grant& grant) { settle(grant, LeaseEnd::nacked); }
  void nack(const Grant& grant, std::uint64_t after_ms) {
    const FailureNote note = note_after(after_ms);
    settle(grant, LeaseEnd::nacked, &note);
  }
  void ack_all() {
    for (const Grant& grant : grants_) {
      ack(grant);
    }
    grants_.clear();
  }

  // Moves time and does what is due. Leases end, unless `extended_` names a later tick for their
  // slot.
  void pass(std::uint64_t ms) {
    now_ns_ += static_cast<std::int64_t>(ms) * kTickNanos;
    while (advance(1).more) {
    }
  }
  // Leases end, and their messages wait out their back-off.
  void expire_and_retry() {
    pass(kLeaseMs);
    pass(kBackoffMs);
  }
  WheelProgress advance(std::uint32_t budget) {
    return core().advance(now_ns_, budget, [this](std::uint32_t slot) {
      const std::uint64_t deadline = extended_.count(slot) != 0 ? extended_[slot] : 0;
      if (deadline > tick()) {
        core().rearm(slot, deadline);
      } else {
        core().settle(slot, LeaseEnd::expired, acked_prefix_, nullptr, now_ns_);
      }
    });
  }

  // The tick `ms` from now.
  std::uint64_t tick(std::uint64_t ms = 0) const { return ShardCore::tick_after(now_ns_, ms); }
  MessageState state(std::uint64_t position) { return core().state_of(position); }
  const Slot& slot_of(std::uint64_t position) { return core().slot(core().find(position)); }
  std::uint64_t room() { return core().limit() - next_; }
  QueueStats stats() {
    QueueStats stats;
    core().count(&stats, now_ns_);
    EXPECT_TRUE(stats.conserved());
    return stats;
  }

  // Grants the message and lets every attempt of it fail.
  void kill(std::uint64_t position) {
    while (state(position) != MessageState::dead) {
      ASSERT_NE(core().find(position), ShardCore::kNoSlot);
      const Grant lease = granted();
      ASSERT_EQ(core().slot(lease.slot).position, position);
      settle(lease, LeaseEnd::rejected);
    }
  }
  std::vector<std::uint64_t> dead() {
    std::vector<std::uint64_t> positions;
    core().each_dead([&](std::uint32_t slot) {
      positions.push_back(core().slot(slot).position);
      return true;
    });
    return positions;
  }

  // A block with these bytes, in memory of the fixture.
  Block* block_of(std::string_view payload, std::string_view key, std::string_view type) {
    const std::size_t bytes = payload.size() + key.size() + type.size();
    blocks_.push_back(std::make_unique<std::uint64_t[]>((sizeof(Block) + bytes + 7) / 8));
    auto* block = reinterpret_cast<Block*>(blocks_.back().get());
    block->payload_bytes = static_cast<std::uint32_t>(payload.size());
    block->key_bytes = static_cast<std::uint16_t>(key.size());
    block->type_bytes = static_cast<std::uint8_t>(type.size());
    const std::string all = std::string(payload) + std::string(key) + std::string(type);
    std::copy(all.begin(), all.end(), reinterpret_cast<char*>(block->bytes()));
    return block;
  }

  virtual std::uint32_t key_hash(std::string_view key) const {
    return static_cast<std::uint32_t>(hash_bytes(key));
  }

  ShardOptions options_;
  std::int64_t now_ns_ = std::int64_t{5000} * kTickNanos;
  std::map<std::uint32_t, std::uint64_t> extended_;  // slot -> later lease deadline
  std::uint32_t acked_prefix_ = 0;                   // of a run that expires
  std::vector<Grant> grants_;

 private:
  std::unique_ptr<Arena> arena_;
  std::unique_ptr<ShardCore> core_;
  std::vector<std::unique_ptr<std::uint64_t[]>> blocks_;
  std::uint64_t next_ = 0;
};

}  // namespace laneway::engine
