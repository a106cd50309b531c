// Typed<T>: values in, values out.
#include <laneway/typed.hpp>

#include "tests/api/manual_engine.hpp"

#include <functional>

namespace laneway::api_test {
namespace {

struct Reading {
  std::uint32_t sensor;
  double celsius;
};

// No default constructor, not plain: it needs its codec.
struct Order {
  explicit Order(std::string customer_named) : customer(std::move(customer_named)) {}
  std::string customer;
};

struct OrderCodec {
  static void encode(const Order& order, std::string& to) { to = "order:" + order.customer; }
  static std::optional<Order> decode(Bytes payload) {
    constexpr std::string_view kMark = "order:";
    if (payload.text().substr(0, kMark.size()) != kMark) {
      return std::nullopt;
    }
    return Order(std::string(payload.text().substr(kMark.size())));
  }
};

// Plain, and without a default constructor.
struct Ticket {
  explicit Ticket(int number_given) : number(number_given) {}
  int number;
};

using TypedQueue = ManualEngine;

TEST_F(TypedQueue, plain_data_arrives_as_it_was_published) {
  Typed<Reading> readings(open());
  Consumer consumer = *readings.queue().consumer();
  ASSERT_TRUE(
      readings.publish({.sensor = 7, .celsius = 21.5}, {.key = "seven", .type = "reading"}));

  Lease job = receive_one(consumer);
  const Result<Reading> reading = Typed<Reading>::read(job.payload());
  ASSERT_TRUE(reading);
  EXPECT_EQ(reading->sensor, 7u);
  EXPECT_EQ(reading->celsius, 21.5);
  EXPECT_EQ(job.key(), "seven");
  EXPECT_EQ(job.type(), "reading");
}

TEST_F(TypedQueue, plain_data_needs_no_default_constructor) {
  Typed<Ticket> tickets(open());
  Consumer consumer = *tickets.queue().consumer();
  ASSERT_TRUE(tickets.publish(Ticket(42)));
  EXPECT_EQ(Typed<Ticket>::read(receive_one(consumer).payload())->number, 42);
}

TEST_F(TypedQueue, a_codec_stands_between_a_value_and_its_bytes) {
  Typed<Order, OrderCodec> orders(open());
  Consumer consumer = *orders.queue().consumer();
  ASSERT_TRUE(orders.publish(Order("ada")));

  Lease job = receive_one(consumer);
  EXPECT_EQ(job.payload().text(), "order:ada");
  EXPECT_EQ((Typed<Order, OrderCodec>::read(job.payload())->customer), "ada");
}

TEST_F(TypedQueue, bytes_of_another_size_are_no_value) {
  EXPECT_EQ(code_of(Typed<Reading>::read("short")), Errc::invalid_argument);
  EXPECT_EQ(code_of(Typed<Reading>::read(std::string(sizeof(Reading) + 1, 'x'))),
            Errc::invalid_argument);
  EXPECT_EQ(code_of(Typed<Reading>::read(std::string(sizeof(Reading), 'x'))), kOk);
}

TEST_F(TypedQueue, what_a_codec_does_not_know_is_no_value) {
  EXPECT_EQ(code_of(Typed<Order, OrderCodec>::read("invoice:ada")), Errc::invalid_argument);
}

TEST_F(TypedQueue, a_refused_publish_says_why) {
  Typed<Order, OrderCodec> orders(open({.payload_bytes_max = 8}));
  EXPECT_EQ(code_of(orders.publish(Order("somebody"))), Errc::too_large);
}

TEST_F(TypedQueue, a_handler_gets_values_and_rejects_what_holds_none) {
  std::vector<std::string> seen;
  const auto handle =
      Typed<Order, OrderCodec>::handler([&seen](const Order& order, const MessageView& message) {
        seen.push_back(order.customer + " for " + std::string(message.key));
        return Outcome::retry("busy");
      });
  const std::function<Outcome(const MessageView&)> call = handle;  // as a WorkerPool keeps it
  MessageView message{};
  message.key = "k";
  message.payload = "order:ada";
  EXPECT_EQ(call(message).kind(), Outcome::Kind::retry);
  message.payload = "invoice";
  EXPECT_EQ(call(message).kind(), Outcome::Kind::reject);
  EXPECT_EQ(seen, std::vector<std::string>{"ada for k"});
}

}  // namespace
}  // namespace laneway::api_test
