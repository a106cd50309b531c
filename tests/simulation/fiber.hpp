// Fiber: a stack of its own and a place in a function, on the one thread of the simulation. Stacks
// are used again.
#pragma once

#include <cstddef>
#include <functional>

namespace laneway::simulation {

class Fiber {
 public:
  Fiber() = default;  // the thread itself, before it has any
  explicit Fiber(std::function<void()> body);
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;
  ~Fiber();

  // Stops `from`, which is running, and goes on with `to`. The body of a fiber must not return: its
  // last act is a switch for good.
  static void change(Fiber& from, Fiber& to, bool for_good = false);

 private:
  static void enter();

  std::function<void()> body_;
  std::byte* stack_ = nullptr;
  void* place_ = nullptr;       // where it stands, while it does not run
  void* fake_stack_ = nullptr;  // AddressSanitizer's
  const void* bottom_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace laneway::simulation
