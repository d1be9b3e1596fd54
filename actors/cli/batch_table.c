#include "batch_table.h"

#include <stdbool.h>
#include <string.h>

#include "batch_text.h"
#include "printable.h"
#include "table.h"

enum { LABEL = 12, TERMS = 8 };

static const char *string(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

static uint64_t number(const json_t *object, const char *key)
{
    json_int_t value = json_integer_value(json_object_get(object, key));
    return value > 0 ? (uint64_t)value : 0;
}

static double real(const json_t *object, const char *key)
{
    return json_number_value(json_object_get(object, key));
}

/* ---- many */

static void add_row(es_table_t *table, const json_t *job, uint64_t now_ms)
{
    char length[ES_BATCH_TEXT], age[ES_BATCH_TEXT];
    uint64_t duration = number(job, "durationMs"), created = number(job, "createdAt");
    es_table_cell(table, "%s", string(job, "jobId"));
    es_table_cell(table, "%s", string(job, "status"));
    es_table_cell(table, "%.0f %%", real(job, "progress"));
    es_table_cell(table, "%s", duration ? es_batch_length(length, duration) : "-");
    es_table_cell(table, "%llu/%llu", (unsigned long long)number(job, "attempt"),
                  (unsigned long long)number(job, "attempts"));
    es_table_cell(table, "%s", es_batch_age(age, now_ms > created ? now_ms - created : 0));
    es_table_cell(table, "%.20s", string(job, "sessionId"));
    es_table_cell(table, "%.60s", string(job, "fileName"));
}

static void print_counts(FILE *out, const json_t *counts)
{
    const char *state;
    json_t *count;
    bool first = true;
    json_object_foreach((json_t *)counts, state, count)
    {
        if (json_integer_value(count) <= 0) continue;
        fprintf(out, "%s%lld ", first ? "" : ", ", (long long)json_integer_value(count));
        es_printable_write(out, state);
        first = false;
    }
    if (!first) fputc('\n', out);
}

void es_batch_table_print(FILE *out, const json_t *list, uint64_t now_ms)
{
    static const char *const titles[] = {"JOB", "STATE", "DONE", "LENGTH", "TRY", "AGE", "SESSION", "FILE"};
    size_t i;
    json_t *job;
    es_table_t *table = es_table_new("llrrrrll");
    for (i = 0; i < sizeof titles / sizeof titles[0]; i++) es_table_cell(table, "%s", titles[i]);
    json_array_foreach(json_object_get(list, "jobs"), i, job) add_row(table, job, now_ms);
    if (json_array_size(json_object_get(list, "jobs")) > 0)
        es_table_print(table, out);
    else
        fputs("no jobs\n", out);
    es_table_destroy(&table);
    uint64_t page = number(list, "page"), pages = number(list, "pages");
    if (pages > 1)
        fprintf(out, "page %llu of %llu, %llu jobs in all; --page shows another\n", (unsigned long long)page,
                (unsigned long long)pages, (unsigned long long)number(list, "total"));
    print_counts(out, json_object_get(list, "counts"));
}

/* ---- one */

static void label(FILE *out, const char *name)
{
    fprintf(out, "%-*s", LABEL, name);
}

static void line(FILE *out, const char *name, const char *text)
{
    if (!*text) return;
    label(out, name);
    es_printable_write(out, text);
    fputc('\n', out);
}

static void time_line(FILE *out, const char *name, uint64_t ms)
{
    char text[ES_BATCH_TEXT];
    if (ms) line(out, name, es_batch_time(text, ms));
}

static void print_file(FILE *out, const json_t *job)
{
    char size[ES_BATCH_TEXT];
    label(out, "file");
    es_printable_write(out, string(job, "fileName"));
    fprintf(out, ", %s", es_batch_size(size, number(job, "bytes")));
    if (*string(job, "format")) fputs(", ", out);
    es_printable_write(out, string(job, "format"));
    fputs(json_is_false(json_object_get(job, "audio")) ? " (deleted)\n" : "\n", out);
}

static void print_state(FILE *out, const json_t *job)
{
    char done[ES_BATCH_TEXT], all[ES_BATCH_TEXT];
    uint64_t duration = number(job, "durationMs");
    label(out, "state");
    es_printable_write(out, string(job, "status"));
    fprintf(out, ", %.1f %%", real(job, "progress"));
    if (duration)
        fprintf(out, " (%s of %s)", es_batch_length(done, number(job, "doneMs")), es_batch_length(all, duration));
    fputc('\n', out);
    if (number(job, "warnings"))
        fprintf(out, "%-*s%llu pieces could not be made words of\n", LABEL, "warnings",
                (unsigned long long)number(job, "warnings"));
}

static void print_history(FILE *out, const json_t *job)
{
    size_t i;
    json_t *attempt;
    const json_t *history = json_object_get(job, "history");
    if (json_array_size(history) == 0) return;
    fprintf(out, "\nATTEMPTS  (of %llu)\n", (unsigned long long)number(job, "attempts"));
    es_table_t *table = es_table_new("rlllll");
    json_array_foreach(history, i, attempt)
    {
        char started[ES_BATCH_TEXT], ended[ES_BATCH_TEXT];
        const char *outcome = string(attempt, "outcome");
        es_table_cell(table, "%llu", (unsigned long long)number(attempt, "attempt"));
        es_table_cell(table, "%s", string(attempt, "worker"));
        es_table_cell(table, "%s", es_batch_time(started, number(attempt, "startedAt")));
        es_table_cell(table, "%s", es_batch_time(ended, number(attempt, "endedAt")));
        es_table_cell(table, "%s", *outcome ? outcome : "under way");
        es_table_cell(table, "%s", string(attempt, "error"));
    }
    es_table_print(table, out);
    es_table_destroy(&table);
}

static void print_terms(FILE *out, const char *name, const json_t *terms)
{
    size_t i;
    json_t *term;
    if (json_array_size(terms) == 0) return;
    label(out, name);
    json_array_foreach(terms, i, term)
    {
        if (i == TERMS) break;
        fputs(i ? ", " : "", out);
        es_printable_write(out, string(term, "text"));
        fprintf(out, " %llu", (unsigned long long)number(term, "count"));
    }
    fputc('\n', out);
}

static void print_pause(FILE *out, const json_t *pause)
{
    char at[ES_BATCH_TEXT];
    if (!pause) return;
    label(out, "pause");
    fprintf(out, "longest %.1f s at %s", (double)number(pause, "lengthMs") / 1000,
            es_batch_length(at, number(pause, "startMs")));
    if (*string(pause, "after")) fputs(", after: ", out);
    es_printable_write(out, string(pause, "after"));
    fputc('\n', out);
}

static void print_speakers(FILE *out, const json_t *speakers)
{
    size_t i;
    json_t *speaker;
    json_array_foreach(speakers, i, speaker)
    {
        label(out, i ? "" : "speakers");
        es_printable_write(out, string(speaker, "speaker"));
        fprintf(out, " %.0f %%, %llu words\n", 100 * real(speaker, "share"),
                (unsigned long long)number(speaker, "words"));
    }
}

static void print_summary(FILE *out, const json_t *summary)
{
    const char *state = string(summary, "state");
    if (strcmp(state, "ok") == 0) {
        fputs("\nSUMMARY\n", out);
        for (const char *c = string(summary, "text"); *c; c += strcspn(c, "\n"), c += *c == '\n') {
            es_printable_write_part(out, c, strcspn(c, "\n"));
            fputc('\n', out);
        }
        if (json_is_true(json_object_get(summary, "transcriptCut")))
            fputs("(of the beginning: the transcript was too long for the model)\n", out);
    } else if (strcmp(state, "unavailable") == 0)
        line(out, "summary", string(summary, "reason"));
}

static void print_analysis(FILE *out, const json_t *analysis)
{
    if (!json_is_object(analysis)) return;
    fputs("\nANALYSIS\n", out);
    label(out, "words");
    fprintf(out, "%llu, %.0f a minute, while speaking %.0f\n", (unsigned long long)number(analysis, "words"),
            real(analysis, "wordsPerMinute"), real(analysis, "speakingWordsPerMinute"));
    label(out, "speech");
    fprintf(out, "%.0f %%, silence %.0f %%\n", 100 * real(analysis, "speechShare"),
            100 * real(analysis, "silenceShare"));
    if (json_is_number(json_object_get(analysis, "confidence")))
        fprintf(out, "%-*s%.2f\n", LABEL, "confidence", real(analysis, "confidence"));
    print_pause(out, json_array_get(json_object_get(analysis, "pauses"), 0));
    print_terms(out, "fillers", json_object_get(analysis, "fillers"));
    print_terms(out, "terms", json_object_get(analysis, "terms"));
    print_terms(out, "pairs", json_object_get(analysis, "pairs"));
    print_speakers(out, json_object_get(analysis, "speakers"));
    print_summary(out, json_object_get(analysis, "summary"));
}

void es_batch_job_print(FILE *out, const json_t *job)
{
    line(out, "job", string(job, "jobId"));
    line(out, "session", string(job, "sessionId"));
    print_file(out, job);
    print_state(out, job);
    line(out, "note", string(job, "note"));
    line(out, "error", string(job, "error"));
    line(out, "language", string(job, "language"));
    line(out, "worker", string(job, "worker"));
    line(out, "webhook", string(job, "webhook"));
    time_line(out, "created", number(job, "createdAt"));
    time_line(out, "started", number(job, "startedAt"));
    time_line(out, "finished", number(job, "finishedAt"));
    time_line(out, "next try", number(job, "nextAttemptAt"));
    print_history(out, job);
    print_analysis(out, json_object_get(job, "analysis"));
}
