#include "clients.h"
#include "edge_world.h"
#include "flat.h"

#include <stdio.h>

enum { N = 3000 };

static void count(void *ctx, es_client_t *client)
{
    (void)client;
    ++*(int *)ctx;
}

static void take_out(void *ctx, es_client_t *client)
{
    es_clients_remove(ctx, client);
    es_client_destroy(&client);
}

static void everybody_is_found(void **state)
{
    (void)state;
    world_t *w = world_new(&es_flat, "");
    es_clients_t clients = {0};
    es_client_t **all = calloc(N, sizeof(void *));
    char id[ES_CLIENT_ID_LEN + 1];
    assert_null(es_clients_find(&clients, es_span(WORLD_ID)));
    for (int i = 0; i < N; i++) {
        snprintf(id, sizeof id, "abcdef%010x", (unsigned)i * 2654435761u);
        all[i] = es_client_new(&w->env, id, &es_flat, "", NULL, w);
        es_clients_add(&clients, all[i]);
    }
    for (int i = 0; i < N; i++) assert_ptr_equal(es_clients_find(&clients, es_span(all[i]->id)), all[i]);
    assert_null(es_clients_find(&clients, es_span("abcdefffffffffff")));
    assert_null(es_clients_find(&clients, es_span("short")));
    for (int i = 0; i < N; i += 2) {
        es_clients_remove(&clients, all[i]);
        assert_null(es_clients_find(&clients, es_span(all[i]->id)));
        es_client_destroy(&all[i]);
    }
    int left = 0;
    es_clients_each(&clients, count, &left);
    assert_int_equal(left, N / 2);
    es_clients_each(&clients, take_out, &clients);
    assert_int_equal(clients.count, 0);
    es_clients_fini(&clients);
    free(all);
    world_destroy(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(everybody_is_found)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
