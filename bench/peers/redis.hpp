// Redis over the loopback, without persistence, as a reliable queue: LPUSH; LMOVE to a list of what
// is being worked on; LREM from it. No lease: what a dead worker held stays in that list. In
// batches the commands of a batch are sent together.
#pragma once

#include "bench/harness/subject.hpp"
#include "bench/peers/server.hpp"

#include <array>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

namespace laneway::bench {

class Redis {
 public:
  using OverTheWire = void;
  static constexpr const char* kProgram = "redis-server";
  static constexpr Guarantees kGuarantees{"FIFO", "no", "pipelined", "no"};
  static constexpr OrderPromise kOrder = OrderPromise::none;

  explicit Redis(const Shape&)
      : server_(server_program(kProgram),
                {"--bind", "127.0.0.1", "--port", "{port}", "--save", "", "--appendonly", "no"}) {}

  class Producer {
   public:
    explicit Producer(std::uint16_t port) : connection_(port) {}
    void publish(std::span<const KeyedElement> elements, Waiter&) {
      for (const KeyedElement& element : elements) {
        command(connection_, {"LPUSH", "ready", bytes_of(element)});
      }
      connection_.flush();
      for (std::size_t i = 0; i < elements.size(); ++i) {
        expect(connection_.line(), ':');
      }
    }

   private:
    Connection connection_;
  };

  class Consumer {
   public:
    Consumer(std::uint16_t port, std::uint32_t index)
        : connection_(port), mine_("worker-" + std::to_string(index)) {}
    std::size_t consume(std::size_t max, Verifier& verifier) {
      for (std::size_t i = 0; i < max; ++i) {
        command(connection_, {"LMOVE", "ready", mine_, "RIGHT", "LEFT"});
      }
      connection_.flush();
      std::size_t count = 0;
      for (std::size_t i = 0; i < max; ++i) {
        const std::string_view answer = connection_.line();
        expect(answer, '$');
        if (answer != "$-1") {
          const std::string_view bytes = connection_.block(sizeof(KeyedElement));
          std::memcpy(&elements_[count++], bytes.data(), bytes.size());
        }
      }
      verify_elements(std::span<const KeyedElement>(elements_.data(), count), verifier);
      acknowledge(count);
      return count;
    }

   private:
    void acknowledge(std::size_t count) {
      for (std::size_t i = 0; i < count; ++i) {
        command(connection_, {"LREM", mine_, "-1", bytes_of(elements_[i])});
      }
      connection_.flush();
      for (std::size_t i = 0; i < count; ++i) {
        expect(connection_.line(), ':');
      }
    }

    Connection connection_;
    std::string mine_;
    std::array<KeyedElement, kBatchMax> elements_;
  };

  Producer producer(std::uint32_t) { return Producer(server_.port()); }
  Consumer consumer(std::uint32_t index) { return Consumer(server_.port(), index); }

 private:
  static std::string_view bytes_of(const KeyedElement& element) {
    return {reinterpret_cast<const char*>(&element), sizeof element};
  }
  static void command(Connection& connection, std::initializer_list<std::string_view> words) {
    connection.write("*" + std::to_string(words.size()) + "\r\n");
    for (const std::string_view word : words) {
      connection.write("$" + std::to_string(word.size()) + "\r\n");
      connection.write(word);
      connection.write("\r\n");
    }
  }
  static void expect(std::string_view answer, char kind) {
    if (answer.empty() || answer[0] != kind) {
      std::fprintf(stderr, "redis: %.*s\n", static_cast<int>(answer.size()), answer.data());
      std::exit(2);
    }
  }

  Server server_;
};

}  // namespace laneway::bench
