#include "tests/simulation/world.hpp"

#include <cstring>

namespace laneway::simulation {

namespace {

constexpr int kDedupIdsMax = 20;

}  // namespace

using check::Event;
using check::Kind;
using std::chrono::milliseconds;

// The number, then bytes that follow from it and from the place.
std::string World::payload_of(std::uint64_t message, std::size_t size) const {
  std::string payload(std::max(size, sizeof message), '\0');
  std::memcpy(payload.data(), &message, sizeof message);
  for (std::size_t i = sizeof message; i < payload.size(); ++i) {
    payload[i] = static_cast<char>(message * 31 + i);
  }
  return payload;
}

const std::string& World::key_name(std::uint64_t key) {
  static const std::vector<std::string> kKeys = [] {
    std::vector<std::string> keys;
    for (int i = 0; i <= 100; ++i) {
      // Some do not fit a slot.
      keys.push_back("key-" + std::to_string(i) + (i % 10 == 3 ? std::string(30, 'x') : ""));
    }
    return keys;
  }();
  return kKeys[key];
}

// The views in the answer live in sent_, until the next message is drawn, and in this table.
Message World::draw_message(Random& random, Event* event) {
  static const std::vector<std::string> kDedupIds = [] {
    std::vector<std::string> ids{""};
    for (int i = 1; i <= kDedupIdsMax; ++i) {
      ids.push_back("dedup-" + std::to_string(i));
    }
    return ids;
  }();
  Message message;
  Sent sent;
  sent.key = random.percent(plan_.unkeyed) ? 0 : random.between(1, plan_.keys);
  if (random.percent(plan_.with_dedup)) {
    sent.dedup = random.between(1, kDedupIdsMax);
    sent.key = sent.dedup % 3 == 0 ? 0 : 1 + sent.dedup % plan_.keys;  // always the same
  }
  sent.durability = plan_.options.durability;
  if (random.percent(plan_.own_durability)) {
    sent.durability = static_cast<Durability>(random.below(3));
    message.durability = sent.durability;
  }
  sent.may_be_over = plan_.options.overflow == Overflow::drop_oldest;
  const std::uint64_t number = sent_.size();
  sent.payload = payload_of(
      number, random.percent(plan_.outside) ? random.between(65, 250) : random.between(8, 64));
  sent_.push_back(std::move(sent));
  message.key = sent_.back().key == 0 ? std::string_view() : key_name(sent_.back().key);
  event->message = number;
  event->key = sent_.back().key;
  event->lease = sent_.back().dedup;
  message.dedup_id = kDedupIds[sent_.back().dedup];
  if (plan_.options.priorities || plan_.options.high_watermark != 0) {
    message.priority = static_cast<std::int32_t>(random.below(4));
  }
  if (random.percent(plan_.delayed)) {
    message.delay = milliseconds(random.between(1, 30));
    event->due_ns = not_before(event->began_ns, message.delay);
  }
  if (random.percent(plan_.with_ttl)) {
    message.ttl = milliseconds(random.between(1, 60));
    event->until_ns = not_before(event->began_ns, message.ttl);
    sent_.back().may_be_over = true;
  }
  if (random.percent(plan_.own_attempts)) {
    message.attempts_max = static_cast<std::uint32_t>(random.between(1, 4));
    event->attempt = message.attempts_max;
  }
  return message;
}

void World::publish(Random& random) {
  if (plan_.with_dedup != 0) {
    publish_batch(random);  // which tells duplicates
    return;
  }
  Event event = recorder_.begin(Kind::publish);
  Message message = draw_message(random, &event);
  message.payload = sent_[event.message].payload;
  // Another fiber may publish meanwhile, and sent_ grow: the bytes must stay where they are.
  const std::string payload = sent_[event.message].payload;
  message.payload = payload;
  const bool ticket = disk_ && random.percent(20);
  publishing_ += 1;
  const Result<MessageId> id = ticket ? queue_->publish_async(message) : queue_->publish(message);
  publishing_ -= 1;
  recorder_.finish(&event);
  const bool sync = sent_[event.message].durability == Durability::sync && id;
  if (ticket && sync) {
    const Result<bool> told = queue_->wait_durable(*id, milliseconds(random.below(10)));
    sent_[event.message].durable = told && *told && !recorder_.stopped();
    sent_[event.message].ticket = true;
  } else if (sync) {
    sent_[event.message].durable = !recorder_.stopped();
  }
  write_published(event, id ? Published{*id} : Published{{}, id.error().code});
}

void World::write_published(check::Event event, const Published& published) {
  if (recorder_.stopped()) {
    event.answer = check::Answer::unknown;
  } else if (published.refused == Errc::journal_full) {
    event.answer = check::Answer::unknown;  // counted, perhaps, and cancelled
    sent_[event.message].taken_back = true;
  } else if (!published.accepted()) {
    event.answer = answer_of(published.refused);
  } else if (published.duplicate) {
    event.answer = check::Answer::duplicate;
    duplicates_.emplace_back(event.message, published.id.value);
  } else {
    sent_[event.message].id = sent_[event.message].told = published.id;
    if (!by_id_.insert({published.id.value, event.message}).second) {
      scheduler_.fail("S1 no invention: an id was given twice");
    }
  }
  // When the journal fails it is taken back, and nobody is told.
  const Sent& sent = sent_[event.message];
  const bool told = event.answer == check::Answer::ok;
  const bool untold = sent.ticket && !sent.durable;
  event.answer = told && untold ? check::Answer::unknown : event.answer;
  sent_[event.message].in_doubt = event.answer == check::Answer::unknown;
  recorder_.write(event);
}

void World::publish_batch(Random& random) {
  const std::size_t size = random.between(1, plan_.batch_max);
  std::vector<Event> events;
  std::vector<Message> messages;
  std::deque<std::string> payloads;
  const Event call = recorder_.begin(Kind::publish);
  for (std::size_t i = 0; i < size; ++i) {
    events.push_back(call);
    events.back().index = static_cast<std::uint32_t>(i);
    messages.push_back(draw_message(random, &events.back()));
    payloads.push_back(sent_.back().payload);
    messages.back().payload = payloads.back();
  }
  std::vector<Published> results(size);
  publishing_ += 1;
  const Result<std::size_t> taken = queue_->publish(messages, results);
  publishing_ -= 1;
  Event returned = call;
  recorder_.finish(&returned);
  for (std::size_t i = 0; i < size; ++i) {
    events[i].returned = returned.returned;
    events[i].ended_ns = returned.ended_ns;
    write_published(events[i], taken ? results[i] : Published{{}, taken.error().code});
  }
}

}  // namespace laneway::simulation
