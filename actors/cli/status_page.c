#include "status_page.h"

#include "printable.h"
#include "status_trouble.h"
#include "status_view.h"

static json_int_t number(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

static json_int_t total(const json_t *status, const char *key)
{
    size_t i;
    const json_t *one;
    json_int_t n = number(status, key);
    json_array_foreach(json_object_get(status, "others"), i, one) n += number(one, key);
    return n;
}

/* Of all brokers; what is not known yet counts for nothing. */
static double rate(const json_t *status, const char *key)
{
    size_t i;
    const json_t *one;
    double sum = json_real_value(json_object_get(json_object_get(status, "rates"), key));
    json_array_foreach(json_object_get(status, "others"), i, one) sum +=
        json_real_value(json_object_get(json_object_get(one, "rates"), key));
    return sum;
}

/* Each broker knows all places of all workers, and only its own streams. */
static void print_house(FILE *out, const json_t *status)
{
    fprintf(out, "streams %lld, waiting %lld, free places %lld, frames/s %.1f, results/s %.1f\n",
            total(status, "streams"), total(status, "waiting"), number(status, "free"), rate(status, "frames"),
            rate(status, "results"));
}

static void print_troubles(FILE *out, const json_t *status)
{
    size_t i;
    const json_t *sentence;
    json_t *all = es_status_troubles(status);
    json_array_foreach(all, i, sentence)
    {
        fputs(ES_STATUS_PAGE_WRONG, out);
        es_printable_write(out, json_string_value(sentence));
        fputc('\n', out);
    }
    if (json_array_size(all) == 0) fputs("all is well\n", out);
    json_decref(all);
}

/* Those that share a store tell the same. */
static void print_counts(FILE *out, const json_t *jobs)
{
    static const struct {
        const char *key, *word;
    } states[] = {{"QUEUED", "queued"},       {"TRANSCRIBING", "transcribing"},
                  {"ANALYZING", "analyzing"}, {"COMPLETED", "completed"},
                  {"FAILED", "failed"},       {"CANCELLED", "cancelled"}};
    const json_t *counts = json_object_get(json_array_get(jobs, 0), "counts");
    if (!json_is_object(counts)) return;
    fputs("jobs:", out);
    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++)
        fprintf(out, "%s %lld %s", i ? "," : "", number(counts, states[i].key), states[i].word);
    fputc('\n', out);
}

static void print_jobs(FILE *out, const json_t *status)
{
    size_t i;
    const json_t *one, *jobs = json_object_get(status, "jobs");
    print_counts(out, jobs);
    json_array_foreach(jobs, i, one)
    {
        const char *name = json_string_value(json_object_get(one, "name"));
        es_printable_write(out, name ? name : "?");
        fprintf(out, ": %lld of %lld jobs at work, uploads %lld, recordings %.1f GB of %.1f GB, disk free %.1f GB\n",
                number(one, "running"), number(one, "concurrency"), number(one, "uploads"),
                (double)number(one, "spool_bytes") / 1e9, (double)number(one, "spool_quota") / 1e9,
                (double)number(one, "disk_free") / 1e9);
    }
}

void es_status_page_print(FILE *out, const json_t *status)
{
    print_house(out, status);
    print_troubles(out, status);
    fputc('\n', out);
    es_status_print_tables(out, status);
    print_jobs(out, status);
    es_status_print_figures(out, status);
}
