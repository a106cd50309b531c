// What must not compile, and with which words: each WANT is one program. WANT 0 compiles.
#include <laneway/typed.hpp>

#include <string_view>

namespace {

struct Order {
  std::string customer;
};

struct HalfCodec {
  static void encode(const Order& order, std::string& to) { to = order.customer; }
};

struct OrderCodec : HalfCodec {
  static std::optional<Order> decode(laneway::Bytes payload) {
    return Order{std::string(payload.text())};
  }
};

}  // namespace

#if WANT == 0
template class laneway::Typed<Order, OrderCodec>;
template class laneway::Typed<double>;
#elif WANT == 1  // no plain data
template class laneway::Typed<Order>;
#elif WANT == 2  // copied easily, and dangling
template class laneway::Typed<std::string_view>;
#elif WANT == 3
template class laneway::Typed<const char*>;
#elif WANT == 4  // half a codec
template class laneway::Typed<Order, HalfCodec>;
#endif
