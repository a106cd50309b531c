// beanstalkd over the loopback, without its log: put, reserve, delete. In batches the commands of a
// batch are sent together, as its protocol allows.
#pragma once

#include "bench/harness/subject.hpp"
#include "bench/peers/server.hpp"

#include <array>
#include <charconv>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <string>
#include <string_view>

namespace laneway::bench {

class Beanstalkd {
 public:
  using OverTheWire = void;
  static constexpr const char* kProgram = "beanstalkd";
  static constexpr Guarantees kGuarantees{"FIFO", "no", "pipelined", "yes, timer at 1 s"};
  static constexpr OrderPromise kOrder = OrderPromise::none;

  explicit Beanstalkd(const Shape&)
      : server_(server_program(kProgram), {"-l", "127.0.0.1", "-p", "{port}"}) {}

  class Producer {
   public:
    explicit Producer(std::uint16_t port) : connection_(port) {}
    void publish(std::span<const KeyedElement> elements, Waiter&) {
      for (const KeyedElement& element : elements) {
        connection_.write("put 0 0 30 72\r\n");
        connection_.write({reinterpret_cast<const char*>(&element), sizeof element});
        connection_.write("\r\n");
      }
      connection_.flush();
      for (std::size_t i = 0; i < elements.size(); ++i) {
        expect(connection_.line(), "INSERTED ");
      }
    }

   private:
    Connection connection_;
  };

  class Consumer {
   public:
    explicit Consumer(std::uint16_t port) : connection_(port) {}
    std::size_t consume(std::size_t max, Verifier& verifier) {
      for (std::size_t i = 0; i < max; ++i) {
        connection_.write("reserve-with-timeout 0\r\n");
      }
      connection_.flush();
      std::size_t count = 0;
      for (std::size_t i = 0; i < max; ++i) {
        const std::string_view answer = connection_.line();
        if (answer == "TIMED_OUT") {
          continue;
        }
        expect(answer, "RESERVED ");
        ids_[count] = answer.substr(9, answer.find(' ', 9) - 9);
        const std::string_view bytes = connection_.block(sizeof(KeyedElement));
        std::memcpy(&elements_[count++], bytes.data(), bytes.size());
      }
      verify_elements(std::span<const KeyedElement>(elements_.data(), count), verifier);
      acknowledge(count);
      return count;
    }

   private:
    void acknowledge(std::size_t count) {
      for (std::size_t i = 0; i < count; ++i) {
        connection_.write("delete " + ids_[i] + "\r\n");
      }
      connection_.flush();
      for (std::size_t i = 0; i < count; ++i) {
        expect(connection_.line(), "DELETED");
      }
    }

    Connection connection_;
    std::array<KeyedElement, kBatchMax> elements_;
    std::array<std::string, kBatchMax> ids_;
  };

  Producer producer(std::uint32_t) { return Producer(server_.port()); }
  Consumer consumer(std::uint32_t) { return Consumer(server_.port()); }

 private:
  static void expect(std::string_view answer, std::string_view beginning) {
    if (answer.substr(0, beginning.size()) != beginning) {
      std::fprintf(stderr, "beanstalkd: %.*s\n", static_cast<int>(answer.size()), answer.data());
      std::exit(2);
    }
  }

  Server server_;
};

}  // namespace laneway::bench
