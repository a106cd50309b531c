#include "tools/journal/journal_command.hpp"

#include "engine/journal/journal.hpp"
#include "engine/journal/uring_storage.hpp"
#include "tools/journal/inspection.hpp"
#include "tools/journal/record_json.hpp"
#include "tools/journal/salvage.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <memory>
#include <random>

namespace laneway::journal_tool {

using engine::RecordView;
using tools::Json;

namespace {

struct Arguments {
  std::string directory;
  bool json = false;
  bool payloads = false;
  bool dry_run = false;
  bool salvage = false;
};

void print_line(std::string_view text) {
  fmt::print("{}\n", text);
}

std::string plain(const Json& value) {
  return value.is_string() ? value.get<std::string>() : value.dump();
}

// What --json would print, for people: a line for each member, one for each object of a list.
void print_text(const Json& json, const std::string& indent) {
  for (const auto& [name, value] : json.items()) {
    if (value.is_object() || (value.is_array() && !value.empty())) {
      print_line(fmt::format("{}{}:", indent, name));
    }
    if (value.is_object()) {
      print_text(value, indent + "  ");
    } else if (value.is_array()) {
      for (const Json& each : value) {
        std::string line;
        for (const auto& [member, content] : each.items()) {
          line += fmt::format("{}{} {}", line.empty() ? "" : ", ", member, plain(content));
        }
        print_line(fmt::format("{}  {}", indent, line));
      }
    } else {
      print_line(fmt::format("{}{}: {}", indent, name, plain(value)));
    }
  }
}

int answer(const Arguments& arguments, const Json& json, Verdict verdict) {
  if (arguments.json) {
    print_line(tools::json_line(json));
  } else {
    print_text(json, "");
  }
  return static_cast<int>(verdict);
}

int verify(const Arguments& arguments) {
  const auto found = inspect(arguments.directory);
  Json json = verdict_json(*found);
  if (found->verdict != Verdict::unreadable) {
    json["segments"] = segments_json(*found);
  }
  return answer(arguments, json, found->verdict);
}

int stat(const Arguments& arguments) {
  const auto found = inspect(arguments.directory);
  return answer(arguments, stat_json(*found), found->verdict);
}

class Dump final : public engine::RecordSink {
 public:
  explicit Dump(bool payloads) : payloads_(payloads) {}

  bool record(const RecordView& record) override {
    Json json = record_json(record, payloads_);
    json["file"] = file_;
    json["offset"] = offset_;
    json["epoch"] = epoch_;
    print_line(tools::json_line(json));
    return true;
  }
  bool batch(const engine::BatchHeader& header, std::uint64_t file_number) override {
    file_ = engine::segment_name(file_number);
    offset_ = header.offset;
    epoch_ = header.epoch;
    return true;
  }

 private:
  const bool payloads_;
  std::string file_;
  std::uint64_t offset_ = 0;  // of its batch
  std::uint32_t epoch_ = 0;
};

int dump(const Arguments& arguments) {
  Dump sink(arguments.payloads);
  const auto found = inspect(arguments.directory, &sink);
  if (found->verdict != Verdict::sound) {
    fmt::print(stderr, "laneway journal dump: {}\n", found->detail);
  }
  return static_cast<int>(found->verdict);
}

// As an engine opens it, but that nobody takes the messages.
Result<> open_and_close(const std::string& directory) {
  auto storage = engine::open_storage(directory, engine::StorageKind::posix);
  if (!storage) {
    return storage.error();
  }
  Census ignored;
  std::random_device device;
  const engine::JournalSettings settings{.seed = std::uint64_t{device()} << 32 | device()};
  const auto journal = engine::Journal::open(std::move(*storage), settings, ignored);
  return journal ? Result<>() : Result<>(journal.error());
}

Json recovery_json(const Inspection& inspection) {
  Json json = verdict_json(inspection);
  if (inspection.verdict != Verdict::unreadable) {
    json["queues"] = queues_json(inspection);
  }
  return json;
}

int refuse(const std::string& why) {
  fmt::print(stderr, "laneway journal: {}\n", why);
  return static_cast<int>(Verdict::unreadable);
}

int salvage_it(const Arguments& arguments,
               const Inspection& found,
               std::unique_ptr<engine::Storage> storage) {
  if (found.verdict != Verdict::corrupt) {
    return refuse("--salvage is for a corrupt journal, and this one is not: " + found.detail);
  }
  const std::string wrong = salvage(arguments.directory, *storage, found);
  if (!wrong.empty()) {
    return refuse(wrong);
  }
  Json json = recovery_json(found);
  json["done"] =
      "salvaged; the corrupt journal is kept as it was, in the directory of the same "
      "name and .corrupt";
  return answer(arguments, json, Verdict::sound);
}

int recover(const Arguments& arguments) {
  std::unique_ptr<engine::Storage> storage;
  const auto found = inspect(arguments.directory, nullptr, &storage);
  if (arguments.salvage) {
    return salvage_it(arguments, *found, std::move(storage));
  }
  Json json = recovery_json(*found);
  if (arguments.dry_run || found->verdict > Verdict::torn) {
    return answer(arguments, json, found->verdict);
  }
  storage.reset();
  if (const Result<> opened = open_and_close(arguments.directory); !opened) {
    return refuse(to_string(opened.error()));
  }
  json["done"] = "opened; what was torn is cut off";
  return answer(arguments, json, Verdict::sound);
}

}  // namespace

int journal_command(const std::vector<std::string>& given) {
  Arguments arguments;
  int (*command)(const Arguments&) = nullptr;
  CLI::App app("Looks at the journal of an engine that is not running, and repairs it.",
               "laneway journal");
  app.footer("Exit status: 0 sound, 1 torn tail, 2 corrupt, 3 not to be judged.");
  app.require_subcommand(1);
  const auto add = [&](const char* name, const char* help, int (*run)(const Arguments&)) {
    CLI::App* const added = app.add_subcommand(name, help);
    added->add_option("DIR", arguments.directory, "Directory of the journal")->required();
    added->callback([&command, run] { command = run; });
    return added;
  };
  const char* const json = "One line of JSON instead of text";
  add("verify", "Tells a sound journal, a torn tail and corruption apart", verify)
      ->add_flag("--json", arguments.json, json);
  add("stat", "What is in it, and how much", stat)->add_flag("--json", arguments.json, json);
  add("dump", "Every record as a line of JSON", dump)
      ->add_flag("--payloads", arguments.payloads, "With the payloads");
  CLI::App* const recovering =
      add("recover", "Opens it once as an engine would, which cuts a torn tail off", recover);
  recovering->add_flag("--json", arguments.json, json);
  CLI::Option* const dry = recovering->add_flag("--dry-run", arguments.dry_run,
                                                "Changes nothing: tells what would come back");
  recovering
      ->add_flag("--salvage", arguments.salvage,
                 "Of a corrupt one: makes a new journal of what can be read, keeps the old as "
                 "DIR.corrupt")
      ->excludes(dry);
  std::vector<std::string> last_first(given.rbegin(), given.rend());
  try {
    app.parse(last_first);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : static_cast<int>(Verdict::unreadable);
  }
  return command(arguments);
}

}  // namespace laneway::journal_tool
