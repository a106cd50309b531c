// DPDK rte_ring: many to many, bulk, elements by value; on plain memory, without the rest of DPDK.
//
// The classic mode lets later producers wait for earlier ones: with more threads than cores it may
// make no end. Relaxed tail sync (RTS) is the mode documented for that case. A ring of 65,536 slots
// holds 65,535 elements.
#pragma once

#include "bench/peers/ports.hpp"

#include <rte_config.h>
#include <rte_ring.h>

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <new>
#include <span>

namespace laneway::bench {

enum class RteRingMode { classic, relaxed_tail };

template <class Element, RteRingMode kMode>
class RteRing : public Ports<RteRing<Element, kMode>, Element> {
 public:
  static constexpr Guarantees kGuarantees{"FIFO", "yes", "yes", "no"};
  static constexpr OrderPromise kOrder = OrderPromise::per_producer;

  // As rte_ring_init leaves it, which lives in a library that wants the whole environment.
  explicit RteRing(const Shape&) : ring_(new (allocate()) rte_ring{}) {
    ring_->size = kCapacity;
    ring_->mask = kCapacity - 1;
    ring_->capacity = ring_->mask;
    if constexpr (kMode == RteRingMode::relaxed_tail) {
      ring_->prod.sync_type = RTE_RING_SYNC_MT_RTS;
      ring_->cons.sync_type = RTE_RING_SYNC_MT_RTS;
      ring_->rts_prod.htd_max = kCapacity / 8;
      ring_->rts_cons.htd_max = kCapacity / 8;
    }
  }

  std::size_t push(std::span<const Element> elements) {
    return rte_ring_enqueue_burst_elem(ring_.get(), elements.data(), sizeof(Element),
                                       static_cast<unsigned>(elements.size()), nullptr);
  }
  std::size_t pop(std::span<Element> elements) {
    return rte_ring_dequeue_burst_elem(ring_.get(), elements.data(), sizeof(Element),
                                       static_cast<unsigned>(elements.size()), nullptr);
  }

 private:
  static void* allocate() {
    void* memory =
        std::aligned_alloc(alignof(rte_ring), sizeof(rte_ring) + kCapacity * sizeof(Element));
    if (memory == nullptr) {
      throw std::bad_alloc();
    }
    return memory;
  }
  struct Free {
    void operator()(rte_ring* ring) const { std::free(ring); }
  };
  std::unique_ptr<rte_ring, Free> ring_;
};

}  // namespace laneway::bench
