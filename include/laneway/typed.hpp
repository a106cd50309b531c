// Typed<T>: a Queue whose payloads are values of one type.
//
//   struct Reading { std::uint32_t sensor; double celsius; };
//   laneway::Typed<Reading> readings(*engine.queue("readings"));
//   auto id = readings.publish({.sensor = 7, .celsius = 21.5}, {.key = "7"});
//
// Plain data needs nothing more. Any other type brings a codec, a class with two static functions:
//
//   struct OrderCodec {
//     static void encode(const Order& order, std::string& to);        // `to` comes empty
//     static std::optional<Order> decode(laneway::Bytes payload);     // nullopt: no order
//   };
//   laneway::Typed<Order, OrderCodec> orders(*engine.queue("orders"));
#pragma once

#include <laneway/lease.hpp>
#include <laneway/outcome.hpp>
#include <laneway/queue.hpp>

#include <array>
#include <bit>
#include <concepts>
#include <cstring>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

namespace laneway {

// A value that is nothing but its bytes. A pointer or a view is copied easily and points nowhere
// when it arrives; one inside a struct cannot be seen from here.
template <class T>
concept PlainData = std::is_trivially_copyable_v<T> && !std::is_pointer_v<T> &&
                    !std::ranges::enable_borrowed_range<T> && !std::same_as<T, Bytes>;

template <class Codec, class T>
concept CodecFor = requires(const T& value, std::string& to, Bytes payload) {
  Codec::encode(value, to);
  { Codec::decode(payload) } -> std::same_as<std::optional<T>>;
};

// A handle like Queue: copy it freely; every verb from any thread, as far as the codec's functions
// may be called from any thread. It adds nothing to the bytes and looks at no type name: a queue
// holds values of one type when everybody who publishes into it means that type.
template <class T, class Codec = void>
class Typed {
  static_assert(
      CodecFor<Codec, T> || (std::is_void_v<Codec> && PlainData<T>),
      "laneway::Typed<T> takes plain data (trivially copyable, neither pointer nor view); for any "
      "other T write Typed<T, Codec>, where Codec has static functions encode(const T&, "
      "std::string&) and decode(Bytes) -> std::optional<T>");

 public:
  explicit Typed(Queue queue) noexcept : queue_(std::move(queue)) {}

  Queue& queue() noexcept { return queue_; }

  // As Queue::publish, with the value in the place of options.payload. Plain data is copied once,
  // straight into the queue; a codec fills a string first.
  Result<MessageId> publish(const T& value, Message options = {}) {
    std::string text;
    if constexpr (std::is_void_v<Codec>) {
      options.payload = Bytes(&value, sizeof(T));
    } else {
      Codec::encode(value, text);
      options.payload = text;
    }
    return queue_.publish(options);
  }

  // The value that a payload holds. invalid_argument: it holds none of this type.
  static Result<T> read(Bytes payload) {
    if constexpr (std::is_void_v<Codec>) {
      if (payload.size() == sizeof(T)) {
        std::array<std::byte, sizeof(T)> bytes;
        std::memcpy(bytes.data(), payload.data(), sizeof(T));
        return std::bit_cast<T>(bytes);
      }
    } else if (std::optional<T> value = Codec::decode(payload)) {
      return *std::move(value);
    }
    return {Errc::invalid_argument, "the payload holds no value of this type"};
  }

  // For WorkerPool::start: calls handle(const T&, const MessageView&) -> Outcome. A payload that
  // holds no T is rejected: no retry would mend it.
  template <class Handle>
  static auto handler(Handle handle) {
    return [handle = std::move(handle)](const MessageView& message) mutable -> Outcome {
      const Result<T> value = read(message.payload);
      return value ? handle(*value, message) : Outcome::reject(value.error().detail);
    };
  }

 private:
  Queue queue_;
};

}  // namespace laneway
