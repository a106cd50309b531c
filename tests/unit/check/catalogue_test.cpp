// The judge, judged: for each invariant two histories that break it and must be rejected by its
// name, and one that looks like them and is legal.
#include "tools/check/check.hpp"
#include "tools/check/history_text.hpp"

#include <gtest/gtest.h>

#include <set>
#include <sstream>
#include <string>
#include <string_view>

namespace laneway::check {
namespace {

struct Entry {
  const char* name;
  unsigned invariant;
  bool holds;
  const char* lines;
};

constexpr Entry kCatalogue[] = {
    {"a_message_that_nobody_published", 1, false, "grant 1 2 message=1 lease=1 attempt=1\n"},
    {"other_bytes_than_were_published", 1, false,
     "publish 1 2 message=1\n"
     "grant 3 4 message=1 lease=1 attempt=1 answer=damaged\n"},
    {"granted_before_its_publish_returned", 1, true,
     "publish 1 9 message=1\n"
     "grant 2 4 message=1 lease=1 attempt=1\n"},

    {"accepted_and_gone", 2, false,
     "publish 1 2 message=1\n"
     "over 5 6\n"},
    {"granted_after_its_ack", 2, false,
     "publish 1 2 message=1\n"
     "grant 3 4 message=1 lease=1 attempt=1 until=50\n"
     "settle 5 6 lease=1 verb=ack\n"
     "grant 7 8 message=1 lease=2 attempt=2 ended=90\n"},
    {"refused_and_gone", 2, true,
     "publish 1 2 message=1 answer=full\n"
     "over 5 6\n"},

    {"two_acks_that_both_count", 3, false,
     "publish 1 2 message=1\n"
     "grant 3 4 message=1 lease=1 attempt=1\n"
     "settle 5 6 lease=1 verb=ack\n"
     "settle 7 8 lease=1 verb=ack\n"},
    {"lost_long_before_its_deadline", 3, false,
     "publish 1 2 message=1\n"
     "grant 3 4 message=1 lease=1 attempt=1 until=1000\n"
     "settle 5 6 lease=1 verb=ack answer=lost ended=10\n"},
    {"a_late_ack_that_is_refused", 3, true,
     "publish 1 2 message=1\n"
     "grant 3 4 message=1 lease=1 attempt=1 until=1000\n"
     "grant 5 6 message=1 lease=2 attempt=2 ended=1001\n"
     "settle 7 8 lease=1 verb=ack answer=lost ended=1002\n"
     "settle 9 10 lease=2 verb=ack ended=1003\n"},

    {"a_nack_that_is_not_counted", 4, false,
     "publish 1 2 message=1\n"
     "grant 3 4 message=1 lease=1 attempt=1\n"
     "settle 5 6 lease=1 verb=nack\n"
     "grant 7 8 message=1 lease=2 attempt=1\n"},
    {"a_release_that_is_counted", 4, false,
     "publish 1 2 message=1\n"
     "grant 3 4 message=1 lease=1 attempt=1\n"
     "settle 5 6 lease=1 verb=release\n"
     "grant 7 8 message=1 lease=2 attempt=2\n"},
    {"a_drain_takes_back_uncounted", 4, true,
     "publish 1 2 message=1\n"
     "grant 3 4 message=1 lease=1 attempt=1 until=1000\n"
     "revoke 5 6\n"
     "grant 7 8 message=1 lease=2 attempt=1 ended=7\n"},

    {"an_old_lease_settled_after_a_new_grant", 5, false,
     "publish 1 2 message=1\n"
     "grant 3 4 message=1 lease=1 attempt=1 until=10\n"
     "grant 5 6 message=1 lease=2 attempt=2 ended=20\n"
     "settle 7 8 lease=1 verb=nack ended=21\n"},
    {"a_zombie_that_sees_a_strangers_bytes", 5, false,
     "publish 1 2 message=1\n"
     "grant 3 4 message=1 lease=1 attempt=1 until=10\n"
     "settle 9 10 lease=1 verb=drop answer=damaged ended=30\n"},
    {"a_settle_that_overlaps_the_next_grant", 5, true,
     "publish 1 2 message=1\n"
     "grant 3 4 message=1 lease=1 attempt=1 until=10\n"
     "settle 5 9 lease=1 verb=nack ended=11\n"
     "grant 6 8 message=1 lease=2 attempt=2 ended=11\n"},

    {"delivered_during_its_delay", 6, false,
     "publish 1 2 message=1 due=100\n"
     "grant 3 4 message=1 lease=1 attempt=1 ended=99\n"},
    {"expired_before_its_deadline", 6, false,
     "publish 1 2 message=1\n"
     "grant 3 4 message=1 lease=1 attempt=1 until=100\n"
     "grant 5 6 message=1 lease=2 attempt=2 ended=50\n"},
    {"delivered_when_it_is_due", 6, true,
     "publish 1 2 message=1 due=100\n"
     "grant 3 4 message=1 lease=1 attempt=1 ended=100\n"},

    {"the_second_of_a_key_first", 7, false,
     "publish 1 2 message=1 key=7\n"
     "publish 3 4 message=2 key=7\n"
     "grant 5 6 message=2 key=7 lease=1 attempt=1\n"
     "settle 7 8 lease=1 verb=ack\n"
     "grant 9 10 message=1 key=7 lease=2 attempt=1\n"},
    {"a_batch_out_of_its_order", 7, false,
     "publish 1 2 message=1 key=7 index=0\n"
     "publish 1 2 message=2 key=7 index=1\n"
     "grant 5 6 message=2 key=7 lease=1 attempt=1\n"},
    {"overlapping_publishes_in_either_order", 7, true,
     "publish 1 4 message=1 key=7\n"
     "publish 2 3 message=2 key=7\n"
     "grant 5 6 message=2 key=7 lease=1 attempt=1\n"
     "settle 7 8 lease=1 verb=ack\n"
     "grant 9 10 message=1 key=7 lease=2 attempt=1\n"},

    {"two_leases_of_a_key_at_once", 8, false,
     "publish 1 5 message=1 key=7\n"
     "publish 2 6 message=2 key=7\n"
     "grant 7 8 message=1 key=7 lease=1 attempt=1 until=50\n"
     "grant 9 10 message=2 key=7 lease=2 attempt=1 until=50\n"
     "settle 11 12 lease=1 verb=ack\n"},
    {"a_key_granted_while_its_lease_goes_on", 8, false,
     "publish 1 5 message=1 key=7\n"
     "publish 2 6 message=2 key=7\n"
     "grant 7 8 message=1 key=7 lease=1 attempt=1 until=50\n"
     "grant 9 10 message=2 key=7 lease=2 attempt=1 ended=10\n"},
    {"two_messages_of_a_key_in_one_run", 8, true,
     "publish 1 2 message=1 key=7\n"
     "publish 3 4 message=2 key=7\n"
     "grant 5 6 message=1 key=7 lease=1 attempt=1 index=0 until=50\n"
     "grant 5 6 message=2 key=7 lease=1 attempt=1 index=1 until=50\n"
     "settle 7 8 lease=1 verb=ack\n"},

    {"a_later_message_passes_a_failed_one", 9, false,
     "queue attempts=5\n"
     "publish 1 5 message=1 key=7\n"
     "publish 2 6 message=2 key=7\n"
     "grant 7 8 message=1 key=7 lease=1 attempt=1\n"
     "settle 9 10 lease=1 verb=nack\n"
     "grant 11 12 message=2 key=7 lease=2 attempt=1\n"
     "settle 13 14 lease=2 verb=ack\n"
     "grant 15 16 message=1 key=7 lease=3 attempt=2\n"},
    {"a_later_message_passes_an_expired_one", 9, false,
     "queue attempts=5\n"
     "publish 1 5 message=1 key=7\n"
     "publish 2 6 message=2 key=7\n"
     "grant 7 8 message=1 key=7 lease=1 attempt=1 until=10\n"
     "grant 11 12 message=2 key=7 lease=2 attempt=1 ended=20\n"
     "settle 13 14 lease=2 verb=ack ended=20\n"
     "grant 15 16 message=1 key=7 lease=3 attempt=2 ended=20\n"},
    {"a_failed_one_passed_under_detach", 9, true,
     "queue attempts=5 hold=no\n"
     "publish 1 5 message=1 key=7\n"
     "publish 2 6 message=2 key=7\n"
     "grant 7 8 message=1 key=7 lease=1 attempt=1\n"
     "settle 9 10 lease=1 verb=nack\n"
     "grant 11 12 message=2 key=7 lease=2 attempt=1\n"
     "settle 13 14 lease=2 verb=ack\n"
     "grant 15 16 message=1 key=7 lease=3 attempt=2\n"},

    {"one_token_for_two_grants", 10, false,
     "publish 1 2 message=1\n"
     "publish 3 4 message=2\n"
     "grant 5 6 message=1 lease=1 attempt=1\n"
     "grant 7 8 message=2 lease=1 attempt=1\n"},
    {"a_token_that_falls", 10, false,
     "publish 1 2 message=1 key=7\n"
     "publish 3 4 message=2 key=7\n"
     "grant 5 6 message=1 key=7 lease=2 attempt=1\n"
     "settle 7 8 lease=2 verb=ack\n"
     "grant 9 10 message=2 key=7 lease=1 attempt=1\n"},
    {"tokens_of_overlapping_receives", 10, true,
     "publish 1 2 message=1\n"
     "publish 3 4 message=2\n"
     "grant 5 8 message=1 lease=2 attempt=1\n"
     "grant 6 7 message=2 lease=1 attempt=1\n"},

    {"stats_that_do_not_add_up", 11, false,
     "publish 1 2 message=1\n"
     "stats 3 4 accepted=1\n"},
    {"stats_that_miss_a_publish", 11, false,
     "publish 1 2 message=1\n"
     "stats 3 4 accepted=0\n"},
    {"stats_beside_a_publish", 11, true,
     "publish 1 6 message=1\n"
     "stats 3 4 accepted=0\n"},

    {"empty_beside_a_waiting_message", 12, false,
     "publish 1 2 message=1\n"
     "receive 3 4\n"
     "grant 5 6 message=1 lease=1 attempt=1\n"},
    {"empty_although_its_key_was_free", 12, false,
     "publish 1 2 message=1 key=7\n"
     "publish 3 4 message=2 key=7\n"
     "grant 5 6 message=1 key=7 lease=1 attempt=1\n"
     "settle 7 8 lease=1 verb=ack\n"
     "receive 9 10\n"
     "grant 11 12 message=2 key=7 lease=2 attempt=1\n"},
    {"empty_beside_a_skipped_shard", 12, true,
     "publish 1 2 message=1\n"
     "receive 3 4 skipped=1\n"
     "grant 5 6 message=1 lease=1 attempt=1\n"},

    {"dead_with_attempts_left", 13, false,
     "queue attempts=3\n"
     "publish 1 2 message=1\n"
     "grant 3 4 message=1 lease=1 attempt=1\n"
     "settle 5 6 lease=1 verb=nack\n"
     "end 7 8 message=1 state=dead\n"},
    {"granted_after_a_reject", 13, false,
     "queue attempts=3\n"
     "publish 1 2 message=1\n"
     "grant 3 4 message=1 lease=1 attempt=1\n"
     "settle 5 6 lease=1 verb=reject\n"
     "grant 7 8 message=1 lease=2 attempt=2\n"},
    {"granted_after_a_replay", 13, true,
     "queue attempts=3\n"
     "publish 1 2 message=1\n"
     "grant 3 4 message=1 lease=1 attempt=1\n"
     "settle 5 6 lease=1 verb=reject\n"
     "replay 7 8 message=1\n"
     "grant 9 10 message=1 lease=2 attempt=1\n"},

    {"more_than_the_capacity", 14, false,
     "queue capacity=1\n"
     "publish 1 2 message=1\n"
     "publish 3 4 message=2\n"
     "over 5 6\n"
     "end 7 8 message=1 state=left\n"
     "end 9 10 message=2 state=left\n"},
    {"full_and_nothing_in_it", 14, false,
     "queue capacity=2\n"
     "publish 1 2 message=1\n"
     "publish 3 4 message=2 answer=full\n"},
    {"full_as_nobody_has_looked_at_the_ack", 14, true,
     "queue capacity=1\n"
     "publish 1 2 message=1\n"
     "grant 3 4 message=1 lease=1 attempt=1\n"
     "settle 5 6 lease=1 verb=ack\n"
     "publish 7 8 message=2 answer=full\n"},

    {"a_receiver_that_sleeps_through_a_publish", 15, false,
     "queue patience=10\n"
     "receive 1 9 wait=100 ended=100\n"
     "publish 2 3 message=1 ended=5\n"
     "grant 10 11 message=1 lease=1 attempt=1 ended=101\n"},
    {"a_receiver_that_sleeps_through_an_ack", 15, false,
     "queue patience=10\n"
     "publish 1 2 message=1 key=7\n"
     "publish 3 4 message=2 key=7\n"
     "grant 5 6 message=1 key=7 lease=1 attempt=1\n"
     "receive 7 12 wait=100 ended=100\n"
     "settle 8 9 lease=1 verb=ack ended=5\n"
     "grant 13 14 message=2 key=7 lease=2 attempt=1 ended=101\n"},
    {"a_receiver_that_is_woken_by_its_timeout", 15, false,
     "queue patience=10\n"
     "receive 1 9 got=1 wait=100 ended=100\n"
     "publish 2 3 message=1 ended=5\n"
     "grant 1 9 message=1 lease=1 attempt=1 ended=100\n"},
    {"a_receiver_that_sleeps_while_consuming_is_paused", 15, true,
     "queue patience=10\n"
     "pause 1 2\n"
     "receive 3 9 wait=100 ended=100\n"
     "publish 4 5 message=1 ended=5\n"
     "resume 10 11\n"
     "grant 12 13 message=1 lease=1 attempt=1 ended=101\n"},
};

// The same for what the line `queue` can ask for.
constexpr Entry kByRule[] = {
    {"granted_behind_a_dead_letter_that_holds_its_key", 7, false,
     "queue attempts=1 dead_hold=yes\n"
     "publish 1 2 message=1 key=7\n"
     "publish 3 4 message=2 key=7\n"
     "grant 5 6 message=1 key=7 lease=1 attempt=1\n"
     "settle 7 8 lease=1 verb=reject\n"
     "grant 9 10 message=2 key=7 lease=2 attempt=1\n"},
    {"granted_before_a_replayed_dead_letter_that_holds_its_key", 7, false,
     "queue attempts=1 dead_hold=yes\n"
     "publish 1 2 message=1 key=7\n"
     "publish 3 4 message=2 key=7\n"
     "grant 5 6 message=1 key=7 lease=1 attempt=1\n"
     "settle 7 8 lease=1 verb=reject\n"
     "replay 9 10 message=1\n"
     "grant 11 12 message=2 key=7 lease=2 attempt=1\n"
     "settle 13 14 lease=2 verb=ack\n"
     "grant 15 16 message=1 key=7 lease=3 attempt=1\n"
     "settle 17 18 lease=3 verb=ack\n"},
    {"granted_after_its_key_was_released", 7, true,
     "queue attempts=1 dead_hold=yes\n"
     "publish 1 2 message=1 key=7\n"
     "publish 3 4 message=2 key=7\n"
     "grant 5 6 message=1 key=7 lease=1 attempt=1\n"
     "settle 7 8 lease=1 verb=reject\n"
     "release_key 9 10 key=7\n"
     "grant 11 12 message=2 key=7 lease=2 attempt=1\n"},
    {"in_one_run_with_the_replayed_letter_that_held_its_key", 7, true,
     "queue attempts=1 dead_hold=yes\n"
     "publish 1 2 message=1 key=7\n"
     "publish 3 4 message=2 key=7\n"
     "grant 5 6 message=1 key=7 lease=1 attempt=1\n"
     "settle 7 8 lease=1 verb=reject\n"
     "replay 9 10 message=1\n"
     "grant 11 12 message=1 key=7 lease=2 attempt=1\n"
     "grant 11 12 message=2 key=7 lease=2 attempt=1 index=1\n"},
    {"dead_without_a_delivery_in_a_key_that_diverts", 13, true,
     "queue attempts=1 dead_divert=yes\n"
     "publish 1 2 message=1 key=7\n"
     "publish 3 4 message=2 key=7\n"
     "grant 5 6 message=1 key=7 lease=1 attempt=1\n"
     "settle 7 8 lease=1 verb=reject\n"
     "end 9 10 message=2 state=dead\n"},
    {"diverted_without_a_key", 13, false,
     "queue attempts=1 dead_divert=yes\n"
     "publish 1 2 message=1\n"
     "end 9 10 message=1 state=dead\n"},
    {"replayed_after_it_was_diverted_behind_a_newer_one", 7, true,
     "queue attempts=1 dead_divert=yes\n"
     "publish 1 2 message=1 key=7\n"
     "publish 3 4 message=2 key=7\n"
     "grant 5 6 message=1 key=7 lease=1 attempt=1\n"
     "settle 7 8 lease=1 verb=reject\n"
     "release_key 9 10 key=7\n"
     "publish 11 12 message=3 key=7\n"
     "grant 13 14 message=3 key=7 lease=2 attempt=1\n"
     "settle 15 16 lease=2 verb=ack\n"
     "replay 17 18 message=2\n"
     "grant 19 20 message=2 key=7 lease=3 attempt=1\n"},
    {"dropped_and_passed_by_untold", 7, true,
     "queue drops=yes\n"
     "publish 1 2 message=1 key=7\n"
     "publish 3 4 message=2 key=7\n"
     "grant 5 6 message=2 key=7 lease=1 attempt=1\n"},
    {"more_leases_out_than_allowed", 14, false,
     "queue in_flight=1\n"
     "publish 1 2 message=1\n"
     "publish 3 4 message=2\n"
     "grant 5 6 message=1 lease=1 attempt=1\n"
     "grant 7 8 message=2 lease=2 attempt=1\n"
     "settle 9 10 lease=1 verb=ack\n"
     "settle 11 12 lease=2 verb=ack\n"},
    {"a_lease_granted_while_the_last_one_is_settled", 14, true,
     "queue in_flight=1\n"
     "publish 1 2 message=1\n"
     "publish 3 4 message=2\n"
     "grant 5 6 message=1 lease=1 attempt=1\n"
     "settle 7 10 lease=1 verb=ack\n"
     "grant 8 9 message=2 lease=2 attempt=1\n"
     "settle 11 12 lease=2 verb=ack\n"},
    {"a_key_with_more_messages_than_it_may_have", 14, false,
     "queue key_capacity=1\n"
     "publish 1 2 message=1 key=7\n"
     "publish 3 4 message=2 key=7\n"
     "grant 5 6 message=1 key=7 lease=1 attempt=1\n"
     "settle 7 8 lease=1 verb=ack\n"
     "grant 9 10 message=2 key=7 lease=2 attempt=1\n"},
    {"two_keys_with_as_many_messages_as_they_may_have", 14, true,
     "queue key_capacity=1\n"
     "publish 1 2 message=1 key=7\n"
     "publish 3 4 message=2 key=8\n"
     "grant 5 6 message=1 key=7 lease=1 attempt=1\n"
     "grant 7 8 message=2 key=8 lease=2 attempt=1\n"},
    {"more_than_the_capacity_beside_unseen_leases", 14, false,
     "queue capacity=1 all_grants=no unseen=1\n"
     "publish 1 2 message=1\n"
     "publish 3 4 message=2\n"
     "over 5 6\n"
     "end 7 8 message=1 state=left\n"
     "end 9 10 message=2 state=left\n"},
    {"full_and_hardly_anything_in_it_beside_unseen_leases", 14, false,
     "queue capacity=4 all_grants=no unseen=2\n"
     "publish 1 2 message=1\n"
     "grant 3 4 message=1 lease=1 attempt=1\n"
     "settle 5 6 lease=1 verb=ack answer=unknown\n"
     "end 7 8 message=1 state=completed\n"
     "stats 9 10 accepted=1 gone=1\n"
     "publish 11 12 message=2 answer=full\n"},
    {"full_as_unseen_leases_may_hold_all_of_it", 14, true,
     "queue capacity=4 all_grants=no unseen=4\n"
     "publish 1 2 message=1\n"
     "grant 3 4 message=1 lease=1 attempt=1\n"
     "settle 5 6 lease=1 verb=ack answer=unknown\n"
     "end 7 8 message=1 state=completed\n"
     "stats 9 10 accepted=1 gone=1\n"
     "publish 11 12 message=2 answer=full\n"},
    {"a_key_with_more_messages_than_it_may_have_beside_unseen_leases", 14, false,
     "queue key_capacity=1 all_grants=no\n"
     "publish 1 2 message=1 key=7\n"
     "publish 3 4 message=2 key=7\n"
     "grant 5 6 message=1 key=7 lease=1 attempt=1\n"
     "grant 7 8 message=2 key=7 lease=2 attempt=1\n"},
    {"more_than_the_rate_lets_through", 14, false,
     "queue rate=10 burst=2\n"
     "publish 1 2 message=1\n"
     "publish 3 4 message=2\n"
     "publish 5 6 message=3\n"
     "publish 7 8 message=4\n"
     "grant 9 10 message=1 lease=1 attempt=1 began=100 ended=100\n"
     "grant 11 12 message=2 lease=2 attempt=1 began=100 ended=101\n"
     "grant 13 14 message=3 lease=3 attempt=1 began=110 ended=110\n"
     "grant 15 16 message=4 lease=4 attempt=1 began=119 ended=119\n"},
    {"more_of_a_run_than_the_rate_lets_through", 14, false,
     "queue rate=10\n"
     "publish 1 2 message=1 key=7\n"
     "publish 3 4 message=2 key=7\n"
     "grant 5 6 message=1 key=7 lease=1 attempt=1 began=100 ended=109\n"
     "grant 5 6 message=2 key=7 lease=1 attempt=1 index=1 began=100 ended=109\n"},
    {"a_burst_and_then_as_many_as_the_rate_lets_through", 14, true,
     "queue rate=10 burst=2\n"
     "publish 1 2 message=1\n"
     "publish 3 4 message=2\n"
     "publish 5 6 message=3\n"
     "publish 7 8 message=4\n"
     "publish 9 10 message=5\n"
     "grant 11 12 message=1 lease=1 attempt=1 began=100 ended=100\n"
     "grant 13 14 message=2 lease=2 attempt=1 began=100 ended=101\n"
     "grant 15 16 message=3 lease=3 attempt=1 began=110 ended=110\n"
     "grant 17 18 message=4 lease=4 attempt=1 began=120 ended=120\n"
     "grant 12 19 message=5 lease=5 attempt=1 began=90 ended=125\n"},
    {"two_of_a_dedup_id_accepted", 2, false,
     "queue dedup=10\n"
     "publish 1 2 message=1 dedup=5 began=100 ended=100\n"
     "publish 3 4 message=2 dedup=5 began=109 ended=109\n"},
    {"a_duplicate_of_none", 2, false,
     "queue dedup=10\n"
     "publish 1 2 message=1 dedup=5 began=100 ended=100\n"
     "publish 3 4 message=2 dedup=5 began=111 ended=111 answer=duplicate\n"},
    {"a_duplicate_granted", 2, false,
     "queue dedup=10\n"
     "publish 1 2 message=1 dedup=5 began=100 ended=100\n"
     "publish 3 4 message=2 dedup=5 began=109 ended=109 answer=duplicate\n"
     "grant 5 6 message=2 lease=1 attempt=1\n"},
    {"a_dedup_id_again_when_it_is_forgotten", 2, true,
     "queue dedup=10\n"
     "publish 1 2 message=1 dedup=5 began=100 ended=100\n"
     "publish 3 4 message=2 dedup=5 began=105 ended=105 answer=duplicate\n"
     "publish 5 6 message=3 dedup=5 began=111 ended=111\n"},
};

// Legal histories of simulated runs that the judge once took for broken, cut down.
constexpr Entry kOnceRejected[] = {
    {"rejected_after_its_cancel_was_asked_which_lets_its_key_go", 7, true,
     "queue attempts=3 dead_hold=yes\n"
     "publish 1 2 message=1 key=7\n"
     "publish 3 4 message=2 key=7\n"
     "grant 5 6 message=1 key=7 lease=1 attempt=1\n"
     "end 7 8 message=1 state=cancelled answer=unknown\n"
     "settle 9 10 lease=1 verb=reject\n"
     "grant 11 12 message=2 key=7 lease=2 attempt=1\n"},
    {"died_by_a_dropped_lease_and_still_there_after_a_replay", 7, true,
     "queue attempts=1\n"
     "publish 1 2 message=1 key=7\n"
     "publish 3 4 message=2 key=7\n"
     "grant 5 6 message=1 key=7 lease=1 attempt=1\n"
     "settle 7 8 lease=1 verb=drop answer=unknown\n"
     "grant 9 10 message=2 key=7 lease=2 attempt=1\n"
     "end 11 12 message=1 state=dead\n"
     "replay 13 14 message=1\n"
     "end 15 16 message=1 state=left\n"},
    {"a_replay_of_all_runs_while_the_message_dies_again", 13, true,
     "queue attempts=3\n"
     "publish 1 2 message=1\n"
     "grant 3 4 message=1 lease=1 attempt=1\n"
     "settle 5 6 lease=1 verb=reject\n"
     "replay 7 8 message=1\n"
     "replay 9 20 index=1\n"
     "grant 10 12 message=1 lease=2 attempt=1\n"
     "settle 13 14 lease=2 verb=reject\n"
     "grant 15 16 message=1 lease=3 attempt=1\n"},
    {"given_back_by_a_drain_after_a_replay_of_others", 7, true,
     "queue attempts=5 all_grants=no\n"
     "publish 1 2 message=1 key=7 due=50\n"
     "replay 3 4 index=1\n"
     "publish 5 6 message=2 key=7\n"
     "grant 1 8 message=2 key=7 lease=1 attempt=1 ended=60\n"
     "grant 1 8 message=1 key=7 lease=1 attempt=1 index=1 ended=60\n"
     "settle 8 12 lease=1 verb=ack index=1 answer=unknown\n"
     "revoke 9 10\n"
     "grant 13 14 message=1 key=7 lease=2 attempt=1 ended=70\n"},
    {"detached_by_a_lease_that_nobody_wrote_down", 7, true,
     "queue attempts=3 hold=no all_grants=no\n"
     "publish 1 2 message=1 key=7\n"
     "publish 3 4 message=2 key=7\n"
     "grant 5 6 message=2 key=7 lease=2 attempt=1\n"
     "grant 5 6 message=1 key=7 lease=3 attempt=2\n"
     "settle 7 8 lease=3 verb=ack\n"},
    {"full_as_a_revoked_lease_pins_what_was_completed", 14, true,
     "queue capacity=1 attempts=1\n"
     "publish 1 2 message=1\n"
     "grant 3 4 message=1 lease=1 attempt=1 until=1000\n"
     "replay 5 6\n"
     "revoke 7 8\n"
     "grant 9 10 message=1 lease=2 attempt=1\n"
     "settle 11 12 lease=2 verb=ack\n"
     "stats 13 14 accepted=1 gone=1\n"
     "publish 15 16 message=2 answer=full\n"
     "settle 17 18 lease=1 verb=drop answer=unknown\n"},
    {"dead_and_replayed_unseen_while_another_is_held", 14, true,
     "queue capacity=1 all_grants=no unseen=1\n"
     "publish 1 2 message=1\n"
     "grant 3 4 message=1 lease=1 attempt=1\n"
     "settle 5 6 lease=1 verb=reject answer=unknown\n"
     "end 7 8 message=1 state=dead\n"
     "publish 9 10 message=2\n"
     "grant 11 12 message=2 lease=2 attempt=1\n"
     "settle 13 14 lease=2 verb=ack\n"
     "replay 15 16 message=1\n"
     "grant 17 18 message=1 lease=4 attempt=2\n"
     "settle 19 20 lease=4 verb=ack\n"
     "over 21 22\n"},
    {"the_first_of_a_run_acknowledged_and_still_held", 2, true,
     "publish 1 2 message=1 key=7\n"
     "publish 3 4 message=2 key=7\n"
     "grant 5 6 message=1 key=7 lease=1 attempt=1 until=50\n"
     "grant 5 6 message=2 key=7 lease=1 attempt=1 index=1 until=50\n"
     "settle 7 8 lease=1 verb=ack index=1\n"
     "end 9 10 message=1 state=left\n"
     "settle 11 12 lease=1 verb=ack\n"},
    {"asleep_until_just_after_a_cancel_set_the_key_free", 15, true,
     "queue patience=10\n"
     "publish 1 2 message=1 key=7 due=1000 ended=80\n"
     "publish 3 4 message=2 key=7 ended=81\n"
     "receive 5 9 wait=100 began=82 ended=100\n"
     "end 6 7 message=1 state=cancelled began=95 ended=95\n"
     "grant 10 11 message=2 key=7 lease=1 attempt=1 began=101 ended=101\n"},
};

std::string history_of(std::string_view lines) {
  std::string text = kFirstLine;
  return text.append("\n").append(lines).append("\n");
}

class Catalogue : public testing::TestWithParam<Entry> {};

TEST_P(Catalogue, is_judged_by_the_right_invariant) {
  const Entry& entry = GetParam();
  std::istringstream text(history_of(entry.lines));
  History history;
  std::string why;
  ASSERT_TRUE(read_history(text, &history, &why)) << why;
  const Report report = check(history);
  if (entry.holds) {
    EXPECT_TRUE(report.holds()) << invariant_name(report.violations.front().invariant) << ": "
                                << report.violations.front().text;
    return;
  }
  std::set<unsigned> named;
  for (const Violation& violation : report.violations) {
    named.insert(violation.invariant);
    EXPECT_FALSE(violation.events.empty());
  }
  EXPECT_TRUE(named.contains(entry.invariant)) << "it is accepted, or rejected for another reason";
}

std::string name_of(const testing::TestParamInfo<Entry>& entry) {
  std::string name = "S";
  name.append(std::to_string(entry.param.invariant));
  name.append(entry.param.holds ? "_holds_" : "_broken_");
  return name.append(entry.param.name);
}

INSTANTIATE_TEST_SUITE_P(histories, Catalogue, testing::ValuesIn(kCatalogue), name_of);
INSTANTIATE_TEST_SUITE_P(by_rule, Catalogue, testing::ValuesIn(kByRule), name_of);
INSTANTIATE_TEST_SUITE_P(once_rejected, Catalogue, testing::ValuesIn(kOnceRejected), name_of);

TEST(Catalogue, has_two_broken_histories_and_a_legal_one_of_each_invariant) {
  for (unsigned invariant = 1; invariant <= kInvariants; ++invariant) {
    int broken = 0;
    int legal = 0;
    for (const Entry& entry : kCatalogue) {
      broken += entry.invariant == invariant && !entry.holds ? 1 : 0;
      legal += entry.invariant == invariant && entry.holds ? 1 : 0;
    }
    EXPECT_GE(broken, 2) << "S" << invariant;
    EXPECT_EQ(legal, 1) << "S" << invariant;
  }
}

TEST(HistoryText, an_event_reads_as_it_was_written) {
  Event event;
  event.kind = Kind::settle;
  event.verb = Verb::extend;
  event.answer = Answer::lost;
  event.thread = 3;
  event.invoke = 17;
  event.returned = 18;
  event.lease = 99;
  event.until_ns = 5'000;
  std::istringstream text(history_of("# a comment\n\n" + event_line(event)));
  History history;
  std::string why;
  ASSERT_TRUE(read_history(text, &history, &why)) << why;
  ASSERT_EQ(history.events.size(), 1u);
  EXPECT_EQ(event_line(history.events[0]), event_line(event));
}

TEST(HistoryText, rules_read_as_they_were_written) {
  Rules rules;
  rules.by_key = false;
  rules.capacity = 17;
  rules.patience_ns = 4;
  std::istringstream text(history_of(rules_line(rules)));
  History history;
  std::string why;
  ASSERT_TRUE(read_history(text, &history, &why)) << why;
  EXPECT_EQ(rules_line(history.rules), rules_line(rules));
}

TEST(HistoryText, what_cannot_be_read_is_told_with_its_line) {
  for (const char* line :
       {"publish 1", "publish 2 1 message=1", "publsh 1 2", "grant 1 2 message=x",
        "grant 1 2 colour=3", "queue hold=perhaps", "settle 1 2 verb=nak"}) {
    std::istringstream text(history_of(line));
    History history;
    std::string why;
    EXPECT_FALSE(read_history(text, &history, &why)) << line;
    EXPECT_EQ(why.substr(0, 8), "line 2: ") << why;
  }
  std::istringstream other("publish 1 2\n");
  History history;
  std::string why;
  EXPECT_FALSE(read_history(other, &history, &why));
}

}  // namespace
}  // namespace laneway::check
