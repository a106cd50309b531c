#include "engine/payload_pool.hpp"

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <cstring>

namespace laneway::engine {

std::size_t PayloadPool::class_for(std::uint64_t block_bytes) {
  const std::uint64_t rounded = std::bit_ceil(std::max<std::uint64_t>(block_bytes, kSmallestBytes));
  return static_cast<std::size_t>(std::countr_zero(rounded / kSmallestBytes));
}

std::uint64_t PayloadPool::class_blocks(std::uint64_t bytes_max, std::size_t index) {
  constexpr std::uint64_t kBlocksMax = 1u << 31;
  return std::min(bytes_max / class_bytes(index), kBlocksMax);
}

std::uint64_t PayloadPool::block_bytes(std::uint32_t content) {
  return class_bytes(class_for(content + sizeof(Block)));
}

std::uint64_t PayloadPool::mapping_bytes(std::uint64_t bytes_max, std::uint32_t content_max) {
  ArenaSize size;
  for (std::size_t i = 0; i <= class_for(content_max + sizeof(Block)); ++i) {
    const auto blocks = static_cast<std::size_t>(class_blocks(bytes_max, i));
    size.add<std::byte>(blocks * static_cast<std::size_t>(class_bytes(i)));
    size.add<FreeList::Link>(blocks);
  }
  return size.bytes();
}

PayloadPool::PayloadPool(std::uint64_t bytes_max, std::uint32_t content_max)
    : bytes_max_(bytes_max),
      arena_(static_cast<std::size_t>(mapping_bytes(bytes_max, content_max))) {
  if (!arena_.mapped()) {
    return;
  }
  for (std::size_t i = 0; i <= class_for(content_max + sizeof(Block)); ++i) {
    const auto blocks = static_cast<std::size_t>(class_blocks(bytes_max, i));
    const auto memory = arena_.take<std::byte>(blocks * static_cast<std::size_t>(class_bytes(i)));
    classes_[i].emplace(memory, arena_.take<FreeList::Link>(blocks));
  }
}

Block* PayloadPool::take(Bytes payload, std::string_view key, std::string_view type) {
  const std::size_t index = class_for(sizeof(Block) + payload.size() + key.size() + type.size());
  if (!taken_.add_within(class_bytes(index), bytes_max_)) {
    return nullptr;
  }
  SizeClass& size_class = *classes_[index];
  const std::uint32_t number = size_class.free.pop();
  if (number == FreeList::kNone) {
    taken_.subtract(class_bytes(index));
    return nullptr;
  }
  auto* block = reinterpret_cast<Block*>(&size_class.blocks[number * class_bytes(index)]);
  block->next = nullptr;
  block->number = number;
  block->payload_bytes = static_cast<std::uint32_t>(payload.size());
  block->key_bytes = static_cast<std::uint16_t>(key.size());
  block->type_bytes = static_cast<std::uint8_t>(type.size());
  block->size_class = static_cast<std::uint8_t>(index);
  std::byte* at = block->bytes();
  const auto append = [&at](const void* bytes, std::size_t size) {
    if (size != 0) {
      std::memcpy(at, bytes, size);
    }
    at += size;
  };
  append(payload.data(), payload.size());
  append(key.data(), key.size());
  append(type.data(), type.size());
  return block;
}

Block* PayloadPool::heap_copy(const Block& block) {
  const std::size_t bytes =
      sizeof(Block) + block.payload_bytes + block.key_bytes + block.type_bytes;
  auto* copy = static_cast<Block*>(std::malloc(bytes));
  LANEWAY_CHECK(copy != nullptr);
  std::memcpy(copy, &block, bytes);
  copy->next = nullptr;
  copy->size_class = kHeapClass;
  return copy;
}

void PayloadPool::give(Block* chain) {
  while (chain != nullptr) {
    Block* const block = chain;
    chain = block->next;
    const std::size_t index = block->size_class;
    if (index == kHeapClass) {
      std::free(block);
      continue;
    }
    classes_[index]->free.push(block->number);
    taken_.subtract(class_bytes(index));
  }
}

}  // namespace laneway::engine
