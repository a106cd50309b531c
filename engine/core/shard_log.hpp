// Floor 2. ShardLog: hears what happens to the messages of a shard, in the order in which it
// happens, so that somebody can write it down. The slot is as it is after the event; of `resolved`
// as before it. A core without one pays one branch an event.
#pragma once

#include <laneway/message.hpp>

#include <cstdint>
#include <string_view>

namespace laneway::engine {

class ShardLog {
 public:
  ShardLog() = default;
  ShardLog(const ShardLog&) = delete;
  ShardLog& operator=(const ShardLog&) = delete;

  virtual void accepted(std::uint32_t slot) = 0;
  virtual void joined(std::uint32_t slot) = 0;            // its delay was over
  virtual void attempts_changed(std::uint32_t slot) = 0;  // granted, or given back uncounted
  virtual void retrying(std::uint32_t slot, std::uint64_t due_tick, bool detached) = 0;
  virtual void died(std::uint32_t slot) = 0;
  virtual void replayed(std::uint32_t slot, std::uint64_t due_tick) = 0;
  virtual void resolved(std::uint32_t slot, MessageState outcome) = 0;
  virtual void released(std::string_view key) = 0;  // goes on in spite of its dead letters
  virtual void forgot_id(std::uint32_t place) = 0;  // in the dedup window

 protected:
  ~ShardLog() = default;
};

}  // namespace laneway::engine
