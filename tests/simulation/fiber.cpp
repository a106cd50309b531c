#include "tests/simulation/fiber.hpp"

#include <sys/mman.h>

#include <cstdint>
#include <cstdlib>
#include <utility>
#include <vector>

#if !defined(__x86_64__)
#include <ucontext.h>
#endif

#if defined(__SANITIZE_ADDRESS__)
#define LANEWAY_FIBER_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define LANEWAY_FIBER_ASAN 1
#endif
#endif
#ifdef LANEWAY_FIBER_ASAN
#include <sanitizer/common_interface_defs.h>
#endif

namespace laneway::simulation {

namespace {

constexpr std::size_t kStackBytes = 256 * 1024;  // touched as far as it is used

Fiber* entering = nullptr;
Fiber* leaving = nullptr;

std::vector<std::byte*>& spare_stacks() {
  static std::vector<std::byte*> stacks;
  return stacks;
}

std::byte* take_stack() {
  if (!spare_stacks().empty()) {
    std::byte* const stack = spare_stacks().back();
    spare_stacks().pop_back();
    return stack;
  }
  constexpr std::size_t kGuardBytes = 4096;
  void* const memory = mmap(nullptr, kStackBytes + kGuardBytes, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED || mprotect(memory, kGuardBytes, PROT_NONE) != 0) {
    std::abort();
  }
  return static_cast<std::byte*>(memory) + kGuardBytes;
}

}  // namespace

#if defined(__x86_64__)
// Saves what a call must keep on the old stack, and takes it from the new one. swapcontext would
// do, at twenty times the price: it also asks the kernel for the mask of signals.
extern "C" void laneway_change_stack(void** from, void* to);
asm(R"(
.text
.type laneway_change_stack, @function
laneway_change_stack:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
.size laneway_change_stack, .-laneway_change_stack
)");

Fiber::Fiber(std::function<void()> body)
    : body_(std::move(body)), stack_(take_stack()), bottom_(stack_), size_(kStackBytes) {
  // As if the function had been called: six registers, then where to go; the stack is aligned as
  // after a call.
  auto* top = reinterpret_cast<std::uintptr_t*>(stack_ + kStackBytes) - 2;
  *top = reinterpret_cast<std::uintptr_t>(&Fiber::enter);
  place_ = top - 6;
}

Fiber::~Fiber() {
  if (stack_ != nullptr) {
    spare_stacks().push_back(stack_);
  }
}
#else
Fiber::Fiber(std::function<void()> body)
    : body_(std::move(body)), stack_(take_stack()), bottom_(stack_), size_(kStackBytes) {
  auto* const context = new ucontext_t;
  getcontext(context);
  context->uc_stack.ss_sp = stack_;
  context->uc_stack.ss_size = kStackBytes;
  makecontext(context, &Fiber::enter, 0);
  place_ = context;
}

Fiber::~Fiber() {
  delete static_cast<ucontext_t*>(place_);
  if (stack_ != nullptr) {
    spare_stacks().push_back(stack_);
  }
}
#endif

void Fiber::enter() {
#ifdef LANEWAY_FIBER_ASAN
  __sanitizer_finish_switch_fiber(nullptr, &leaving->bottom_, &leaving->size_);
#endif
  entering->body_();
  std::abort();  // a body ends with a switch
}

void Fiber::change(Fiber& from, Fiber& to, bool for_good) {
  entering = &to;
  leaving = &from;
#ifdef LANEWAY_FIBER_ASAN
  __sanitizer_start_switch_fiber(for_good ? nullptr : &from.fake_stack_, to.bottom_, to.size_);
#else
  static_cast<void>(for_good);
#endif
#if defined(__x86_64__)
  laneway_change_stack(&from.place_, to.place_);
#else
  if (from.place_ == nullptr) {
    from.place_ = new ucontext_t;
  }
  swapcontext(static_cast<ucontext_t*>(from.place_), static_cast<ucontext_t*>(to.place_));
#endif
#ifdef LANEWAY_FIBER_ASAN
  const void* bottom = nullptr;
  std::size_t size = 0;
  __sanitizer_finish_switch_fiber(from.fake_stack_, &bottom, &size);
#endif
}

}  // namespace laneway::simulation
