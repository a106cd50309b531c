#include <laneway/engine.hpp>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <set>
#include <string>

using namespace std::chrono_literals;

// [ledger]
// Stands for a database. One transaction checks, writes, and remembers what it has done.
class Ledger {
 public:
  enum class Answer { applied, applied_before, too_late };

  Answer add(const laneway::MessageView& payment, int amount) {
    Account& account = accounts_[std::string(payment.key)];
    if (payment.fence < account.fence) {
      return Answer::too_late;  // somebody with a newer lease of this key has been here
    }
    account.fence = payment.fence;
    if (!account.applied.insert(payment.id.value).second) {
      return Answer::applied_before;  // an earlier delivery got this far, and its ack did not
    }
    account.balance += amount;
    return Answer::applied;
  }
  int balance(const std::string& key) { return accounts_[key].balance; }

 private:
  struct Account {
    int balance = 0;
    std::uint64_t fence = 0;          // the highest seen
    std::set<std::uint64_t> applied;  // ids of messages; a database would forget old ones
  };
  std::map<std::string, Account> accounts_;
};
// [ledger]

int main() {
  laneway::Engine engine = *laneway::Engine::open();
  // [publish]
  laneway::Queue payments = *engine.queue("payments", {.dedup_window = 10min});
  const laneway::Message payment{.key = "account-7", .payload = "100", .dedup_id = "order-4711"};
  const auto first = payments.publish(payment);
  const auto again = payments.publish(payment);  // the caller did not see the first answer
  std::printf("%s\n", *first == *again ? "one payment" : "two payments");
  // [publish]

  // [work]
  Ledger ledger;
  laneway::Consumer consumer = *payments.consumer();
  for (int delivery = 1; delivery <= 2; ++delivery) {
    for (laneway::Lease& lease : *consumer.receive({.max = 1, .wait = 1s})) {
      const std::string amount(lease.payload().text());
      (void)ledger.add(lease.message(), std::atoi(amount.c_str()));
      // The first worker does the work and dies before it can say so.
      (void)(delivery == 1 ? lease.nack({.after = 0ms}) : lease.ack());
    }
  }
  std::printf("balance %d\n", ledger.balance("account-7"));
  // [work]
  return *first == *again && ledger.balance("account-7") == 100 ? 0 : 1;
}
