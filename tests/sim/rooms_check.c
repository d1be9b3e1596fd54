/* What must hold in the end: nobody waits for anything, everybody sees the same, and what the logs say makes sense. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rooms_sim.h"

enum { WORDS = 2048 };

static bool of(const es_room_event_t *event, es_event_type_t type, es_span_t session)
{
    return event->type == type && es_span_eq(event->member, session);
}

/* It comes again at once: under another name. */
static bool renamed(const log_t *log, uint64_t left, es_span_t session)
{
    const row_t *next = store_row(log, left + 1);
    return next && of(&next->event, ES_EVENT_JOINED, session) && next->event.at_ms == store_row(log, left)->event.at_ms;
}

bool check_member(const log_t *log, es_span_t session, uint64_t after, bool *left)
{
    bool in = false;
    *left = false;
    for (uint64_t rseq = 1; rseq <= log->at.last; rseq++) {
        const es_room_event_t *e = &store_row(log, rseq)->event;
        if (of(e, ES_EVENT_JOINED, session)) in = true;
        if (!of(e, ES_EVENT_LEFT, session)) continue;
        in = false;
        if (rseq > after && !renamed(log, rseq, session)) *left = true;
    }
    return in;
}

/* ---- has everything come to rest? */

/* A room that nobody asks for anything is in no actor's memory, and whoever vanished there last is a member until somebody comes. */
static bool room_lives(const sim_t *sim, int room)
{
    for (int c = 0; c < sim->plan.clients; c++)
        if (sim->clients[c].room == room && !sim->clients[c].gone) return true;
    return false;
}

static bool client_settled(const sim_t *sim, int c, char *why, size_t cap)
{
    const client_t *client = &sim->clients[c];
    const log_t *log = sim->tables[client->room].log;
    char session[32];
    bool left = false;
    client_session(c, session);
    bool member = log && check_member(log, es_span(session), client->joined_rseq, &left);
    if (client->gone)
        snprintf(why, cap, "c%d has vanished and is still a member", c);
    else if (client->state != IN)
        snprintf(why, cap, "c%d is not in (state %d)", c, client->state);
    else if (client->answered != client->said)
        snprintf(why, cap, "c%d has no answer to message %u of %u", c, client->answered, client->said);
    else if (!log || client->log != log->at.log || client->next != log->at.last + 1)
        snprintf(why, cap, "c%d has seen the log up to %" PRIu64 " of %" PRIu64, c, client->next - 1,
                 log ? log->at.last : 0);
    else
        snprintf(why, cap, "c%d is in and no member", c);
    if (client->gone) return !member || !room_lives(sim, client->room);
    return client->state == IN && client->answered == client->said && log && client->log == log->at.log &&
           client->next == log->at.last + 1 && member;
}

static bool edge_settled(const edge_room_t *room, char *why, size_t cap)
{
    snprintf(why, cap, "edge-%d waits in r%d", room->edge + 1, room->id);
    if (!es_room_follower_level(room->follower)) return false;
    for (const member_t *m = room->members; m; m = m->next)
        if (m->state != LIVE || es_room_outbox_count(m->outbox) > 0) return false;
    return true;
}

bool check_settled(const sim_t *sim, char *why, size_t cap)
{
    for (int c = 0; c < sim->plan.clients; c++)
        if (!client_settled(sim, c, why, cap)) return false;
    for (int e = 0; e < sim->plan.edges; e++)
        for (int r = 0; r < ROOMS; r++)
            if (sim->edges[e].rooms[r] && !edge_settled(sim->edges[e].rooms[r], why, cap)) return false;
    return true;
}

bool check_empty(const sim_t *sim, char *why, size_t cap)
{
    char session[32];
    bool left;
    for (int c = 0; c < sim->plan.clients; c++) {
        const client_t *client = &sim->clients[c];
        client_session(c, session);
        snprintf(why, cap, "c%d has not left", c);
        if (client->state != OUT) return false;
        bool member =
            sim->tables[client->room].log && check_member(sim->tables[client->room].log, es_span(session), 0, &left);
        if (member && room_lives(sim, client->room)) return false;
    }
    for (int e = 0; e < sim->plan.edges; e++)
        for (int r = 0; r < ROOMS; r++) {
            snprintf(why, cap, "edge-%d keeps r%d", e + 1, r);
            if (sim->edges[e].rooms[r]) return false;
        }
    for (int a = 0; a < sim->plan.actors; a++) {
        es_rooms_stats_t stats;
        es_rooms_stats(sim->actors[a].rooms, &stats);
        snprintf(why, cap, "room-%d keeps %d rooms", a + 1, (int)stats.open);
        if (stats.open > 0) return false;
    }
    return true;
}

/* ---- do the logs make sense? */

typedef struct {
    bool in, said[MESSAGES];
    uint32_t next;
} history_t;

static void check_message(sim_t *sim, int c, const log_t *log, const es_room_event_t *e, history_t *history)
{
    int client = -1;
    uint32_t n = client_message_of(e->msg_id, &client);
    if (client != c || n >= MESSAGES || history->said[n]) {
        world_fail(&sim->world, "c%d: message %u is there twice, event %" PRIu64, c, n, e->rseq);
        return;
    }
    /* In a log that follows a lost one, what had been answered there does not come again. */
    if (n < history->next && !log->older)
        world_fail(&sim->world, "c%d: message %u is there late, event %" PRIu64, c, n, e->rseq);
    history->said[n] = true;
    history->next = n + 1;
}

/* Joined and left by turns; messages once and in the client's order. */
static void check_row(sim_t *sim, int c, const log_t *log, const es_room_event_t *e, history_t *history)
{
    char session[32];
    client_session(c, session);
    bool comes = of(e, ES_EVENT_JOINED, es_span(session));
    if (comes || of(e, ES_EVENT_LEFT, es_span(session))) {
        if (history->in == comes)
            world_fail(&sim->world, "c%d: %s twice, event %" PRIu64, c, comes ? "joined" : "left", e->rseq);
        history->in = comes;
    } else if (of(e, ES_EVENT_MESSAGE, es_span(session))) {
        check_message(sim, c, log, e, history);
    }
}

/* Each word once and in order. */
static void check_words(sim_t *sim, int c, const log_t *log, uint64_t stream, bool heard[WORDS])
{
    char session[32], name[16];
    uint64_t next = 0;
    client_session(c, session);
    snprintf(name, sizeof name, "s%" PRIu64, stream);
    for (uint64_t rseq = 1; rseq <= log->at.last; rseq++) {
        const es_room_event_t *e = &store_row(log, rseq)->event;
        if (!of(e, ES_EVENT_CAPTION, es_span(session)) || !es_span_eq(e->stream, es_span(name))) continue;
        char text[128], *rest = text;
        snprintf(text, sizeof text, "%.*s", (int)e->text.len, e->text.ptr);
        for (char *word; (word = strtok_r(rest, " ", &rest));) {
            uint64_t n = strtoull(word + 1, NULL, 10);
            if (n < next) world_fail(&sim->world, "c%d: word %" PRIu64 " of s%" PRIu64 " twice or late", c, n, stream);
            next = n + 1;
            if (n < WORDS) heard[n] = true;
        }
    }
}

static void check_captions(sim_t *sim, int c, const log_t *log)
{
    const client_t *client = &sim->clients[c];
    for (uint64_t stream = 0; stream <= client->stream && stream < STREAMS; stream++) {
        bool heard[WORDS] = {false};
        check_words(sim, c, log, stream, heard);
        for (size_t i = 0; i < client->spoken_n && !log->older; i++) {
            const spoken_t *s = &client->spoken[i];
            for (uint64_t word = s->from; word < s->to && s->stream == stream && s->log == log->at.log; word++)
                if (!heard[word])
                    world_fail(&sim->world, "c%d: word %" PRIu64 " of s%" PRIu64 " is lost", c, word, stream);
        }
    }
}

static void check_client(sim_t *sim, int c)
{
    const client_t *client = &sim->clients[c];
    const log_t *log = sim->tables[client->room].log;
    bool left;
    char session[32];
    history_t history = {0};
    if (!log) return;
    for (uint64_t rseq = 1; rseq <= log->at.last; rseq++)
        check_row(sim, c, log, &store_row(log, rseq)->event, &history);
    check_captions(sim, c, log);
    client_session(c, session);
    uint64_t since = sim->plan.mild ? client->joined_rseq : sim->well_rseq[client->room];
    check_member(log, es_span(session), since, &left);
    if (client->state == IN && left) world_fail(&sim->world, "c%d was thrown out though it was there", c);
    for (uint32_t n = 0; n < client->said; n++) {
        const message_t *m = &client->messages[n];
        const row_t *row = m->said && m->log == log->at.log ? store_row(log, m->rseq) : NULL;
        int of_client = -1;
        if (row && (client_message_of(row->event.msg_id, &of_client) != n || of_client != c))
            world_fail(&sim->world, "c%d: message %u was acknowledged as %" PRIu64 " and is not there", c, n, m->rseq);
    }
}

void check_logs(sim_t *sim)
{
    for (int c = 0; c < sim->plan.clients; c++) check_client(sim, c);
}
