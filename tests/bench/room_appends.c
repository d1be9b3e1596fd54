/* Messages a second that rooms store, by how many share a commit: room_appends DIR [ROOMS [MESSAGES]]. DIR is on the disk that matters. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "rooms.h"
#include "wire.h"

#define CLIENT "aaaaaa0000000001"

typedef struct {
    es_rooms_t *rooms;
    unsigned answered, n_rooms;
    uint64_t seq[10000];
} bench_t;

static void publish(void *ctx, es_span_t key, const es_msg_t *msg, const void *body, size_t len)
{
    bench_t *bench = ctx;
    (void)key, (void)body, (void)len;
    if (msg->kind == ES_ROOM_DONE) bench->answered++;
}

static es_room_now_t now(void)
{
    return (es_room_now_t){.us = es_now_us(), .ms = es_wall_us() / 1000};
}

static void operate(bench_t *bench, unsigned room, uint32_t kind)
{
    char key[ES_KEY_MAX], id[32], msg_id[32];
    snprintf(id, sizeof id, "room %u", room);
    es_msg_t msg = {.kind = kind, .seq = ++bench->seq[room]};
    snprintf(msg_id, sizeof msg_id, "m%u", (unsigned)msg.seq);
    ES_SET(&msg, ES_M_CLIENT, client, es_span(CLIENT));
    ES_SET(&msg, ES_M_SESSION, session, es_span("4f1c2a9b77e05d31"));
    ES_SET(&msg, ES_M_NAME, name, es_span("Ann"));
    ES_SET(&msg, ES_M_BASE, base, msg.seq);
    ES_SET(&msg, ES_M_MSG_ID, msg_id, es_span(msg_id));
    ES_SET(&msg, ES_M_TEXT, text, es_span("a message of some sixty bytes, as people write them to others"));
    es_rooms_message(bench->rooms, es_span_of(key, es_room_key(key, es_span(id))), &msg, es_span(NULL), now());
}

static void run(bench_t *bench, unsigned a_turn, unsigned messages)
{
    uint64_t begin = es_now_us(), longest = 0;
    unsigned turns = 0, before = bench->answered;
    for (unsigned n = 0; n < messages; turns++) {
        uint64_t turn = es_now_us();
        for (unsigned i = 0; i < a_turn; i++, n++) operate(bench, n % bench->n_rooms, ES_ROOM_SAY);
        es_rooms_flush(bench->rooms);
        es_rooms_tick(bench->rooms, now());
        turn = es_now_us() - turn;
        if (turn > longest) longest = turn;
    }
    double seconds = (double)(es_now_us() - begin) / 1e6;
    printf("%7u a turn: %8.0f messages/s, %7.0f commits/s, a turn %6.2f ms, the longest %6.2f ms\n", a_turn,
           (bench->answered - before) / seconds, turns / seconds, 1000 * seconds / turns, (double)longest / 1000);
}

int main(int argc, char **argv)
{
    static const unsigned turns[] = {1, 8, 64, 256, 1024};
    static bench_t bench;
    char path[512], err[1024];
    if (argc < 2) {
        fprintf(stderr, "usage: room_appends DIR [ROOMS [MESSAGES]]\n");
        return 2;
    }
    snprintf(path, sizeof path, "%s/rooms-bench-%d.db", argv[1], (int)getpid());
    bench.n_rooms = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 10;
    if (bench.n_rooms == 0 || bench.n_rooms > sizeof bench.seq / sizeof *bench.seq) bench.n_rooms = 1;
    unsigned messages = argc > 3 ? (unsigned)strtoul(argv[3], NULL, 10) : 20000;
    es_room_store_config_t config = es_room_store_defaults(path);
    es_rooms_config_t rooms = es_rooms_defaults(es_random_u64);
    es_room_shared_t shared;
    es_room_store_t *store = es_room_store_open(&config, err, sizeof err);
    if (!store) {
        fprintf(stderr, "%s\n", err);
        return 1;
    }
    es_room_shared_init(&shared, es_random_u64());
    bench.rooms = es_rooms_new(&rooms, &shared, store, publish, &bench);
    for (unsigned i = 0; i < bench.n_rooms; i++) operate(&bench, i, ES_ROOM_JOIN);
    es_rooms_flush(bench.rooms);
    for (size_t i = 0; i < sizeof turns / sizeof *turns; i++)
        run(&bench, turns[i], turns[i] == 1 ? messages / 10 : messages);
    es_rooms_destroy(&bench.rooms);
    es_room_store_close(&store);
    es_room_shared_fini(&shared);
    unlink(path);
    return 0;
}
