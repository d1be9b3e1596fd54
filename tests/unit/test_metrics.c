#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "metrics.h"

static void prometheus_text(void **state)
{
    static ES_METRIC_COUNTER(frames, "earshot_frames_total{kind=\"audio\"}", "Frames.");
    static ES_METRIC_COUNTER(marks, "earshot_frames_total{kind=\"mark\"}", "Frames.");
    static ES_METRIC_GAUGE(streams, "earshot_frames", "Not the same name.");
    es_metric_t *const list[] = {&frames, &marks, &streams, NULL};
    char *text = NULL;
    size_t len = 0;
    (void)state;
    es_metric_add(&frames, 3);
    es_metric_add(&frames, 4);
    es_metric_set(&streams, 9);
    es_metric_add(&streams, UINT64_MAX); /* one less */
    assert_int_equal(es_metric_get(&streams), 8);
    FILE *out = open_memstream(&text, &len);
    es_metrics_print(out, list);
    fclose(out);
    assert_string_equal(text, "# HELP earshot_frames_total Frames.\n"
                              "# TYPE earshot_frames_total counter\n"
                              "earshot_frames_total{kind=\"audio\"} 7\n"
                              "earshot_frames_total{kind=\"mark\"} 0\n"
                              "# HELP earshot_frames Not the same name.\n"
                              "# TYPE earshot_frames gauge\n"
                              "earshot_frames 8\n");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(prometheus_text)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
