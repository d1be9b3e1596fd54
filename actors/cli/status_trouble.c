#include "status_trouble.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { SENTENCE = 400 };

static json_int_t number(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

static const char *string(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "?";
}

/* A sentence that was cut in the middle of a character is said without its last one. */
__attribute__((format(printf, 2, 3))) static void say(json_t *out, const char *format, ...)
{
    char text[SENTENCE];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    json_t *sentence = json_string(text);
    for (size_t len = strlen(text); !sentence && len > 0; sentence = json_string(text)) text[--len] = '\0';
    json_array_append_new(out, sentence);
}

static double seconds(json_int_t ms)
{
    return (double)ms / 1e3;
}

/* ---- brokers and the house */

static void silent_brokers(json_t *out, const json_t *status)
{
    size_t i;
    const json_t *one;
    json_array_foreach(json_object_get(status, "silent"), i, one)
        say(out, "broker %.64s is silent since %.0f s", string(one, "name"), seconds(number(one, "for_ms")));
}

static void leaving(json_t *out, const json_t *status)
{
    if (json_is_true(json_object_get(status, "leaving"))) say(out, "broker %.64s is leaving", string(status, "name"));
}

static size_t serving(const json_t *status, const char *service)
{
    size_t i, n = 0;
    const json_t *one;
    json_array_foreach(json_object_get(status, "workers"), i, one) n += strcmp(string(one, "service"), service) == 0;
    return n;
}

static void nobody_serves(json_t *out, const json_t *status)
{
    static const struct {
        const char *service, *dropped, *said;
    } cases[] = {
        {"transcribe", NULL, "no transcriber: nothing is transcribed. Start one: earshot-transcriber"},
        {"room", "no_room", "no room actor: what is said to rooms goes nowhere. Start one: earshot-room"},
        {"jobs", "no_jobs", "no jobs actor: nobody answers for jobs. Start one: earshot-jobs"},
    };
    const json_t *dropped = json_object_get(status, "dropped");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        if (serving(status, cases[i].service) == 0 && (!cases[i].dropped || number(dropped, cases[i].dropped) > 0))
            say(out, "%s", cases[i].said);
}

static void waiting(json_t *out, const json_t *status)
{
    size_t i;
    const json_t *one;
    json_int_t n = number(status, "waiting");
    json_array_foreach(json_object_get(status, "others"), i, one) n += number(one, "waiting");
    if (n == 1)
        say(out, "a stream waits for a place: start more transcribers");
    else if (n > 1)
        say(out, "%lld streams wait for a place: start more transcribers", n);
}

/* ---- actors */

static void actor(json_t *out, const json_t *one, const char *late_with)
{
    const char *name = string(one, "name");
    json_int_t late = number(one, "lag_us") / 1000, heard = number(one, "heard_ms");
    if (heard > ES_STATUS_SILENT_MS) say(out, "%.64s has not been heard for %.1f s", name, seconds(heard));
    if (late > ES_STATUS_LATE_MS) say(out, "%.64s is late: %s waits since %.1f s", name, late_with, seconds(late));
    if (json_is_true(json_object_get(one, "draining")))
        say(out, "%.64s is draining: it takes no new work and ends", name);
}

static void actors(json_t *out, const json_t *status)
{
    size_t i;
    const json_t *one;
    json_array_foreach(json_object_get(status, "workers"), i, one)
    {
        const char *service = string(one, "service");
        bool asked = strcmp(service, "room") == 0 || strcmp(service, "jobs") == 0;
        actor(out, one, asked ? "a request" : "its oldest audio");
    }
    json_array_foreach(json_object_get(status, "edges"), i, one) actor(out, one, "its oldest audio");
}

static void quarantine(json_t *out, const json_t *status)
{
    size_t i;
    const json_t *one;
    json_array_foreach(json_object_get(status, "quarantine"), i, one)
        say(out, "stream %.16s is in quarantine: %.250s", string(one, "client"), string(one, "reason"));
}

static void stores(json_t *out, const json_t *status)
{
    size_t i;
    const json_t *one;
    json_array_foreach(json_object_get(status, "jobs"), i, one)
    {
        const char *error = json_string_value(json_object_get(one, "store_error"));
        if (error) say(out, "%.64s: its store of jobs is in trouble: %.250s", string(one, "name"), error);
    }
}

json_t *es_status_troubles(const json_t *status)
{
    static void (*const looks[])(json_t *, const json_t *) = {silent_brokers, leaving, nobody_serves, waiting,
                                                              stores,         actors,  quarantine};
    json_t *out = json_array();
    for (size_t i = 0; i < sizeof looks / sizeof looks[0]; i++) looks[i](out, status);
    return out;
}
