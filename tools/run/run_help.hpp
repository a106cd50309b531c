// The texts of `laneway run --help` that stand around the list of options.
#pragma once

namespace laneway::tools {

inline constexpr const char* kRunDescription =
    R"(Works on a stream of records in parallel, each key in order, with retries and dead letters.

  laneway run [OPTIONS] -- COMMAND [ARGUMENT]...
  laneway run [OPTIONS] --handler NAME

The command runs once for each record: no shell in between. In its arguments {} stands for the
record, {key}, {attempt} and {id} for what they say; without {} the record comes on its standard
input, followed by the separator. It also finds LANEWAY_KEY, LANEWAY_ATTEMPT, LANEWAY_ID and
LANEWAY_FENCE in its environment. Exit 0 acknowledges the record, a code of --reject-codes makes it
a dead letter at once, anything else is tried again after a back-off. Records of one key are worked
on one at a time and in the order of the input, also while they fail.

Its standard output is passed on when it ends, whole, also that of failed attempts; from 1 MiB on it
goes straight through, and others wait. What it leaves running in the background is not waited for.

With --each-worker the command runs once for each worker, reads one record a line, and answers each
with one line at once: ok, retry [REASON] or reject [REASON].

Built-in handlers:
  count           counts the records of each key and prints the most frequent ones
  echo            prints the record
  verify          checks that each key's records come in exactly the input's order, every one at
                  least once, and never two of a key at the same time
  sleep:DURATION  takes that long
  fail            fails always: shows what dead letters look like

Durations have a unit: 200ms, 2s, 5m, 1h. Sizes may have one: 64k, 2m.)";

inline constexpr const char* kRunFooter =
    R"(Examples:
  laneway run --input access.log --key 1 --handler count
      who sent how many requests
  laneway run --input orders.jsonl --key /customer/id --dead-letters dead.jsonl -- ./import
      each customer's orders one after the other, many customers at once
  find . -name '*.png' -print0 | laneway run -0 --timeout 1m --reject-codes 1 -- optipng -quiet {}
      no key, no order; a minute for each; exit 1 is not tried again
  tail -f app.log | laneway run --key 'user=([a-z0-9]+)' --attempts 8 --backoff 1s:1m -- ./notify
      for ever; Ctrl-C finishes what was read

Exit status:
  0    every record was acknowledged
  1    something is a dead letter, or was refused (too long, --strict-key)
  2    a mistake in the options, or a file or command that cannot be used
  3    the handler verify found a mistake
  130  interrupted with work left; the report says how to go on

Ctrl-C or SIGTERM once: reads no more, finishes what it can within --grace. Twice: stops the
commands and leaves.)";

}  // namespace laneway::tools
