// Floor 3. PayloadPool: blocks for what does not fit a slot, in size classes that double. The pool
// is the queue's limit in bytes. Any thread takes and gives.
#pragma once

#include <laneway/message.hpp>

#include "engine/base/arena.hpp"
#include "engine/concurrent/counter.hpp"
#include "engine/concurrent/free_list.hpp"
#include "engine/core/block.hpp"

#include <array>
#include <cstdint>
#include <optional>

namespace laneway::engine {

class PayloadPool {
 public:
  // Blocks of all classes together stay within `bytes_max`; a block holds up to `content_max`.
  PayloadPool(std::uint64_t bytes_max, std::uint32_t content_max);

  static std::uint64_t mapping_bytes(std::uint64_t bytes_max, std::uint32_t content_max);
  // The smallest bytes_max that can hold one message of this content.
  static std::uint64_t block_bytes(std::uint32_t content);

  bool mapped() const { return arena_.mapped(); }

  // A block with the given parts in it, or null when the pool is used up. Lock-free.
  Block* take(Bytes payload, std::string_view key, std::string_view type);
  // A copy outside the pool, for the rare bytes that two owners need; give() knows it.
  static Block* heap_copy(const Block& block);
  // Gives back a chain of blocks.
  void give(Block* chain);

  std::uint64_t bytes_taken() const { return taken_.read(); }

 private:
  static constexpr std::uint32_t kSmallestBytes = 128;
  static constexpr std::size_t kClassesMax = 24;
  static constexpr std::uint8_t kHeapClass = 255;

  struct SizeClass {
    SizeClass(std::span<std::byte> memory, std::span<FreeList::Link> links)
        : blocks(memory), free(links) {}
    std::span<std::byte> blocks;
    FreeList free;
  };

  static std::size_t class_for(std::uint64_t block_bytes);
  static std::uint64_t class_bytes(std::size_t index) {
    return std::uint64_t{kSmallestBytes} << index;
  }
  static std::uint64_t class_blocks(std::uint64_t bytes_max, std::size_t index);

  std::uint64_t bytes_max_;
  Arena arena_;
  std::array<std::optional<SizeClass>, kClassesMax> classes_;
  alignas(kDestructive) Counter taken_;
};

}  // namespace laneway::engine
