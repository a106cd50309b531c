// Floor 3. Lease and LeaseBatch: the consumer's end of a grant. The settle itself is in
// engine/shard_settle.cpp.
#include <laneway/lease.hpp>

#include "engine/base/assert.hpp"
#include "engine/shard.hpp"

#include <cstring>
#include <span>
#include <utility>

namespace laneway {

namespace {

Error already_settled() {
  return {Errc::lease_lost, 0, "this Lease has been settled, moved from, or never held a message"};
}

}  // namespace

Lease::Lease(Lease&& other) noexcept
    : shard_(std::exchange(other.shard_, nullptr)),
      fence_(other.fence_),
      slot_(other.slot_),
      run_(other.run_),
      generation_(other.generation_),
      attempt_(other.attempt_) {}

Lease& Lease::operator=(Lease&& other) noexcept {
  if (this != &other) {
    if (shard_ != nullptr) {
      shard_->abandon(*this);
    }
    new (this) Lease(std::move(other));
  }
  return *this;
}

Lease::~Lease() {
  if (shard_ != nullptr) {
    shard_->abandon(*this);
  }
}

MessageView Lease::message(std::size_t index) const noexcept {
  LANEWAY_CHECK(shard_ != nullptr);  // valid() must hold
  return shard_->view(*this, index);
}
Bytes Lease::payload() const noexcept {
  LANEWAY_CHECK(shard_ != nullptr);  // valid() must hold
  return shard_->slot(*this).payload_view();
}
std::string_view Lease::key() const noexcept {
  LANEWAY_CHECK(shard_ != nullptr);  // valid() must hold
  return shard_->slot(*this).key_view();
}
std::string_view Lease::type() const noexcept {
  LANEWAY_CHECK(shard_ != nullptr);  // valid() must hold
  return shard_->slot(*this).type_view();
}
MessageId Lease::id() const noexcept {
  return message().id;
}

std::size_t Lease::size() const noexcept {
  return shard_ == nullptr ? 0 : shard_->size(*this);
}

Result<> Lease::ack() {
  if (shard_ == nullptr) {
    return already_settled();
  }
  return shard_->ack(*this);
}

Result<> Lease::ack(std::string_view result) {
  if (shard_ == nullptr) {
    return already_settled();
  }
  return shard_->ack(*this, result);
}

Result<> Lease::ack_durable() {
  if (shard_ == nullptr) {
    return already_settled();
  }
  return shard_->ack_durable(*this);
}

Result<> Lease::ack_through(std::size_t count) {
  if (shard_ == nullptr) {
    return already_settled();
  }
  return shard_->ack_through(*this, count);
}

Result<> Lease::nack(const Failure& failure) {
  if (shard_ == nullptr) {
    return already_settled();
  }
  return shard_->settle(*this, engine::LeaseState::nacked, &failure);
}

Result<> Lease::release() {
  if (shard_ == nullptr) {
    return already_settled();
  }
  return shard_->settle(*this, engine::LeaseState::released, nullptr);
}

Result<> Lease::reject(const Failure& failure) {
  if (shard_ == nullptr) {
    return already_settled();
  }
  return shard_->settle(*this, engine::LeaseState::rejected, &failure);
}

Result<> Lease::extend(std::chrono::milliseconds by) {
  if (shard_ == nullptr) {
    return already_settled();
  }
  return shard_->extend(*this, by);
}

// --- LeaseBatch -------------------------------------------------------------------------------

LeaseBatch::LeaseBatch(LeaseBatch&& other) noexcept {
  steal(other);
}

LeaseBatch& LeaseBatch::operator=(LeaseBatch&& other) noexcept {
  if (this != &other) {
    clear();
    steal(other);
  }
  return *this;
}

LeaseBatch::~LeaseBatch() {
  clear();
}

void LeaseBatch::clear() noexcept {
  for (Lease& lease : *this) {
    lease.~Lease();
  }
  size_ = 0;
}

// Leases move by their bytes: nothing points to them.
void LeaseBatch::steal(LeaseBatch& other) noexcept {
  size_ = std::exchange(other.size_, 0);
  shards_skipped_ = other.shards_skipped_;
  std::memcpy(storage_, other.storage_, size_ * sizeof(Lease));
}

std::size_t LeaseBatch::ack() {
  std::size_t acked = 0;
  for (Lease* first = begin(); first != end();) {
    if (first->shard_ == nullptr) {
      ++first;
      continue;
    }
    Lease* last = first;
    while (last != end() && last->shard_ == first->shard_) {
      ++last;
    }
    acked += first->shard_->ack_all(std::span(first, last));
    first = last;
  }
  return acked;
}

}  // namespace laneway
