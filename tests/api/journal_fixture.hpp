// A queue in an engine with a journal, in a directory of its own, with time by hand; and what the
// log said.
#pragma once

#include <laneway/clock.hpp>
#include <laneway/engine.hpp>

#include <gtest/gtest.h>
#include <stdlib.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace laneway {

class JournalLog final : public EngineObserver {
 public:
  void log(std::string_view line) noexcept override { lines.emplace_back(line); }
  void recovered(const JournalRecovery& found) noexcept override { recovery = found; }
  void committed(std::uint64_t durable_records) noexcept override { durable = durable_records; }
  bool says(std::string_view words) const {
    for (const std::string& line : lines) {
      if (line.find(words) != std::string::npos) {
        return true;
      }
    }
    return false;
  }

  std::vector<std::string> lines;
  JournalRecovery recovery;
  std::uint64_t durable = 0;
};

class JournalTest : public ::testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/laneway-journal-XXXXXX";
    directory_ = ::mkdtemp(name);
  }
  void TearDown() override {
    engine_.reset();
    std::filesystem::remove_all(directory_);
  }

  EngineOptions options() const {
    EngineOptions options;
    options.driver = DriverMode::manual;
    options.clock = clock_;
    options.journal.directory = directory_;
    options.observer = log_;
    options.journal.segment_bytes = 1 << 20;
#ifdef __SANITIZE_THREAD__
    options.journal.storage = JournalStorage::posix;
#endif
    return options;
  }
  static QueueOptions durable(Durability durability) {
    QueueOptions options;
    options.capacity = 1000;
    options.shards = 1;
    options.durability = durability;
    options.backoff.first = options.backoff.floor = options.backoff.cap =
        std::chrono::milliseconds(100);
    options.attempts_max = 3;
    return options;
  }

  void open(const QueueOptions& queue_options) {
    auto engine = Engine::open(options());
    ASSERT_TRUE(engine) << to_string(engine.error());
    engine_ = std::make_unique<Engine>(std::move(*engine));
    auto queue = engine_->queue("work", queue_options);
    ASSERT_TRUE(queue) << to_string(queue.error());
    queue_ = std::make_unique<Queue>(*queue);
    consumer_ = std::make_unique<Consumer>(*queue_->consumer());
  }
  void close() {
    consumer_.reset();
    queue_.reset();
    engine_.reset();
  }
  void reopen(const QueueOptions& queue_options) {
    close();
    open(queue_options);
  }
  // As if the process had ended a moment after all this: the journal is as it was, and nobody
  // settles or closes.
  void crash(const QueueOptions& queue_options) {
    ASSERT_TRUE(*engine_->flush());
    const std::string image = directory_ + ".image";
    std::filesystem::copy(directory_, image, std::filesystem::copy_options::recursive);
    close();
    std::filesystem::remove_all(directory_);
    std::filesystem::rename(image, directory_);
    open(queue_options);
  }
  LeaseBatch receive(std::uint32_t max = 64) {
    return *consumer_->receive({.max = max});
  }
  void pass(std::chrono::milliseconds time) {
    clock_->advance(time);
    ASSERT_TRUE(engine_->poll());
  }

  std::string directory_;
  std::shared_ptr<ManualClock> clock_ = std::make_shared<ManualClock>(std::chrono::hours(1));
  std::shared_ptr<JournalLog> log_ = std::make_shared<JournalLog>();
  std::unique_ptr<Engine> engine_;
  std::unique_ptr<Queue> queue_;
  std::unique_ptr<Consumer> consumer_;
};

}  // namespace laneway
