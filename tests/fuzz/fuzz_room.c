/* The lists of rooms and the keys of rooms. What is accepted must be sayable again, mean the same and then be said in the same bytes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "room_wire.h"

#define LIST_MAX 4096u
#define BUF_MAX (1u << 20)

#define PROPERTY(holds)                                                         \
    do {                                                                        \
        if (!(holds)) {                                                         \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #holds); \
            abort();                                                            \
        }                                                                       \
    } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static es_decoder_t *decoder;
static char first[BUF_MAX], second[BUF_MAX];

static bool same_event(const es_room_event_t *a, const es_room_event_t *b)
{
    return a->rseq == b->rseq && a->type == b->type && a->at_ms == b->at_ms && es_span_eq(a->member, b->member) &&
           es_span_eq(a->name, b->name) && es_span_eq(a->text, b->text) && es_span_eq(a->msg_id, b->msg_id) &&
           es_span_eq(a->stream, b->stream) && a->start == b->start && a->end == b->end;
}

static void try_events(const uint8_t *data, size_t size)
{
    static es_room_event_t events[LIST_MAX], again[LIST_MAX];
    int n = es_room_events_decode(decoder, data, size, events, LIST_MAX);
    PROPERTY(n >= -1 && n <= (int)LIST_MAX);
    if (n < 0) return;
    size_t bound = 5; /* the array's head */
    for (int i = 0; i < n; i++) bound += es_room_event_bound(&events[i]);
    size_t len = es_room_events_encode(events, (size_t)n, first, BUF_MAX);
    PROPERTY(len > 0 && len <= bound);
    PROPERTY(es_room_events_decode(decoder, first, len, again, LIST_MAX) == n);
    for (int i = 0; i < n; i++) PROPERTY(same_event(&events[i], &again[i]));
    PROPERTY(es_room_events_encode(again, (size_t)n, second, BUF_MAX) == len && memcmp(first, second, len) == 0);
    PROPERTY(es_room_events_encode(again, (size_t)n, second, len - 1) == 0);
    PROPERTY(n == 0 || es_room_events_decode(decoder, first, len, again, (size_t)n - 1) == -1);
}

static void try_members(const uint8_t *data, size_t size)
{
    static es_room_member_t members[LIST_MAX], again[LIST_MAX];
    int n = es_room_members_decode(decoder, data, size, members, LIST_MAX);
    PROPERTY(n >= -1 && n <= (int)LIST_MAX);
    if (n < 0) return;
    size_t len = es_room_members_encode(members, (size_t)n, first, BUF_MAX);
    PROPERTY(len > 0);
    PROPERTY(es_room_members_decode(decoder, first, len, again, LIST_MAX) == n);
    for (int i = 0; i < n; i++) {
        PROPERTY(members[i].client.len <= ES_CLIENT_ID_LEN && members[i].session.len <= ES_SESSION_MAX);
        PROPERTY(members[i].name.len <= ES_NAME_MAX);
        PROPERTY(es_span_eq(members[i].client, again[i].client) && es_span_eq(members[i].name, again[i].name));
        PROPERTY(es_span_eq(members[i].session, again[i].session));
    }
    PROPERTY(es_room_members_encode(again, (size_t)n, second, BUF_MAX) == len && memcmp(first, second, len) == 0);
    PROPERTY(es_room_members_encode(again, (size_t)n, second, len - 1) == 0);
}

static void try_key(const uint8_t *data, size_t size)
{
    char key[ES_KEY_MAX];
    es_span_t id, whole = es_span_of(data, size);
    (void)es_room_text_valid(whole, true);
    PROPERTY(!es_room_text_valid(whole, false) || es_room_text_valid(whole, true));
    if (!es_room_of_key(whole, &id)) return;
    PROPERTY(es_room_id_valid(id) && es_room_text_valid(id, false));
    PROPERTY(es_room_key(key, id) == size && memcmp(key, data, size) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!decoder) decoder = es_decoder_new();
    try_events(data, size);
    try_members(data, size);
    try_key(data, size);
    return 0;
}
