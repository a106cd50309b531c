// The standard library's threads, mutexes, condition variables, clocks and random device, for a
// program whose threads are fibers, and what is asked of its file system. The linker puts these in
// the place of what the engine and the worker pool call (tests/simulation.cmake names them), so
// that their sources stay as they are.
//
// One thread runs all fibers, so nothing here needs to be atomic. A mutex is a word that is 0 or 1;
// sleepers are known by its address.
#include <laneway/clock.hpp>

#include "engine/base/hash.hpp"
#include "tests/simulation/scheduler.hpp"

#include <pthread.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>

#include <chrono>
#include <condition_variable>
#include <cstring>
#include <memory>
#include <mutex>
#include <random>
#include <thread>

namespace laneway {

std::chrono::nanoseconds SteadyClock::now() const noexcept {
  return std::chrono::nanoseconds(simulation::Scheduler::now_running().now_ns());
}

}  // namespace laneway

namespace {

using laneway::simulation::Scheduler;
using std::chrono::nanoseconds;

Scheduler& scheduler() {
  return Scheduler::now_running();
}

int& word_of(void* standard_object) {
  return *static_cast<int*>(standard_object);
}

nanoseconds duration_of(const timespec& time) {
  return std::chrono::seconds(time.tv_sec) + nanoseconds(time.tv_nsec);
}

void lock(pthread_mutex_t* mutex) {
  laneway::engine::simulated::operation();
  while (word_of(mutex) != 0) {
    scheduler().block(mutex);
  }
  word_of(mutex) = 1;
}

void unlock(pthread_mutex_t* mutex) {
  word_of(mutex) = 0;
  scheduler().wake(mutex, 1);
}

}  // namespace

extern "C" {

int __wrap_pthread_mutex_lock(pthread_mutex_t* mutex) {
  lock(mutex);
  return 0;
}

int __wrap_pthread_mutex_unlock(pthread_mutex_t* mutex) {
  unlock(mutex);
  return 0;
}

int __wrap_pthread_once(pthread_once_t* control, void (*initialise)()) {
  constexpr int kRunning = 1;
  constexpr int kDone = 2;
  while (word_of(control) == kRunning) {
    scheduler().block(control);
  }
  if (word_of(control) != kDone) {
    word_of(control) = kRunning;
    initialise();
    word_of(control) = kDone;
    scheduler().wake(control, INT32_MAX);
  }
  return 0;
}

int __wrap_pthread_cond_clockwait(pthread_cond_t* condition,
                                  pthread_mutex_t* mutex,
                                  clockid_t,
                                  const timespec* deadline) {
  unlock(mutex);
  const nanoseconds left = duration_of(*deadline) - nanoseconds(scheduler().now_ns());
  if (left > nanoseconds::zero()) {
    scheduler().sleep(condition, left);
  }
  lock(mutex);
  return 0;
}

int __wrap_sched_yield() {
  scheduler().give_way();
  return 0;
}

int __wrap_nanosleep(const timespec* duration, timespec*) {
  scheduler().nap(duration_of(*duration));
  return 0;
}

// std::thread::_M_start_thread: a fiber, whose number + 1 is the thread's id.
void __wrap__ZNSt6thread15_M_start_threadESt10unique_ptrINS_6_StateESt14default_deleteIS1_EEPFvvE(
    std::thread* thread, std::unique_ptr<std::thread::_State>* state, void (*)()) {
  const std::shared_ptr<std::thread::_State> body = std::move(*state);
  const pthread_t id = scheduler().start("thread", [body] { body->_M_run(); }) + 1;
  static_assert(sizeof(id) == sizeof(*thread));
  std::memcpy(static_cast<void*>(thread), &id, sizeof(id));
}

// std::thread::join
void __wrap__ZNSt6thread4joinEv(std::thread* thread) {
  pthread_t id = 0;
  std::memcpy(&id, static_cast<void*>(thread), sizeof(id));
  scheduler().join(static_cast<std::uint32_t>(id - 1));
  id = 0;
  std::memcpy(static_cast<void*>(thread), &id, sizeof(id));
}

// std::condition_variable::notify_all
void __wrap__ZNSt18condition_variable10notify_allEv(std::condition_variable* condition) {
  scheduler().wake(condition->native_handle(), INT32_MAX);
}

// std::chrono::steady_clock::now
std::chrono::steady_clock::time_point __wrap__ZNSt6chrono3_V212steady_clock3nowEv() {
  return std::chrono::steady_clock::time_point(nanoseconds(scheduler().now_ns()));
}

// std::chrono::system_clock::now
std::chrono::system_clock::time_point __wrap__ZNSt6chrono3_V212system_clock3nowEv() {
  constexpr std::chrono::hours kSinceEpoch{500'000};
  return std::chrono::system_clock::time_point(kSinceEpoch + nanoseconds(scheduler().now_ns()));
}

// std::random_device::_M_getval
unsigned __wrap__ZNSt13random_device9_M_getvalEv(std::random_device*) {
  return static_cast<unsigned>(
      laneway::engine::mix64(static_cast<std::uint64_t>(scheduler().now_ns())));
}

int __wrap_mkdir(const char*, mode_t) {
  return 0;
}

int __wrap_statfs(const char*, struct statfs* about) {
  *about = {};
  return 0;
}

}  // extern "C"
