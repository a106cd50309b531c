// DiyLeaseQueue: the lease queue that a careful user would build from ready-made parts, and the
// main contestant of laneway. Keyed messages, one of a key outside at a time, leases with a
// deadline, redelivery of what expired, bounded capacity, all in batches when wanted.
//
// Parts: a blocking queue of ready messages; per key a strand (present while one of its messages is
// outside; later ones wait in its deque); the leases in flight by id, with a generation that fences
// late acks; a min-heap of deadlines, cleaned lazily by a thread every millisecond. Strands and
// leases stand behind one mutex each, times the number of shards. A lease that expires puts its
// message back to ready: the strand stays taken, so the order of the key is kept.
#pragma once

#include "bench/harness/element.hpp"

#include <concurrentqueue/blockingconcurrentqueue.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <queue>
#include <span>
#include <stop_token>
#include <thread>
#include <unordered_map>
#include <vector>

namespace laneway::bench {

class DiyLeaseQueue {
 public:
  static constexpr std::size_t kBatch = 64;  // a longer call does this much
  struct Message {
    std::uint64_t id;
    std::uint64_t key;
    std::uint32_t shard;
    std::uint32_t deliveries;
    Payload payload;
  };
  struct Lease {
    const Message* message;  // its bytes stay as published until somebody acknowledges it
    std::uint64_t id;
    std::uint32_t shard;
    std::uint32_t generation;
  };

  DiyLeaseQueue(std::size_t capacity, std::size_t shards, std::chrono::milliseconds lease)
      : lease_(lease), pool_(capacity), strands_(shards), in_flight_(shards), free_(capacity) {
    for (Message& message : pool_) {
      free_.enqueue(&message);
    }
    timer_ = std::jthread([this](const std::stop_token& stop) { watch_deadlines(stop); });
  }

  // Takes messages in order as long as there is room; answers how many. Any thread.
  std::size_t push(std::span<const KeyedElement> elements) {
    Message* messages[kBatch];
    Message* ready[kBatch];
    std::size_t ready_count = 0;
    const std::size_t count = free_.try_dequeue_bulk(messages, std::min(elements.size(), kBatch));
    Locked<Strands> strands{strands_};
    for (std::size_t i = 0; i < count; ++i) {
      const KeyedElement& element = elements[i];
      const std::uint64_t id = ids_.fetch_add(1, std::memory_order_relaxed);
      const auto shard = static_cast<std::uint32_t>(element.key % strands_.size());
      *messages[i] = {id, element.key, shard, 0, element.payload};
      auto [strand, free] = strands[shard].waiting.try_emplace(element.key);
      if (free) {
        ready[ready_count++] = messages[i];
      } else {
        strand->second.push_back(messages[i]);
      }
    }
    strands.lock = {};
    ready_.enqueue_bulk(ready, ready_count);
    return count;
  }

  // Leases up to leases.size() messages; waits at most that long for the first. Any thread.
  std::size_t receive(std::span<Lease> leases, std::chrono::microseconds wait) {
    Message* messages[kBatch];
    std::size_t count = std::min(leases.size(), kBatch);
    count = wait.count() == 0 ? ready_.try_dequeue_bulk(messages, count)
                              : ready_.wait_dequeue_bulk_timed(messages, count, wait);
    if (count == 0) {
      return 0;
    }
    const auto deadline = std::chrono::steady_clock::now() + lease_;
    Locked<InFlight> in_flight{in_flight_};
    for (std::size_t i = 0; i < count; ++i) {
      Message& message = *messages[i];
      InFlight& part = in_flight[message.shard];
      leases[i] = {&message, message.id, message.shard, ++message.deliveries};
      part.held.emplace(message.id, &message);
      part.deadlines.push({deadline, message.id, message.deliveries});
    }
    return count;
  }

  // Ends leases; answers how many were still held. The others were lost: nothing changed for them.
  std::size_t ack(std::span<const Lease> leases) {
    Message* done[kBatch];
    std::size_t done_count = 0;
    Locked<InFlight> in_flight{in_flight_};
    for (const Lease& lease : leases.first(std::min(leases.size(), kBatch))) {
      auto& held = in_flight[lease.shard].held;
      const auto found = held.find(lease.id);
      if (found != held.end() && found->second->deliveries == lease.generation) {
        done[done_count++] = found->second;
        held.erase(found);
      }
    }
    in_flight.lock = {};
    // The next message of each key becomes ready; a key without one gives up its strand.
    Message* ready[kBatch];
    std::size_t ready_count = 0;
    Locked<Strands> strands{strands_};
    for (const Message* message : std::span(done, done_count)) {
      auto& waiting = strands[message->shard].waiting;
      const auto strand = waiting.find(message->key);
      if (strand->second.empty()) {
        waiting.erase(strand);
      } else {
        ready[ready_count++] = strand->second.front();
        strand->second.pop_front();
      }
    }
    strands.lock = {};
    ready_.enqueue_bulk(ready, ready_count);
    free_.enqueue_bulk(done, done_count);
    return done_count;
  }

 private:
  struct Deadline {
    std::chrono::steady_clock::time_point when;
    std::uint64_t id;
    std::uint32_t generation;
    bool operator<(const Deadline& other) const { return when > other.when; }  // earliest on top
  };
  struct alignas(128) Strands {
    std::mutex mutex;
    std::unordered_map<std::uint64_t, std::deque<Message*>> waiting;
  };
  struct alignas(128) InFlight {
    std::mutex mutex;
    std::unordered_map<std::uint64_t, Message*> held;
    std::priority_queue<Deadline> deadlines;
  };

  // Holds one shard's lock at a time, and keeps it while the next message is of the same shard:
  // with a single shard a whole batch costs one lock.
  template <class Part>
  struct Locked {
    Part& operator[](std::uint32_t shard) {
      if (lock.mutex() != &parts[shard].mutex) {
        lock = {};
        lock = std::unique_lock(parts[shard].mutex);
      }
      return parts[shard];
    }
    std::vector<Part>& parts;
    std::unique_lock<std::mutex> lock = {};
  };

  // Entries of leases that were acknowledged are still in the heap: dropped when they come up.
  void watch_deadlines(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
      const auto now = std::chrono::steady_clock::now();
      for (InFlight& part : in_flight_) {
        const std::lock_guard lock(part.mutex);
        for (; !part.deadlines.empty() && part.deadlines.top().when <= now; part.deadlines.pop()) {
          const Deadline& due = part.deadlines.top();
          const auto found = part.held.find(due.id);
          if (found != part.held.end() && found->second->deliveries == due.generation) {
            ready_.enqueue(found->second);
            part.held.erase(found);
          }
        }
      }
    }
  }

  const std::chrono::milliseconds lease_;
  std::vector<Message> pool_;
  std::vector<Strands> strands_;
  std::vector<InFlight> in_flight_;
  moodycamel::ConcurrentQueue<Message*> free_;
  moodycamel::BlockingConcurrentQueue<Message*> ready_;
  alignas(128) std::atomic<std::uint64_t> ids_{0};
  std::jthread timer_;
};

}  // namespace laneway::bench
