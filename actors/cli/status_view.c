#include "status_view.h"

#include <stdbool.h>
#include <string.h>

#include "printable.h"
#include "table.h"

static json_int_t number(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

static const char *string(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "?";
}

/* Services whose actors get requests, and what their load counts: each has a table of its own. */
static const struct served {
    const char *service, *key, *title;
} served[] = {{"room", "rooms", "ROOMS"}, {"jobs", "jobs", "JOBS"}};
enum { SERVED = sizeof served / sizeof served[0] };

static bool serves(const json_t *actor, const char *service)
{
    return strcmp(string(actor, "service"), service) == 0;
}

/* NULL: it gets streams. */
static const struct served *served_by(const json_t *actor)
{
    for (size_t i = 0; i < SERVED; i++)
        if (serves(actor, served[i].service)) return &served[i];
    return NULL;
}

static size_t count(const json_t *workers, const char *service)
{
    size_t i, n = 0;
    json_t *actor;
    json_array_foreach(workers, i, actor) n += serves(actor, service) ? 1 : 0;
    return n;
}

/* Of `key` between two beacons, a second; null where it cannot be told. */
static json_t *rate(const json_t *before, const json_t *now, const char *key, double seconds)
{
    json_int_t grown = number(now, key) - number(before, key);
    return before && seconds > 0 && grown >= 0 ? json_real((double)grown / seconds) : json_null();
}

static const json_t *find(const json_t *list, const char *key, const char *value)
{
    size_t i;
    json_t *item;
    json_array_foreach(list, i, item) if (strcmp(string(item, key), value) == 0) return item;
    return NULL;
}

/* Adds "rate" to each of a list of actors, "rooms" or "jobs" to those that serve some; returns the greatest lag of audio among them, in microseconds. */
static json_int_t join_list(const json_t *before, json_t *now, const char *id, const char *counter, double seconds)
{
    json_int_t lag = 0;
    size_t i;
    json_t *item;
    json_array_foreach(now, i, item)
    {
        const json_t *was = find(before, id, string(item, id));
        json_object_set_new(item, "rate", rate(was, item, counter, seconds));
        const struct served *what = served_by(item);
        if (what && json_object_get(item, "load"))
            json_object_set_new(item, what->key, json_integer(number(item, "load")));
        else if (number(item, "lag_us") > lag)
            lag = number(item, "lag_us");
    }
    return lag;
}

json_t *es_status_join(const json_t *before, const json_t *now)
{
    json_t *out = json_deep_copy(now), *rates = json_object();
    double seconds = (double)(number(now, "uptime_ms") - number(before, "uptime_ms")) / 1000;
    if (seconds <= 0) before = NULL;
    json_object_set_new(rates, "frames", rate(before, now, "frames_total", seconds));
    json_object_set_new(rates, "results", rate(before, now, "results_total", seconds));
    json_object_set_new(out, "rates", rates);
    json_int_t worker =
        join_list(json_object_get(before, "workers"), json_object_get(out, "workers"), "inc", "count", seconds);
    json_int_t edge =
        join_list(json_object_get(before, "edges"), json_object_get(out, "edges"), "inc", "frames", seconds);
    json_object_set_new(out, "oldest_unacked_ms", json_integer((worker > edge ? worker : edge) / 1000));
    return out;
}

void es_status_add_broker(json_t *status, const json_t *beacon)
{
    json_t *others = json_object_get(status, "others"), *other = json_deep_copy(beacon);
    if (!others) {
        others = json_array();
        json_object_set_new(status, "others", others);
    }
    json_object_del(other, "workers");
    json_object_del(other, "edges");
    json_array_append_new(others, other);
}

static void rate_cell(es_table_t *table, const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    if (json_is_real(value))
        es_table_cell(table, "%.1f", json_real_value(value));
    else
        es_table_cell(table, "-");
}

static es_table_t *table_of(const char *what, const char *per_second, const char *oldest)
{
    es_table_t *table = es_table_new("llrrrrrl");
    const char *names[] = {"ACTOR", "DOES", what, "OF", per_second, oldest, "HEARD", "NOTE"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) es_table_cell(table, "%s", names[i]);
    return table;
}

static void broker_row(es_table_t *table, const json_t *status)
{
    json_int_t up = number(status, "uptime_ms") / 1000;
    es_table_cell(table, "%s", string(status, "name"));
    es_table_cell(table, "broker");
    es_table_cell(table, "%lld", number(status, "streams"));
    es_table_cell(table, "%lld", number(status, "streams") + number(status, "free"));
    rate_cell(table, json_object_get(status, "rates"), "frames");
    es_table_cell(table, "-");
    es_table_cell(table, "-");
    es_table_cell(table, "up %lld:%02lld:%02lld%s", up / 3600, up / 60 % 60, up % 60,
                  number(status, "waiting") ? ", streams wait" : "");
}

/* key: of how many things it serves. */
static void actor_row(es_table_t *table, const json_t *actor, const char *key)
{
    const char *service = json_string_value(json_object_get(actor, "service"));
    es_table_cell(table, "%s", string(actor, "name"));
    es_table_cell(table, "%s", service ? service : "edge"); /* of a broker that does not tell */
    es_table_cell(table, "%lld", number(actor, key));
    if (json_object_get(actor, "capacity"))
        es_table_cell(table, "%lld", number(actor, "capacity"));
    else
        es_table_cell(table, "-");
    rate_cell(table, actor, "rate");
    es_table_cell(table, "%.1f s", (double)number(actor, "lag_us") / 1e6);
    es_table_cell(table, "%.1f s ago", (double)number(actor, "heard_ms") / 1e3);
    es_table_cell(table, "%s", json_is_true(json_object_get(actor, "draining")) ? "draining" : "");
}

static void print_drops(FILE *out, const json_t *status, const char *key, const char *title)
{
    const char *reason;
    json_t *count;
    json_object_foreach(json_object_get(status, key), reason, count)
    {
        if (json_integer_value(count) <= 0) continue;
        fprintf(out, "%s (", title);
        es_printable_write(out, reason);
        fprintf(out, "): %lld\n", json_integer_value(count));
    }
}

static void print_quarantine(FILE *out, const json_t *status)
{
    size_t i;
    const json_t *entry;
    json_array_foreach(json_object_get(status, "quarantine"), i, entry)
    {
        fputs("stream ", out);
        es_printable_write(out, string(entry, "client"));
        fputs(" is in quarantine: ", out);
        es_printable_write(out, string(entry, "reason"));
        fputc('\n', out);
    }
}

static void print_streams(FILE *out, const json_t *status)
{
    size_t i;
    json_t *actor;
    const json_t *others = json_object_get(status, "others");
    const char *streams = json_array_size(others) > 0 ? "load" : "streams";
    es_table_t *table = table_of("STREAMS", "FRAMES/S", "OLDEST UNACKED");
    broker_row(table, status);
    json_array_foreach(others, i, actor) broker_row(table, actor);
    json_array_foreach(json_object_get(status, "edges"), i, actor) actor_row(table, actor, "streams");
    json_array_foreach(json_object_get(status, "workers"), i, actor)
    {
        if (!served_by(actor)) actor_row(table, actor, streams);
    }
    es_table_print(table, out);
    es_table_destroy(&table);
}

static void print_served(FILE *out, const json_t *workers, const struct served *what)
{
    size_t i;
    json_t *actor;
    es_table_t *table = table_of(what->title, "REQUESTS/S", "OLDEST UNANSWERED");
    json_array_foreach(workers, i, actor)
    {
        if (serves(actor, what->service)) actor_row(table, actor, what->key);
    }
    fputc('\n', out);
    es_table_print(table, out);
    es_table_destroy(&table);
}

/* Requests that went nowhere, while there is still nobody for them. */
static void say_unserved(FILE *out, const json_t *status)
{
    static const struct {
        const char *service, *dropped, *said;
    } cases[] = {{"room", "no_room", "no room actor: what is said to rooms goes nowhere. Start one: earshot-room\n"},
                 {"jobs", "no_jobs", "no jobs actor: nobody answers for jobs. Start one: earshot-jobs\n"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        if (count(json_object_get(status, "workers"), cases[i].service) == 0 &&
            number(json_object_get(status, "dropped"), cases[i].dropped) > 0)
            fputs(cases[i].said, out);
}

void es_status_print_tables(FILE *out, const json_t *status)
{
    const json_t *workers = json_object_get(status, "workers");
    size_t shown = json_array_size(workers);
    bool any = false;
    print_streams(out, status);
    for (size_t i = 0; i < SERVED; i++) {
        if (count(workers, served[i].service) == 0) continue;
        print_served(out, workers, &served[i]);
        any = true;
    }
    if (any) fputc('\n', out);
    if (number(status, "workers_total") > (json_int_t)shown)
        fprintf(out, "... and %lld more workers\n", number(status, "workers_total") - (json_int_t)shown);
}

void es_status_print_figures(FILE *out, const json_t *status)
{
    static const struct {
        const char *key, *title;
    } counted[] = {{"dropped", "messages dropped"},
                   {"malformed", "malformed messages"},
                   {"denied", "messages that a key does not allow"},
                   {"handshakes_refused", "peers not let in"}};
    fprintf(out, "oldest unacknowledged audio: %.1f s\n", (double)number(status, "oldest_unacked_ms") / 1e3);
    for (size_t i = 0; i < sizeof counted / sizeof counted[0]; i++)
        print_drops(out, status, counted[i].key, counted[i].title);
}

void es_status_print(FILE *out, const json_t *status)
{
    es_status_print_tables(out, status);
    if (count(json_object_get(status, "workers"), "transcribe") == 0)
        fputs("no worker: nothing is transcribed. Start one: earshot-transcriber\n", out);
    say_unserved(out, status);
    print_quarantine(out, status);
    size_t i;
    const json_t *entry;
    json_int_t waiting = number(status, "waiting");
    json_array_foreach(json_object_get(status, "others"), i, entry) waiting += number(entry, "waiting");
    if (waiting) fprintf(out, "%lld streams wait for a place: start more transcribers\n", waiting);
    es_status_print_figures(out, status);
}
