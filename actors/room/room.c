#include "room.h"

#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "room_state.h"

#define SECOND UINT64_C(1000000)

/* ---- what rooms share */

void es_room_shared_init(es_room_shared_t *self, uint64_t seed)
{
    *self = (es_room_shared_t){.grace_us = 10 * SECOND,
                               .silence_us = 6 * SECOND,
                               .history = 1000,
                               .age_ms = UINT64_C(7) * 86400 * 1000,
                               .members_max = 10000,
                               .text_max = ES_ROOM_TEXT_MAX,
                               .seed = seed,
                               .decoder = es_decoder_new()};
}

void es_room_shared_fini(es_room_shared_t *self)
{
    es_decoder_destroy(&self->decoder);
}

const char *es_room_reason(es_room_reason_t reason)
{
    static const char *const words[ES_ROOM_REASONS] = {[ES_ROOM_NOT_MEMBER] = "not_member",
                                                       [ES_ROOM_FULL] = "room_full",
                                                       [ES_ROOM_TOO_MANY] = "too_many_rooms",
                                                       [ES_ROOM_BAD_REQUEST] = "bad_request"};
    return words[reason];
}

bool es_room_client_valid(es_span_t client)
{
    bool valid = client.len == ES_CLIENT_ID_LEN;
    for (size_t i = 0; i < client.len && valid; i++)
        valid = (client.ptr[i] >= '0' && client.ptr[i] <= '9') || (client.ptr[i] >= 'a' && client.ptr[i] <= 'f');
    return valid;
}

bool es_room_refusal(const es_msg_t *request, es_span_t id, es_room_reason_t reason, es_msg_t *out)
{
    if (request->kind < ES_ROOM_JOIN || request->kind > ES_ROOM_CAPTION || !es_room_client_valid(request->client))
        return false;
    *out = (es_msg_t){.kind = ES_ROOM_REFUSED, .seq = request->seq};
    ES_SET(out, ES_M_ROOM, room, id);
    ES_SET(out, ES_M_REASON, reason, es_span(es_room_reason(reason)));
    return true;
}

/* ---- life */

es_room_t *es_room_new(es_room_shared_t *shared, es_span_t id, const es_room_log_t *log, const es_room_ops_t *ops,
                       void *ctx)
{
    es_room_t *self = es_alloc_zero(sizeof *self);
    self->shared = shared;
    self->ops = ops;
    self->ctx = ctx;
    self->log = *log;
    self->id_len = id.len;
    memcpy(self->id, id.ptr, id.len);
    es_room_members_init(&self->members, shared->seed, &shared->stats.departed_forgotten);
    return self;
}

void es_room_destroy(es_room_t **self_p)
{
    es_room_t *self = *self_p;
    if (!self) return;
    *self_p = NULL;
    es_room_events_fini(&self->news);
    es_room_members_fini(&self->members);
    free(self);
}

es_span_t es_room_id(const es_room_t *self)
{
    return es_span_of(self->id, self->id_len);
}

es_room_log_t es_room_log(const es_room_t *self)
{
    return self->log;
}

size_t es_room_members(const es_room_t *self)
{
    return self->members.count;
}

bool es_room_seat_valid(const es_room_seat_t *seat)
{
    return es_room_client_valid(seat->client) && es_room_word_valid(seat->session, ES_SESSION_MAX) &&
           es_room_word_valid(seat->name, ES_NAME_MAX);
}

void es_room_restore(es_room_t *self, const es_room_seat_t *seat, es_room_now_t now)
{
    if (es_room_seat_valid(seat) && !es_room_members_find(&self->members, seat->session))
        es_room_members_add(&self->members, seat, now.us);
}

/* ---- events */

void es_room_flush(es_room_t *self)
{
    size_t len;
    char key[ES_KEY_MAX];
    void *body = es_room_events_take(&self->news, &len);
    if (!body) return;
    es_msg_t msg = {.kind = ES_ROOM_NEWS};
    ES_SET(&msg, ES_M_LOG, log, self->log.log);
    self->ops->send(self->ctx, es_span_of(key, es_room_key(key, es_room_id(self))), &msg, body, len);
    free(body);
}

void es_room_happen(es_room_t *self, es_room_event_t *event, es_room_now_t now)
{
    event->at_ms = now.ms;
    self->shared->stats.events[event->type]++;
    if (event->type != ES_EVENT_PARTIAL) {
        event->rseq = ++self->log.last;
        self->ops->append(self->ctx, event);
        es_room_count(self, event);
    }
    if (es_room_events_add(&self->news, event)) return;
    es_room_flush(self);
    es_room_events_add(&self->news, event);
}

/* ---- members */

void es_room_sit(es_room_t *self, const es_room_seat_t *seat, es_room_now_t now)
{
    const es_room_seated_t *member = es_room_members_add(&self->members, seat, now.us);
    es_room_seat_t stored = *seat;
    stored.operation = member->operation;
    es_room_event_t event = {.type = ES_EVENT_JOINED, .member = seat->session, .name = seat->name};
    es_room_happen(self, &event, now);
    self->ops->seat(self->ctx, &stored);
}

void es_room_move(es_room_t *self, es_room_seated_t *member, es_span_t client, uint64_t operation, es_room_now_t now)
{
    if (es_span_eq(es_room_seated_client(member), client))
        es_room_members_back(&self->members, member);
    else
        es_room_members_move(&self->members, member, client, now.us);
    if (operation > member->operation) member->operation = operation;
    es_room_seat_t seat = {.session = es_room_seated_session(member),
                           .client = client,
                           .name = es_room_seated_name(member),
                           .operation = member->operation};
    self->ops->seat(self->ctx, &seat);
}

void es_room_stand(es_room_t *self, es_room_seated_t *member, es_room_now_t now)
{
    es_room_event_t event = {
        .type = ES_EVENT_LEFT, .member = es_room_seated_session(member), .name = es_room_seated_name(member)};
    es_room_happen(self, &event, now);
    self->ops->unseat(self->ctx, event.member);
    es_room_members_remove(&self->members, member);
}

/* ---- answers */

es_msg_t es_room_answer(const es_room_t *self, es_kind_t kind, const es_room_request_t *request)
{
    es_msg_t msg = {.kind = kind, .seq = request->msg->seq};
    ES_SET(&msg, ES_M_ROOM, room, es_room_id(self));
    ES_SET(&msg, ES_M_LOG, log, self->log.log);
    ES_SET(&msg, ES_M_RSEQ, rseq, self->log.last);
    ES_SET(&msg, ES_M_FLOOR, floor, self->log.floor);
    return msg;
}

void es_room_say(es_room_t *self, const es_room_request_t *request, const es_msg_t *answer, const void *body,
                 size_t len)
{
    self->ops->send(self->ctx, request->msg->client, answer, body, len);
}

void es_room_say_members(es_room_t *self, const es_room_request_t *request, es_msg_t *answer)
{
    const es_room_members_t *members = &self->members;
    size_t n = members->count < ES_ROOM_LISTED ? members->count : ES_ROOM_LISTED;
    size_t cap = 16 + n * (ES_CLIENT_ID_LEN + ES_SESSION_MAX + ES_NAME_MAX + 16);
    es_room_member_t *rows = es_alloc((n + 1) * sizeof *rows);
    char *body = es_alloc(cap);
    for (size_t i = 0; i < n; i++)
        rows[i] = (es_room_member_t){.client = es_room_seated_client(members->all[i]),
                                     .session = es_room_seated_session(members->all[i]),
                                     .name = es_room_seated_name(members->all[i])};
    ES_SET(answer, ES_M_COUNT, count, members->count);
    es_room_say(self, request, answer, body, es_room_members_encode(rows, n, body, cap));
    free(body);
    free(rows);
}

static void who(es_room_t *self, const es_room_request_t *rq)
{
    es_msg_t answer = es_room_answer(self, ES_ROOM_PRESENT, rq);
    es_room_say_members(self, rq, &answer);
}

typedef struct {
    es_room_events_t events;
    uint64_t to;
} page_t;

static bool fetched(void *arg, const es_room_event_t *event)
{
    page_t *page = arg;
    return event->rseq <= page->to && es_room_events_add(&page->events, event);
}

static void fetch(es_room_t *self, const es_room_request_t *rq)
{
    bool backward = ES_HAS(rq->msg, ES_M_TO);
    page_t page = {.to = backward ? rq->msg->to_seq : UINT64_MAX};
    uint64_t from = rq->msg->from_seq, count = rq->msg->count;
    size_t len;
    if (count > ES_ROOM_FETCH_MAX) count = ES_ROOM_FETCH_MAX;
    if (backward && count > 0) from = self->ops->back(self->ctx, page.to, count);
    if (from < self->log.floor) from = self->log.floor;
    if (from <= self->log.last && count > 0) self->ops->read(self->ctx, from, count, fetched, &page);
    es_msg_t answer = es_room_answer(self, ES_ROOM_EVENTS, rq);
    void *body = es_room_events_take(&page.events, &len);
    es_room_say(self, rq, &answer, body, len);
    free(body);
}

/* ---- requests */

static const struct {
    uint32_t kind;
    void (*fn)(es_room_t *self, const es_room_request_t *rq);
} requests[] = {{ES_ROOM_JOIN, es_room_operate},
                {ES_ROOM_LEAVE, es_room_operate},
                {ES_ROOM_SAY, es_room_operate},
                {ES_ROOM_CAPTION, es_room_operate},
                {ES_ROOM_PARTIAL, es_room_partial},
                {ES_ROOM_MEMBERS, es_room_list},
                {ES_ROOM_FETCH, fetch},
                {ES_ROOM_WHO, who}};

void es_room_message(es_room_t *self, const es_msg_t *msg, es_span_t body, es_room_now_t now)
{
    es_room_request_t request = {.msg = msg, .body = body, .now = now};
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        if (requests[i].kind != msg->kind || !es_room_client_valid(msg->client)) continue;
        es_room_heard(self, msg, now);
        requests[i].fn(self, &request);
        return;
    }
    self->shared->stats.malformed++;
}

/* ---- time */

uint64_t es_room_tick(es_room_t *self, es_room_now_t now)
{
    uint64_t next = es_room_presence(self, now);
    return es_room_sooner(next, es_room_give_up_old(self, now));
}
