// A stream of bytes as verbs of the public API, on an engine whose time moves by hand. Whatever is
// done, and in whatever order:
//
//   every accepted message is in exactly one state       (stats conserve)
//   a Lease shows the bytes that were published, also past its deadline
//   the fence of a key rises from grant to grant
//   a message is granted only when what its key got earlier is over, or in its run   (hold)
//   a message whose ack was ok, or that was taken or discarded, never comes again
//   no more leases are out, and no more is granted, than the queue's limits say
//   a duplicate answers the id of a message that was taken
#include <laneway/clock.hpp>
#include <laneway/engine.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iterator>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace laneway {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

void require(bool holds) {
  if (!holds) {
    std::abort();
  }
}

bool is_over(MessageState state) {
  return state != MessageState::accepted && state != MessageState::delayed &&
         state != MessageState::ready && state != MessageState::blocked &&
         state != MessageState::leased;
}

class Bytestream {
 public:
  explicit Bytestream(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}
  bool more() const { return at_ < bytes_.size(); }
  unsigned below(unsigned end) { return more() ? bytes_[at_++] % end : 0; }

 private:
  std::span<const std::uint8_t> bytes_;
  std::size_t at_ = 0;
};

QueueOptions draw_options(Bytestream& bytes) {
  QueueOptions options;
  options.kind = bytes.below(4) == 0 ? QueueKind::unordered : QueueKind::by_key;
  options.capacity = 1 + bytes.below(32);
  options.shards = 1u << bytes.below(3);
  options.payload_bytes_max = 256;
  options.payload_pool_bytes = 8 * 1024;
  options.attempts_max = 1 + bytes.below(3);
  options.backoff = {.first = 5ms, .cap = 20ms};
  options.on_failure = bytes.below(4) == 0 ? OnFailure::detach : OnFailure::hold;
  options.on_death = options.kind == QueueKind::by_key && options.on_failure == OnFailure::hold
                         ? static_cast<OnDeath>(bytes.below(3))
                         : OnDeath::continue_key;
  options.lease = 10ms;
  options.run_max = options.kind == QueueKind::by_key ? 1 + bytes.below(4) : 1;
  options.dead_letters_max = 1 + bytes.below(8);
  const unsigned rules = bytes.below(128);
  options.overflow = (rules & 1) != 0 ? Overflow::drop_oldest : Overflow::reject;
  options.key_messages_max = (rules & 2) != 0 && options.kind == QueueKind::by_key ? 3 : 0;
  options.priorities = (rules & 4) != 0;
  options.dedup_window = (rules & 8) != 0 ? 10ms : 0ms;
  options.in_flight_max = (rules & 16) != 0 ? 4 : 0;
  options.rate = (rules & 32) != 0 ? RateLimit{1'000, 8} : RateLimit{};
  options.bytes_max = (rules & 64) != 0 ? 4'000 : 0;
  return options;
}

class Play {
 public:
  explicit Play(Bytestream& bytes)
      : bytes_(bytes),
        options_(draw_options(bytes)),
        queue_(*engine_.queue("fuzz", options_)),
        consumer_(*queue_.consumer()) {}

  void verb() {
    switch (bytes_.below(20)) {
      case 0:
      case 1:
      case 2:
      case 3:
        return publish(1 + bytes_.below(8));
      case 4:
      case 5:
      case 6:
        return receive();
      case 7:
        return take();
      case 8:
      case 9:
      case 10:
      case 11:
      case 12:
        return settle();
      case 13:
      case 14:
        clock_->advance(milliseconds(bytes_.below(16)));
        require(engine_.poll().has_value());
        return;
      case 15:
        return dead_letters();
      case 16:
        bytes_.below(2) == 0 ? queue_.pause_consuming() : queue_.resume_consuming();
        return;
      case 17:
        return cancel();
      case 18:
        (void)queue_.release_key(key(bytes_.below(kKeys)));
        return;
      default:
        return check_stats();
    }
  }

  void end() {
    check_stats();
    leases_.clear();
    check_stats();
    queue_.close();
  }

 private:
  static constexpr unsigned kKeys = 4;  // of which 0 is none
  struct Sent {
    unsigned key;
    std::string payload;
    bool in_order;  // not delayed, and not dead since
  };

  static std::string key(unsigned number) {
    return number == 0 ? "" : std::string(number * 12, static_cast<char>('a' + number));
  }

  void publish(unsigned count) {
    std::vector<Message> messages(count);
    std::vector<Published> results(count);
    std::vector<Sent> sent(count);
    std::vector<std::string> keys(count);
    std::vector<std::string> dedup_ids(count);
    for (unsigned i = 0; i < count; ++i) {
      sent[i].key = bytes_.below(kKeys);
      sent[i].payload = std::string(bytes_.below(150), static_cast<char>('0' + ++sent_ % 64));
      keys[i] = key(sent[i].key);
      messages[i] = {.key = keys[i], .payload = sent[i].payload};
      const unsigned dice = bytes_.below(8);
      messages[i].delay = milliseconds(dice == 0 ? bytes_.below(20) : 0);
      messages[i].ttl = milliseconds(dice == 1 ? 1 + bytes_.below(20) : 0);
      sent[i].in_order = sent[i].key != 0 && messages[i].delay == 0ms;
      messages[i].priority = options_.priorities ? static_cast<std::int32_t>(dice) : 0;
      if (options_.dedup_window != 0ms && dice > 5) {
        dedup_ids[i] = std::to_string(sent[i].key);  // of the same key every time
        messages[i].dedup_id = dedup_ids[i];
      }
    }
    const Result<std::size_t> taken = queue_.publish(messages, results);
    require(taken.has_value());
    for (unsigned i = 0; i < count; ++i) {
      if (results[i].duplicate) {
        require(all_.contains(results[i].id) && all_.at(results[i].id).key == sent[i].key);
      } else if (results[i].accepted()) {
        ++accepted_;
        require(all_.emplace(results[i].id, sent[i]).second);  // an id names one message
        if (sent[i].in_order) {
          open_[sent[i].key].insert(results[i].id);
        }
      }
    }
  }

  void receive() {
    LeaseBatch batch = *consumer_.receive({.max = 1 + bytes_.below(8)});
    for (Lease& lease : batch) {
      check_grant(lease);
      granted_ += lease.size();
      leases_.push_back(std::move(lease));
    }
    const auto out = std::count_if(leases_.begin(), leases_.end(),
                                   [](const Lease& lease) { return lease.valid(); });
    require(options_.in_flight_max == 0 || out <= options_.in_flight_max);
    check_rate();
  }

  // A message a millisecond, and a burst.
  void check_rate() const {
    const auto passed = std::chrono::duration_cast<milliseconds>(clock_->now() - 1h).count();
    require(options_.rate.per_second == 0 ||
            granted_ <= options_.rate.burst + static_cast<std::uint64_t>(passed));
  }

  void check_grant(const Lease& lease) {
    const MessageView first = lease.message();
    const Sent& sent = all_.at(first.id);
    if (options_.kind == QueueKind::by_key && sent.key != 0) {
      require(lease.fence() > fences_[sent.key]);
      fences_[sent.key] = lease.fence();
      if (options_.on_failure == OnFailure::hold) {
        check_order(first.id, sent.key);
      }
    }
    for (std::size_t i = 0; i < lease.size(); ++i) {
      require(!gone_.contains(lease.message(i).id));
    }
    check_bytes(lease);
  }

  void check_bytes(const Lease& lease) {
    for (std::size_t i = 0; i < lease.size(); ++i) {
      const MessageView message = lease.message(i);
      const Sent& sent = all_.at(message.id);
      require(message.payload.text() == sent.payload);
      require(message.key == key(sent.key));
    }
  }

  // Of one key, and so of one shard, where ids rise in the order of publishing.
  void check_order(MessageId id, unsigned of_key) {
    std::set<MessageId>& open = open_[of_key];
    if (!open.contains(id)) {
      return;
    }
    while (*open.begin() != id) {
      require(is_over(queue_.status(*open.begin())->state));
      open.erase(open.begin());
    }
  }

  void take() {
    MessageBatch batch;
    const std::size_t taken = *consumer_.take(batch, {.max = 1 + bytes_.below(8)});
    for (std::size_t i = 0; i < taken; ++i) {
      require(gone_.insert(batch.message(i).id).second);
      require(batch.payload(i).text() == all_.at(batch.message(i).id).payload);
    }
    granted_ += taken;
    check_rate();
  }

  void settle() {
    if (leases_.empty()) {
      return;
    }
    const std::size_t chosen = bytes_.below(static_cast<unsigned>(leases_.size()));
    Lease& lease = leases_[chosen];
    if (lease.valid()) {
      check_bytes(lease);
      apply_verdict(lease);
    }
    if (!lease.valid() || bytes_.below(4) == 0) {
      std::swap(lease, leases_.back());
      leases_.pop_back();
    }
  }

  void apply_verdict(Lease& lease) {
    switch (bytes_.below(7)) {
      case 0:
      case 1:
        return ack(lease, lease.size());
      case 2:
        (void)lease.nack({.error = "nacked", .after = milliseconds(bytes_.below(8))});
        return;
      case 3:
        (void)lease.release();
        return;
      case 4:
        (void)lease.reject({.error = "rejected", .error_class = 7});
        return;
      case 5:
        (void)lease.extend(milliseconds(1 + bytes_.below(20)));
        return;
      default:
        return ack(lease, 1 + bytes_.below(static_cast<unsigned>(lease.size())));
    }
  }

  // The first messages of the run.
  void ack(Lease& lease, std::size_t count) {
    std::vector<MessageId> ids;
    for (std::size_t i = 0; i < count; ++i) {
      ids.push_back(lease.message(i).id);
    }
    const Result<> acked = count == lease.size() ? lease.ack() : lease.ack_through(count);
    if (acked) {
      gone_.insert(ids.begin(), ids.end());
    }
  }

  void dead_letters() {
    const DeadLetterPage page = *queue_.dead_letters({.limit = 4, .payloads = true});
    for (const DeadLetter& letter : page.letters) {
      require(letter.payload.size() == all_.at(letter.id).payload.size());
      require(letter.attempts <= options_.attempts_max);
      const unsigned verdict = bytes_.below(4);
      if (verdict == 0) {
        open_[all_.at(letter.id).key].erase(letter.id);  // it joins again, at another place
        require(queue_.replay(letter.id).has_value());
      } else if (verdict == 1) {
        require(queue_.discard(letter.id).has_value());
        gone_.insert(letter.id);
      }
    }
  }

  void cancel() {
    if (!all_.empty()) {
      auto chosen = all_.begin();
      std::advance(chosen,
                   bytes_.below(static_cast<unsigned>(std::min<std::size_t>(all_.size(), 64))));
      (void)queue_.cancel(chosen->first);
    }
  }

  void check_stats() {
    const QueueStats stats = *queue_.stats();
    require(stats.conserved());
    require(stats.published == accepted_);
  }

  Bytestream& bytes_;
  const QueueOptions options_;
  std::shared_ptr<ManualClock> clock_ = std::make_shared<ManualClock>(1h);
  Engine engine_ = *Engine::open({.driver = DriverMode::manual, .clock = clock_});
  Queue queue_;
  Consumer consumer_;
  std::vector<Lease> leases_;
  std::map<MessageId, Sent> all_;
  std::map<unsigned, std::set<MessageId>> open_;  // by key: those whose end has not been seen
  std::set<MessageId> gone_;                      // for good
  std::map<unsigned, std::uint64_t> fences_;
  std::uint64_t accepted_ = 0;
  std::uint64_t granted_ = 0;
  std::uint64_t sent_ = 0;
};

}  // namespace
}  // namespace laneway

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  laneway::Bytestream bytes({data, size});
  laneway::Play play(bytes);
  while (bytes.more()) {
    play.verb();
  }
  play.end();
  return 0;
}
