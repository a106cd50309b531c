// Producer: publishes singly and in batches until the round has had its operations.
#pragma once

#include "tests/history/recorder.hpp"
#include "tests/history/stage.hpp"

#include <array>
#include <thread>

namespace laneway::history {

class Producer {
 public:
  // Takes its messages' numbers from `numbers` on, `kParties` apart.
  Producer(Stage& stage, std::uint64_t seed, std::uint64_t* numbers, Recorder& recorder)
      : stage_(stage), random_(seed), number_(*numbers), recorder_(recorder) {}

  void run() {
    while (stage_.more()) {
      publish(random_() % 4 == 0 ? 1 + random_() % kBatch : 1);
    }
    stage_.producing.fetch_sub(1);
  }

  // As one call.
  void publish(std::size_t size) {
    for (std::size_t i = 0; i < size; ++i) {
      draw(i);
    }
    check::Event call = recorder_.begin(check::Kind::publish);
    if (size == 1) {
      const Result<MessageId> id = stage_.queue.publish(messages_[0]);
      results_[0] = id ? Published{*id, Errc{}, false} : Published{{}, id.error().code, false};
    } else {
      (void)stage_.queue.publish(std::span(messages_).first(size), results_);
    }
    recorder_.finish(&call);
    std::size_t taken = 0;
    for (std::size_t i = 0; i < size; ++i) {
      taken += write(call, i) ? 1 : 0;
    }
    stage_.did(taken);
    if (taken != size) {
      std::this_thread::yield();
    }
  }

 private:
  static constexpr std::size_t kBatch = 8;

  void draw(std::size_t i) {
    // The square of a uniform number: some keys are much more frequent than others.
    const double place = static_cast<double>(random_() % 10'000) / 10'000;
    const auto key = static_cast<std::uint64_t>(place * place * static_cast<double>(keys()));
    contents_[i] = {number_ += kParties, random_() % 16 == 0 || keys() == 0 ? 0 : key + 1};
    keys_[i] = contents_[i].key_text();
    payloads_[i] = contents_[i].payload();
    Message& message = messages_[i];
    message = {.key = keys_[i], .payload = payloads_[i]};
    if (stage_.shape.is_handoff()) {
      return;
    }
    const std::uint64_t dice = random_() % 256;
    message.delay = std::chrono::milliseconds(dice < 4 ? 1 + dice : 0);
    message.ttl = std::chrono::milliseconds(dice >= 4 && dice < 8 ? dice : 0);
    message.attempts_max = dice >= 8 && dice < 12 ? static_cast<std::uint32_t>(dice - 7) : 0;
    message.priority = stage_.shape.options.priorities ? static_cast<std::int32_t>(dice % 3) : 0;
  }
  std::uint64_t keys() const { return stage_.shape.keys; }

  bool write(const check::Event& call, std::size_t i) {
    const Message& message = messages_[i];
    check::Event event = call;
    event.message = contents_[i].message;
    event.key = stage_.shape.key_of(contents_[i].key);
    event.index = static_cast<std::uint32_t>(i);
    event.attempt = message.attempts_max;
    const auto after = [&call](std::chrono::nanoseconds span) {
      return span.count() == 0 ? 0 : call.began_ns + span.count();
    };
    event.due_ns = after(message.delay);
    event.until_ns = after(message.ttl);
    const Published& result = results_[i];
    event.answer = result.accepted() ? check::Answer::ok : answer_of(result.refused);
    recorder_.write(event, result.id);
    if (result.accepted()) {
      stage_.newest.store(result.id.value, std::memory_order_relaxed);
    }
    return result.accepted();
  }

  Stage& stage_;
  std::mt19937_64 random_;
  std::uint64_t& number_;
  Recorder& recorder_;
  std::array<Content, kBatch> contents_;
  std::array<std::string, kBatch> keys_;
  std::array<std::string, kBatch> payloads_;
  std::array<Message, kBatch> messages_;
  std::array<Published, kBatch> results_;
};

}  // namespace laneway::history
