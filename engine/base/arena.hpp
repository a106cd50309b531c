// Floor 0. Arena: one mapping of zeroed memory per shard, handed out in pieces. Pages cost nothing
// until they are touched, so a queue is sized for its limits at open and stays small while idle.
#pragma once

#include "engine/base/assert.hpp"
#include "engine/base/limits.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>

namespace laneway::engine {

// Adds up what a set of pieces will need; the order of `add` and of Arena::take must be the same.
class ArenaSize {
 public:
  template <class T>
  void add(std::size_t count) {
    bytes_ += padded(count * sizeof(T));
  }
  std::size_t bytes() const { return bytes_; }

  static std::size_t padded(std::size_t bytes) {
    return (bytes + kDestructive - 1) / kDestructive * kDestructive;
  }

 private:
  std::size_t bytes_ = 0;
};

class Arena {
 public:
  // Maps `bytes`; base() is null when the system refuses.
  explicit Arena(std::size_t bytes) noexcept;
  ~Arena();
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  bool mapped() const { return base_ != nullptr; }

  // The next piece: `count` objects whose all-zero bytes are a valid state.
  template <class T>
  std::span<T> take(std::size_t count) {
    static_assert(alignof(T) <= kDestructive);
    static_assert(std::is_trivially_destructible_v<T>, "nobody will destroy it");
    const std::size_t piece = ArenaSize::padded(count * sizeof(T));
    LANEWAY_CHECK(piece <= bytes_ - used_);
    T* first = reinterpret_cast<T*>(base_ + used_);
    used_ += piece;
    return {first, count};
  }

  // As take, for a ring: it is touched from end to end anyway, so it gets huge pages where it is as
  // large as one and the system has them.
  template <class T>
  std::span<T> take_ring(std::size_t count) {
    const std::span<T> ring = take<T>(count);
    prefer_huge_pages(std::as_writable_bytes(ring));
    return ring;
  }

 private:
  static void prefer_huge_pages(std::span<std::byte> bytes) noexcept;

  std::byte* base_;
  std::size_t bytes_;
  std::size_t used_ = 0;
};

}  // namespace laneway::engine
