#include "room_metrics.h"

#include <stddef.h>
#include <string.h>

#define FIGURE(kind, field, name_, help_)                                                                           \
    {                                                                                                               \
        .offset = offsetof(es_room_figures_t, field), .metric = {.name = (name_), .help = (help_), .type = (kind) } \
    }
#define GAUGE(field, name, help) FIGURE(ES_GAUGE, field, name, help)
#define COUNTER(field, name, help) FIGURE(ES_COUNTER, field, name, help)

static struct {
    size_t offset;
    es_metric_t metric;
} figures[] = {
    GAUGE(rooms.open, "earshot_room_rooms", "rooms open now"),
    GAUGE(rooms.members, "earshot_room_members", "members of open rooms"),
    COUNTER(rooms.requests, "earshot_room_requests_total", "requests to rooms"),
    COUNTER(rooms.loaded, "earshot_room_loaded_total", "rooms claimed and loaded"),
    COUNTER(rooms.lost, "earshot_room_dropped_total",
            "rooms dropped with what they had to say: nothing could be stored, or another actor took them over"),
    COUNTER(rooms.early, "earshot_room_turns_ended_early_total", "turns ended because much waited to be said"),
    COUNTER(room.events[ES_EVENT_JOINED], "earshot_room_events_total{type=\"joined\"}", "events of rooms"),
    COUNTER(room.events[ES_EVENT_LEFT], "earshot_room_events_total{type=\"left\"}", ""),
    COUNTER(room.events[ES_EVENT_MESSAGE], "earshot_room_events_total{type=\"message\"}", ""),
    COUNTER(room.events[ES_EVENT_CAPTION], "earshot_room_events_total{type=\"caption\"}", ""),
    COUNTER(room.events[ES_EVENT_PARTIAL], "earshot_room_events_total{type=\"partial\"}", ""),
    COUNTER(room.again, "earshot_room_again_total", "operations that were done before, answered again"),
    COUNTER(room.early, "earshot_room_too_early_total", "operations dropped because an earlier one has not come"),
    COUNTER(room.refused[ES_ROOM_NOT_MEMBER], "earshot_room_refused_total{reason=\"not_member\"}", "what was refused"),
    COUNTER(room.refused[ES_ROOM_FULL], "earshot_room_refused_total{reason=\"room_full\"}", ""),
    COUNTER(room.refused[ES_ROOM_BAD_REQUEST], "earshot_room_refused_total{reason=\"bad_request\"}", ""),
    COUNTER(rooms.too_many, "earshot_room_refused_total{reason=\"too_many_rooms\"}", ""),
    COUNTER(room.too_long, "earshot_room_too_long_total", "messages longer than --max-text"),
    COUNTER(room.malformed, "earshot_room_malformed_total", "requests and rows of lists that make no sense"),
    COUNTER(room.not_seated, "earshot_room_not_seated_total", "members in lists of edges, for whom a room was full"),
    COUNTER(room.cut, "earshot_room_captions_cut_total", "captions of which a part, or all, had been said"),
    COUNTER(room.departed_forgotten, "earshot_room_departed_forgotten_total",
            "clients that had left, forgotten to remember others"),
    COUNTER(room.given_up, "earshot_room_given_up_total", "events given up by count or age"),
    COUNTER(store.commits, "earshot_room_commits_total", "turns stored, each with one fsync"),
    COUNTER(store.rows, "earshot_room_stored_total", "events stored"),
    COUNTER(store.failed, "earshot_room_failed_total", "turns that could not be stored"),
    COUNTER(store.busy, "earshot_room_busy_total", "of them, because another process held the file"),
    COUNTER(store.passed, "earshot_room_passed_total", "rooms found to be another actor's"),
    COUNTER(store.trimmed, "earshot_room_trimmed_total", "old rows deleted"),
    COUNTER(store.forgotten, "earshot_room_forgotten_total", "rooms forgotten, because no actor had them for long"),
};
enum { FIGURES = sizeof figures / sizeof *figures };

static uint64_t figure(const es_room_figures_t *of, size_t i)
{
    uint64_t value;
    memcpy(&value, (const char *)of + figures[i].offset, sizeof value);
    return value;
}

void es_room_metrics_tell(es_room_figures_t *told, const es_room_figures_t *now)
{
    for (size_t i = 0; i < FIGURES; i++) es_metric_add(&figures[i].metric, figure(now, i) - figure(told, i));
    *told = *now;
}

es_metric_t *const *es_room_metrics(void)
{
    static es_metric_t *list[FIGURES + 1]; /* the last one stays NULL */
    for (size_t i = 0; i < FIGURES; i++) list[i] = &figures[i].metric;
    return list;
}
