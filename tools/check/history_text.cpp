#include "tools/check/history_text.hpp"

#include <array>
#include <charconv>
#include <cstddef>
#include <string_view>
#include <type_traits>

namespace laneway::check {

namespace {

constexpr std::array<std::string_view, kKinds> kKindNames = {
    "publish", "grant", "take",   "settle", "end",         "replay", "receive",
    "stats",   "pause", "resume", "revoke", "release_key", "over"};
constexpr std::array<std::string_view, kVerbs> kVerbNames = {"none",   "ack",    "nack", "release",
                                                             "reject", "extend", "drop"};
constexpr std::array<std::string_view, kAnswers> kAnswerNames = {
    "ok", "lost", "full", "refused", "closed", "unknown", "damaged", "duplicate"};
constexpr std::array<std::string_view, kStates> kStateNames = {
    "none", "completed", "dead", "expired", "cancelled", "discarded", "dropped", "left"};

template <class Number>
bool read_number(std::string_view text, Number* number) {
  const auto read = std::from_chars(text.data(), text.data() + text.size(), *number);
  return read.ec == std::errc() && read.ptr == text.data() + text.size();
}

template <class Enum, std::size_t N>
bool read_name(std::string_view text, const std::array<std::string_view, N>& names, Enum* value) {
  for (std::size_t i = 0; i < N; ++i) {
    if (names[i] == text) {
      *value = static_cast<Enum>(i);
      return true;
    }
  }
  return false;
}

// Calls see(name, member) for each number of an event. Some have another name in some kinds.
template <class AnyEvent, class See>
void each_number(AnyEvent& event, See see) {
  see("thread", event.thread);
  see("message", event.message);
  see("key", event.key);
  see("lease", event.lease);
  see("attempt", event.attempt);
  see("index", event.index);
  see("began", event.began_ns);
  see("ended", event.ended_ns);
  see("due", event.due_ns);
  see("until", event.until_ns);
}
std::string_view name_in(Kind kind, std::string_view name) {
  if (kind == Kind::stats) {
    return name == "message" ? "accepted"
           : name == "key"   ? "held"
           : name == "lease" ? "gone"
                             : name;
  }
  if (kind == Kind::publish) {
    return name == "lease" ? "dedup" : name;
  }
  if (kind == Kind::receive) {
    return name == "index" ? "got" : name == "key" ? "skipped" : name == "due" ? "wait" : name;
  }
  return name;
}

template <class AnyRules, class See>
void each_rule(AnyRules& rules, See see) {
  see("by_key", rules.by_key);
  see("hold", rules.hold);
  see("all_grants", rules.all_grants);
  see("unseen", rules.unseen);
  see("capacity", rules.capacity);
  see("shards", rules.shards);
  see("attempts", rules.attempts);
  see("patience", rules.patience_ns);
  see("drops", rules.drops);
  see("dead_hold", rules.dead_hold);
  see("dead_divert", rules.dead_divert);
  see("in_flight", rules.in_flight);
  see("key_capacity", rules.key_capacity);
  see("dedup", rules.dedup_ns);
  see("rate", rules.rate_ns);
  see("burst", rules.burst);
}

class LineReader {
 public:
  explicit LineReader(std::string_view line) : rest_(line) {}

  // Empty at the end.
  std::string_view word() {
    const std::size_t from = rest_.find_first_not_of(" \t\r");
    if (from == std::string_view::npos) {
      return {};
    }
    rest_.remove_prefix(from);
    const std::string_view found = rest_.substr(0, rest_.find_first_of(" \t\r"));
    rest_.remove_prefix(found.size());
    return found;
  }

 private:
  std::string_view rest_;
};

bool assign(Event* event, std::string_view name, std::string_view value) {
  if (name == "verb") {
    return read_name(value, kVerbNames, &event->verb);
  }
  if (name == "answer") {
    return read_name(value, kAnswerNames, &event->answer);
  }
  if (name == "state") {
    return read_name(value, kStateNames, &event->state);
  }
  bool assigned = false;
  each_number(*event, [&](std::string_view known, auto& member) {
    assigned = assigned || (name_in(event->kind, known) == name && read_number(value, &member));
  });
  return assigned;
}

bool assign(Rules* rules, std::string_view name, std::string_view value) {
  bool assigned = false;
  each_rule(*rules, [&](std::string_view known, auto& member) {
    if (known != name) {
      return;
    }
    if constexpr (std::is_same_v<decltype(member), bool&>) {
      assigned = value == "yes" || value == "no";
      member = value == "yes";
    } else {
      assigned = read_number(value, &member);
    }
  });
  return assigned;
}

// The words name=value up to the end of the line. What cannot be read, or nothing.
template <class Target>
std::string_view assign_all(LineReader* line, Target* target) {
  for (std::string_view word = line->word(); !word.empty(); word = line->word()) {
    const std::size_t equals = word.find('=');
    if (equals == std::string_view::npos ||
        !assign(target, word.substr(0, equals), word.substr(equals + 1))) {
      return word;
    }
  }
  return {};
}

std::string read_line(std::string_view text, History* history) {
  LineReader line(text);
  const std::string_view kind = line.word();
  if (kind.empty() || kind.front() == '#') {
    return {};
  }
  std::string_view wrong;
  if (kind == "queue") {
    wrong = assign_all(&line, &history->rules);
  } else {
    Event event;
    if (!read_name(kind, kKindNames, &event.kind)) {
      return "there is no event '" + std::string(kind) + "'";
    }
    if (!read_number(line.word(), &event.invoke) || !read_number(line.word(), &event.returned) ||
        event.returned < event.invoke) {
      return "after the event come the stamps of its call and of its return";
    }
    wrong = assign_all(&line, &event);
    history->events.push_back(event);
  }
  return wrong.empty() ? "" : "'" + std::string(wrong) + "' is not understood";
}

}  // namespace

std::string rules_line(const Rules& rules) {
  std::string line = "queue";
  each_rule(rules, [&](std::string_view name, const auto& member) {
    line.append(" ").append(name).append("=");
    if constexpr (std::is_same_v<decltype(member), const bool&>) {
      line += member ? "yes" : "no";
    } else {
      line += std::to_string(member);
    }
  });
  return line + "\n";
}

std::string event_line(const Event& event) {
  std::string line(kKindNames[static_cast<std::size_t>(event.kind)]);
  line.append(" ").append(std::to_string(event.invoke));
  line.append(" ").append(std::to_string(event.returned));
  if (event.verb != Verb::none) {
    line.append(" verb=").append(kVerbNames[static_cast<std::size_t>(event.verb)]);
  }
  if (event.state != State::none) {
    line.append(" state=").append(kStateNames[static_cast<std::size_t>(event.state)]);
  }
  if (event.answer != Answer::ok) {
    line.append(" answer=").append(kAnswerNames[static_cast<std::size_t>(event.answer)]);
  }
  each_number(event, [&](std::string_view name, const auto& member) {
    if (member != 0) {
      line.append(" ").append(name_in(event.kind, name)).append("=").append(std::to_string(member));
    }
  });
  return line + "\n";
}

bool read_history(std::istream& text, History* history, std::string* why) {
  std::string line;
  if (!std::getline(text, line) || line != kFirstLine) {
    *why = std::string("the first line is not '") + kFirstLine + "'";
    return false;
  }
  for (std::size_t number = 2; std::getline(text, line); ++number) {
    if (const std::string wrong = read_line(line, history); !wrong.empty()) {
      *why = "line " + std::to_string(number) + ": " + wrong;
      return false;
    }
  }
  return true;
}

}  // namespace laneway::check
