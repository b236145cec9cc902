/* SPDX-License-Identifier: MIT */
/* accept_loop - the accept loop of echo_mpserv and the world around it, for the
 * model checker SPIN. The server follows src/server/serve.cpp and events.cpp,
 * name by name; read these first.
 *
 * Nothing in the world runs out. Clients come again and again, CLIENTS of them
 * at a time; signals are sent again and again; any call may fail, once or for
 * ever. Time has no length: a moment lies ahead, or has passed, and may pass
 * whenever it lies ahead. That covers every load and every machine.
 *
 * The server takes two steps a turn: it waits, then it does all the rest. More
 * steps would show no more. Its signals are blocked, so the world sees only its
 * system calls; and what the world does between two of them would have had the
 * same effect just before the step, or will have it just after. Where this is
 * not so, the step lets the world move: in now_ms() and start_child().
 *
 * Left out: SIGUSR1, which makes the server reap as any signal does; the error
 * of one connection, which accept_from() passes over; children that the server
 * inherited; the journal.
 *
 * What must always hold is an assertion; the comment behind it is the name of
 * the property. What must happen in the end is an LTL formula, at the end of
 * this file. */

#define CLIENTS 3

/* ---- the world ---------------------------------------------------------- */

/* How many clients are not connected, wait in the backlog, are served by a
 * child, or have left a zombie behind. The server may have one more in hand. */
byte away = CLIENTS;
byte queued, served, zombies;

/* Pending: a second signal of a kind is lost. SIGKILL is for all children. */
bool sigchld, sigterm, sigkill;
#define deliverable (sigterm || (sigchld && !deferring)) /* in the wait */

mtype:moment = { ahead, passed };
mtype:moment accept_at = passed;
mtype:moment defer_until = passed;
mtype:moment phase_ends = ahead;
mtype:moment stop_ms = ahead; /* after phase_began */

mtype:phase = { serving, draining, ending, over };
mtype:phase phase = serving;
bool ended;

inline child_ends() {
    served--; zombies++;
    sigchld = true;
    printf("a child ends: SIGCHLD\n")
}

/* Children end when their clients leave; neither ever has to. */
active proctype clients() {
    do
    :: !ended /* nothing happens */
    :: atomic { away > 0 -> away--; queued++; printf("a client connects\n") }
    :: atomic { queued > 0 -> queued--; away++; printf("a client gives up\n") }
    :: atomic { served > 0 -> child_ends() }
    od
}

active proctype operator() {
    do
    :: !ended
    :: atomic { !sigterm -> sigterm = true; printf("SIGTERM is sent\n") }
    od
}

/* These must move, sooner or later: the kernel ends whom SIGKILL was sent to,
 * and each moment comes. The guards on `phase` only save states. */
active proctype kernel() {
    do :: atomic { sigkill && served > 0 -> child_ends() } od
}

active proctype pause_over() {
    do
    :: atomic { accept_at == ahead ->
           accept_at = passed; printf("accept_at has passed\n") }
    od
}

active proctype deferral_over() {
    do
    :: atomic { defer_until == ahead && phase == serving ->
           defer_until = passed; printf("defer_until has passed\n") }
    od
}

inline phase_passes() {
    phase_ends = passed; printf("phase_ends has passed\n")
}

active proctype phase_over() {
    do
    :: atomic { phase_ends == ahead && phase != serving -> phase_passes() }
    od
}

inline second_passes() {
    stop_ms = passed; printf("a second of the drain has passed\n")
}

active proctype second_over() {
    do
    :: atomic { stop_ms == ahead && phase == draining -> second_passes() }
    od
}

/* Kept for the properties. */
bool deaf;       /* the last look for signals left SIGTERM pending */
bool insisted;   /* a SIGTERM has come in that must end the grace period */
bool place_free; /* for its address, when the client in hand was accepted */
bool none_left;  /* reap() has found no zombie, or no more, in this turn */
bool failed;     /* a call has failed in this turn */
bool slept;      /* in this turn, for a while that is no moment of the above */

/* ---- the server --------------------------------------------------------- */

bool listener = true;
bool client; /* in hand: accepted, and not yet with a child */
byte live;   /* entries in the table of children */
byte limit, clients_per_address; /* they all have one address */
bool child_ended, stop_wanted;
bool ready;
bool wanted, deferring, looking, paused, now;

#define at_limit (live == limit)
#define over_limit (clients_per_address != 0 && live >= clients_per_address)
#define wants_client (listener && !client && accept_at == passed && !at_limit)
#define finished (phase == over || (live == 0 && !client && !listener))

/* Time may pass between handle_stop() and the looks that follow it. */
inline now_ms() {
    do
    :: phase != serving && phase_ends == ahead -> phase_passes()
    :: phase == draining && stop_ms == ahead -> second_passes()
    :: break
    od
}

inline try_later() {
    accept_at = ahead;
    failed = true;
    printf("try_later\n")
}

inline child_reaped() {
    live--;
    accept_at = passed;
    printf("child_reaped\n")
}

inline reap() {
    do
    :: zombies > 0 -> zombies--; away++; child_reaped()
    :: zombies == 0 -> child_ended = false; none_left = true; break
    :: child_ended = live > 0; failed = true; place_free = false;
       printf("waitpid fails\n"); break
    od
}

/* Any child may end before fork_child() has returned, the new one too. */
inline start_child() {
    if
    :: printf("fork fails\n"); try_later()
    :: printf("start_child\n");
       served++;
       client = false; accept_at = passed; live++;
       assert(served + zombies <= limit); /* limit */
       do :: served > 0 -> child_ends() :: break od;
       if :: at_limit -> reap() :: else fi
    fi
}

inline refuse() {
    printf("refuse\n");
    assert(!place_free); /* refusal */
    client = false; away++
}

inline close_listener() {
    listener = false;
    printf("close_listener\n")
}

inline begin_phase(next) {
    phase = next;
    phase_ends = ahead; stop_ms = ahead;
    printf("begin_phase: %e\n", phase)
}

inline begin_drain() {
    begin_phase(draining)
}

mtype:error = { EAGAIN, EBADF, EMFILE };
mtype:error error = EAGAIN;

inline accept_from() {
    assert(listener); /* closed */
    if
    :: queued > 0 -> queued--; client = true;
       printf("accept_from: a client\n");
       place_free = live - zombies < clients_per_address
    :: queued == 0 -> error = EAGAIN
    :: error = EBADF
    :: error = EMFILE
    fi
}

inline accept_failed() {
    printf("accept_failed: %e\n", error);
    if
    :: error == EAGAIN ->
       if :: phase == draining -> close_listener() :: else fi
    :: error == EBADF ->
       if :: phase == serving -> begin_drain() :: else fi;
       close_listener()
    :: error == EMFILE -> try_later()
    fi;
    error = EAGAIN
}

inline take_client() {
    if
    :: (ready || phase == draining) && wants_client ->
       accept_from();
       if :: !client -> accept_failed() :: else fi
    :: else
    fi;
    if
    :: !client || accept_at == ahead
    :: else ->
       if :: over_limit -> reap() :: else fi;
       if :: over_limit -> refuse() :: else -> start_child() fi
    fi
}

inline kill_children() {
    printf("kill_children\n");
    assert(phase_ends == passed || stop_ms == passed); /* grace */
    sigkill = true;
    insisted = false;
    if :: client -> client = false; away++ :: else fi;
    if :: listener -> close_listener() :: else fi;
    begin_phase(ending)
}

inline end_phase() {
    if
    :: phase == draining || !child_ended -> kill_children()
    :: else -> phase = over; printf("end_phase: over\n")
    fi
}

inline handle_stop() {
    if
    :: phase == serving -> begin_drain()
    :: phase == draining && stop_ms == passed -> kill_children()
    :: else
    fi
}

inline handle_signals() {
    if :: child_ended || stop_wanted -> reap() :: else fi;
    if
    :: stop_wanted -> handle_stop(); now_ms(); stop_wanted = false
    :: else
    fi;
    assert(!insisted); /* insisting */
    if
    :: phase == draining && listener && (at_limit || stop_ms == passed) ->
       close_listener()
    :: else
    fi;
    if :: phase_ends == passed -> end_phase() :: else fi
}

/* Whether the wait that was asked for at `now` is over. */
#define time_to_wait (now || (deferring && defer_until == passed) || \
                      (paused && accept_at == passed) || \
                      phase_ends == passed || child_ended)

/* serve_signals() and note() have each handler block all signals: only one runs
 * in a wait, that of the lowest number. */
inline note_signal() {
    if
    :: sigterm -> sigterm = false; stop_wanted = true;
       insisted = phase == draining && stop_ms == passed;
       printf("note_signal: SIGTERM\n")
    :: else -> sigchld = false; child_ended = true;
       printf("note_signal: SIGCHLD\n")
    fi
}

inline pause_for() {
    slept = true;
    do :: deliverable -> note_signal() :: else -> break od
}

/* ppoll(2) looks at the listener first, then for signals, then at the time. It
 * fails, or blocks until one of them wakes it. */
inline await_event() {
    if
    :: failed = true; deferring = false; printf("ppoll fails\n"); pause_for()
    :: true ->
       (wanted && !looking && queued > 0) || deliverable || time_to_wait;
       if
       :: wanted && !looking && queued > 0 -> ready = true
       :: else ->
          if :: deliverable -> note_signal() :: else -> slept = child_ended fi
       fi;
       assert(!(deaf && ready && sigterm && !deferring)); /* heeding */
       deaf = (deferring -> deaf : ready && sigterm)
    fi
}

inline wait_for_event() {
    d_step {
        assert(away + queued + client + served + zombies == CLIENTS); /* hand */
        assert(live == served + zombies); /* table */
        none_left = false; failed = false; slept = false;
        wanted = wants_client && phase == serving;
        deferring = wanted && defer_until == ahead;
        looking = wanted && ready && !deferring;
        paused = client || accept_at == ahead;
        now = looking || (phase == draining && listener && !paused);
        ready = false
    };
    await_event();
    if :: !ready && !deferring -> defer_until = ahead :: else fi;
    wanted = false; deferring = false; looking = false; paused = false;
    now = false
}

active proctype serve() {
    atomic {
        if :: limit = 1 :: limit = 2 fi;
        if :: clients_per_address = 0 :: clients_per_address = 1 fi
    };
    do
    :: atomic { finished -> break }
    :: atomic { !finished -> wait_for_event() };
       atomic { handle_signals(); take_client() }
    od;
    atomic {
        assert(!listener && !client); /* end */
        assert(failed || served + zombies == 0); /* end */
        ended = true
    }
}

/* ---- what must happen in the end ---------------------------------------- */

/* Under weak fairness: a process that can always move does move. Where a call
 * fails for ever, that of the property waits as long. */
ltl reaped { [] (zombies > 0 -> <> (none_left || failed || ended)) }
ltl drained { [] (phase != serving -> <> ended) }
ltl heeded { [] (sigterm -> <> (!sigterm || ended)) }
ltl taken { []<> (queued == 0 || at_limit || client || ready || failed ||
                  phase != serving) }
ltl handled { [] (client -> <> (!client || failed)) }

/* And without it: while nobody else moves, the server must fall asleep. SPIN
 * counts processes from 0; the server is number 7. */
ltl sleeps { []<> (_last != 7 || slept) }
