// Timers of event loops. Those of Asio run on a clock of ours, libuv's and libevent's on their own.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#ifdef BENCH_HAVE_BOOST
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#endif
#ifdef BENCH_HAVE_LIBUV
#include <uv.h>
#endif
#ifdef BENCH_HAVE_LIBEVENT
#include <event2/event.h>
#include <event2/event_struct.h>
#endif

namespace laneway::bench {

#ifdef BENCH_HAVE_BOOST
class AsioTimers {
 public:
  static constexpr bool kVirtualTime = true;

  explicit AsioTimers(std::uint32_t slots) {
    VirtualClock::tick = 0;
    timers_.reserve(slots);
    for (std::uint32_t slot = 0; slot < slots; ++slot) {
      timers_.emplace_back(context_);
    }
  }

  void arm(std::uint32_t slot, std::uint64_t tick) {
    timers_[slot].expires_at(time_of(tick));  // cancels what waits
    timers_[slot].async_wait(
        [this](const boost::system::error_code& error) { fired_ += error ? 0 : 1; });
  }
  void cancel(std::uint32_t slot) { timers_[slot].cancel(); }
  std::uint64_t advance(std::uint64_t tick) {
    VirtualClock::tick = tick;
    // Its reactor sleeps by the real time; a new timer before all others makes it look.
    look_.expires_at(VirtualClock::time_point(std::chrono::milliseconds(-1)));
    look_.async_wait([](const boost::system::error_code&) {});
    context_.restart();
    context_.poll();
    return std::exchange(fired_, 0);
  }

 private:
  struct VirtualClock {
    using duration = std::chrono::milliseconds;
    using rep = duration::rep;
    using period = duration::period;
    using time_point = std::chrono::time_point<VirtualClock>;
    static constexpr bool is_steady = true;
    static time_point now() { return time_of(tick); }
    static inline std::uint64_t tick = 0;
  };
  static VirtualClock::time_point time_of(std::uint64_t tick) {
    return VirtualClock::time_point(std::chrono::milliseconds(tick));
  }
  using Timer = boost::asio::basic_waitable_timer<VirtualClock,
                                                  boost::asio::wait_traits<VirtualClock>,
                                                  boost::asio::io_context::executor_type>;

  boost::asio::io_context context_{1};
  Timer look_{context_};
  std::vector<Timer> timers_;
  std::uint64_t fired_ = 0;
};
#endif

#ifdef BENCH_HAVE_LIBUV
class UvTimers {
 public:
  static constexpr bool kVirtualTime = false;

  explicit UvTimers(std::uint32_t slots) : timers_(slots) {
    uv_loop_init(&loop_);
    for (uv_timer_t& timer : timers_) {
      uv_timer_init(&loop_, &timer);
    }
  }
  UvTimers(const UvTimers&) = delete;
  UvTimers& operator=(const UvTimers&) = delete;
  ~UvTimers() {
    for (uv_timer_t& timer : timers_) {
      uv_close(reinterpret_cast<uv_handle_t*>(&timer), nullptr);
    }
    uv_run(&loop_, UV_RUN_DEFAULT);
    (void)uv_loop_close(&loop_);
  }

  void arm(std::uint32_t slot, std::uint64_t tick) {
    uv_timer_start(
        &timers_[slot], [](uv_timer_t*) {}, tick - now_, 0);
  }
  void cancel(std::uint32_t slot) { uv_timer_stop(&timers_[slot]); }
  std::uint64_t advance(std::uint64_t tick) {
    now_ = tick;
    uv_run(&loop_, UV_RUN_NOWAIT);
    return 0;
  }

 private:
  uv_loop_t loop_;
  std::vector<uv_timer_t> timers_;
  std::uint64_t now_ = 0;
};
#endif

#ifdef BENCH_HAVE_LIBEVENT
// With a common timeout, as its manual advises where many timers have the same length.
class EventTimers {
 public:
  static constexpr bool kVirtualTime = false;

  explicit EventTimers(std::uint32_t slots) : base_(event_base_new()), events_(slots) {
    const timeval lease{30, 0};
    common_ = event_base_init_common_timeout(base_, &lease);
    for (event& timer : events_) {
      event_assign(
          &timer, base_, -1, 0, [](evutil_socket_t, short, void*) {}, nullptr);
    }
  }
  EventTimers(const EventTimers&) = delete;
  EventTimers& operator=(const EventTimers&) = delete;
  ~EventTimers() {
    for (event& timer : events_) {
      event_del(&timer);
    }
    event_base_free(base_);
  }

  void arm(std::uint32_t slot, std::uint64_t) { event_add(&events_[slot], common_); }
  void cancel(std::uint32_t slot) { event_del(&events_[slot]); }
  std::uint64_t advance(std::uint64_t) {
    event_base_loop(base_, EVLOOP_NONBLOCK);
    event_base_update_cache_time(base_);
    return 0;
  }

 private:
  event_base* base_;
  const timeval* common_;
  std::vector<event> events_;
};
#endif

}  // namespace laneway::bench
