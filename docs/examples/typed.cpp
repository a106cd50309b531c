#include <laneway/engine.hpp>
#include <laneway/typed.hpp>

#include <cstdio>

using namespace std::chrono_literals;

namespace {

// [types]
struct Reading {  // plain data: its bytes are the payload
  std::uint32_t sensor;
  double celsius;
};

struct Order {  // anything else brings a codec
  std::string customer;
  std::uint32_t cents = 0;
};

struct OrderCodec {
  static void encode(const Order& order, std::string& to) {
    to = std::to_string(order.cents) + ' ' + order.customer;
  }
  static std::optional<Order> decode(laneway::Bytes payload) {
    const std::string text(payload.text());
    const std::size_t space = text.find(' ');
    const bool number = space > 0 && text.find_first_not_of("0123456789") == space;
    if (!number || space > 9) {
      return std::nullopt;
    }
    return Order{text.substr(space + 1), static_cast<std::uint32_t>(std::stoul(text))};
  }
};
// [types]

}  // namespace

int main() {
  laneway::Engine engine = *laneway::Engine::open();
  // [use]
  laneway::Typed<Reading> readings(*engine.queue("readings"));
  laneway::Typed<Order, OrderCodec> orders(*engine.queue("orders"));
  (void)readings.publish({.sensor = 7, .celsius = 21.5}, {.key = "sensor-7"});
  (void)orders.publish({.customer = "ada", .cents = 1250}, {.key = "ada"});

  laneway::Consumer consumer = *orders.queue().consumer();
  for (laneway::Lease& job : *consumer.receive({.max = 8, .wait = 1s})) {
    if (const laneway::Result<Order> order = orders.read(job.payload())) {
      std::printf("%s pays %u cents\n", order->customer.c_str(), order->cents);
      (void)job.ack();
    } else {
      (void)job.reject({.error = order.error().detail});
    }
  }
  // [use]
  return orders.queue().stats()->acked == 1 ? 0 : 1;
}
