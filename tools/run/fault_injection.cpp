#include "tools/run/fault_injection.hpp"

namespace laneway::tools {

namespace {

// The finalizer of SplitMix64: Steele, Lea, Flood, "Fast Splittable Pseudorandom Number
// Generators", OOPSLA 2014.
std::uint64_t mix(std::uint64_t value) {
  value += 0x9e3779b97f4a7c15u;
  value = (value ^ value >> 30u) * 0xbf58476d1ce4e5b9u;
  value = (value ^ value >> 27u) * 0x94d049bb133111ebu;
  return value ^ value >> 31u;
}

class FaultyHandler final : public Handler {
 public:
  FaultyHandler(std::unique_ptr<Handler> inner, FaultShares shares, std::uint64_t seed)
      : inner_(std::move(inner)), shares_(shares), seed_(seed) {}

  Verdict handle(const Delivery& delivery, LeaseKeeper& lease) override {
    Verdict verdict = inner_->handle(delivery, lease);
    if (verdict.kind != Verdict::Kind::ack) {
      return verdict;
    }
    const double drawn = draw(seed_, delivery.number, delivery.attempt);
    if (drawn < shares_.fail) {
      return {.kind = Verdict::Kind::retry, .error = "failed on purpose", .error_class = 1};
    }
    if (drawn < shares_.fail + shares_.lose) {
      return {.kind = Verdict::Kind::lose};
    }
    return verdict;
  }

  void joining(std::string_view key, std::uint64_t number) override {
    inner_->joining(key, number);
  }
  void settling(const Delivery& delivery, Verdict::Kind kind) override {
    inner_->settling(delivery, kind);
  }
  void settled(const Delivery& delivery, Verdict::Kind kind, bool kept) override {
    inner_->settled(delivery, kind, kept);
  }
  HandlerSummary summary(bool complete) override { return inner_->summary(complete); }
  std::uint32_t batch() const override { return inner_->batch(); }

 private:
  std::unique_ptr<Handler> inner_;
  FaultShares shares_;
  std::uint64_t seed_;
};

}  // namespace

double draw(std::uint64_t seed, std::uint64_t number, std::uint32_t attempt) {
  const std::uint64_t bits = mix(mix(mix(seed) ^ number) ^ attempt);
  return static_cast<double>(bits >> 11u) * 0x1.0p-53;
}

std::unique_ptr<Handler> with_faults(std::unique_ptr<Handler> inner,
                                     FaultShares shares,
                                     std::uint64_t seed) {
  if (shares.fail <= 0 && shares.lose <= 0) {
    return inner;
  }
  return std::make_unique<FaultyHandler>(std::move(inner), shares, seed);
}

}  // namespace laneway::tools
