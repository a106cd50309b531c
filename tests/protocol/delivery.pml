/* The life of messages in one shard as a protocol: leases and their expiry, nack and reject, fencing,
 * the order of keys, dead letters. What the core does in one step is one atomic step here; what
 * threads interleave inside a step is in the Relacy models. A consumer may settle, or write to the
 * outside, long after its lease has expired (a zombie); one of them may stop for good.
 *
 * All messages are published in the beginning, in the order of their numbers. Rules are assertions;
 * each_message_ends, below, is the claim that work goes on.
 *
 *   -DAFTER_DEATH=CONTINUE|HOLD|DIVERT  what becomes of a key whose head died
 *   -DLIVENESS                          leaves out what has no part in the claim
 *   -DBROKEN_GENERATION, _ORDER, _FENCE, _EXPIRY, _ATTEMPTS
 *                                       leaves out a rule: a check must fail
 */
#define CONTINUE 0 /* the key goes on */
#define HOLD 1     /* the key waits for an operator */
#define DIVERT 2   /* the rest of the key follows its head */
#ifndef AFTER_DEATH
#define AFTER_DEATH CONTINUE
#endif

#define MESSAGES 3
#define KEYS 2
#define CONSUMERS 2
#define ATTEMPTS_MAX 3

#define key_of(m) ((m) % KEYS)

mtype = { ready, leased, retrying, completed, dead };

mtype state[MESSAGES] = ready;
byte attempts[MESSAGES]; /* grants so far, which is also the generation of the message's slot */
byte resolved;           /* messages that are completed or dead */
byte grants;             /* of all, the source of fencing tokens */
byte fence[KEYS];        /* last one granted */
byte written[KEYS];      /* the fence of the last write that the outside accepted */
bool held[KEYS];         /* by a dead letter */
bool diverted[KEYS];

inline resolve(m, how) {
  assert(state[m] != completed && state[m] != dead); /* S3: one winner */
  state[m] = how;
  resolved++;
}

/* The rest of a diverted key dies in order. */
inline die(m) {
  resolve(m, dead);
#if AFTER_DEATH == HOLD
  held[key_of(m)] = true;
#elif AFTER_DEATH == DIVERT
  diverted[key_of(m)] = true;
  other = m + KEYS;
  do
  :: other < MESSAGES ->
     assert(state[other] == ready && attempts[other] == 0); /* nobody has seen it yet */
     resolve(other, dead);
     other = other + KEYS
  :: else -> break
  od;
#endif
}

inline fail(m) {
  if
#ifndef BROKEN_ATTEMPTS
  :: attempts[m] == ATTEMPTS_MAX -> die(m)
#endif
  :: else -> state[m] = retrying
  fi
}

/* Is m the first of its key that is not resolved? */
inline look(m) {
  first = true;
  other = key_of(m);
  do
  :: other < m -> first = first && (state[other] == completed || state[other] == dead);
                  other = other + KEYS
  :: else -> break
  od
}

inline grant(m) {
  look(m);
  assert(first);                /* S7, S9: what was published earlier is over */
  assert(!held[key_of(m)]);     /* nobody passes a dead letter that holds its key */
  assert(!diverted[key_of(m)]);
  state[m] = leased;
  if
  :: attempts[m] < ATTEMPTS_MAX -> attempts[m]++
  :: else -> skip
  fi;
#ifdef BROKEN_FENCE
  my_fence = attempts[m];
#else
  grants++;
  my_fence = grants;
#endif
  assert(my_fence > fence[key_of(m)]); /* S10: rises from grant to grant of a key */
  fence[key_of(m)] = my_fence;
  mine = m;
  my_generation = attempts[m];
  holding = true
}

#ifdef BROKEN_GENERATION
#define lease_is_mine (state[mine] == leased)
#else
#define lease_is_mine (state[mine] == leased && attempts[mine] == my_generation)
#endif

#ifdef BROKEN_ORDER
#define may_go_first(m) (true)
#else
#define may_go_first(m) ((m) < KEYS || state[(m) - KEYS] == completed || state[(m) - KEYS] == dead)
#endif

proctype consumer(bool mortal) {
  byte mine, my_generation, my_fence, other, m;
  bool holding, first;
  do
  :: atomic {
       !holding && resolved < MESSAGES ->
       m = 0;
       do
       :: m < MESSAGES && state[m] == ready && may_go_first(m) && !held[key_of(m)] -> break
       :: m < MESSAGES && !(state[m] == ready && may_go_first(m) && !held[key_of(m)]) -> m++
       :: m == MESSAGES -> break
       od;
       if
       :: m < MESSAGES -> grant(m)
       :: else -> skip /* empty */
       fi;
       m = 0
     }
#ifndef LIVENESS /* which writes have no part in */
  :: atomic { /* a write that the outside refuses when it has seen a later fence */
       holding && my_fence > written[key_of(mine)] -> written[key_of(mine)] = my_fence
     }
#endif
  :: atomic { /* S10: the holder of the lease is never refused */
       holding && lease_is_mine -> assert(my_fence >= written[key_of(mine)]);
       if
       :: resolve(mine, completed) /* ack */
       :: fail(mine)               /* nack */
       :: die(mine)                /* reject */
       fi;
       holding = false; mine = 0; my_generation = 0; my_fence = 0; other = 0; first = false
     }
  :: atomic { /* any verb answers lease_lost and changes nothing */
       holding && !lease_is_mine ->
       holding = false; mine = 0; my_generation = 0; my_fence = 0; other = 0; first = false
     }
  :: holding && mortal -> break /* it will never be heard of again */
  :: !holding && resolved == MESSAGES -> break
  od
}

/* Time: a lease may end at any moment, a retry fall due at any other. */
#ifdef BROKEN_EXPIRY
#define expires(m) (false)
#else
#define expires(m) (state[m] == leased)
#endif
#define time_passes_for(m)                                          \
  :: atomic { expires(m) -> fail(m); other = 0 }                    \
  :: atomic { state[m] == retrying -> state[m] = ready }

proctype driver() {
  byte other;
  do
  time_passes_for(0)
  time_passes_for(1)
  time_passes_for(2)
  :: resolved == MESSAGES -> break
  od
}

proctype operator() {
  byte key;
  do
  :: atomic { held[0] -> held[0] = false }
  :: atomic { held[1] -> held[1] = false }
  :: resolved == MESSAGES && !held[0] && !held[1] -> break
  od
}

init {
  atomic {
    run consumer(false);
    run consumer(true);
    run driver();
#if AFTER_DEATH == HOLD
    run operator()
#endif
  }
}

/* S15: whatever consumers do, each message is over in the end. */
ltl each_message_ends { <> (resolved == MESSAGES) }
