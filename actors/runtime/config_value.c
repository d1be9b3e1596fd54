/* One option: its names, what it allows, text to value. */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "config_parts.h"

void es_option_env_name(const es_option_t *option, char out[ES_ENV_NAME_MAX])
{
    int n = snprintf(out, ES_ENV_NAME_MAX, "EARSHOT_%s", option->environment ? option->environment : option->name);
    for (int i = 8; i < n && i < ES_ENV_NAME_MAX - 1; i++)
        out[i] = out[i] == '-' ? '_' : (char)toupper((unsigned char)out[i]);
}

static const struct {
    const char *suffix;
    uint64_t us;
} units[] = {{"us", 1}, {"ms", 1000}, {"s", 1000000}, {"m", 60000000}, {"h", 3600000000u}};
enum { UNITS = sizeof units / sizeof units[0] };

/* The largest unit that shows the value whole. */
static void format_duration(uint64_t us, char *out, size_t cap)
{
    size_t unit = UNITS - 1;
    while (unit > 0 && (us == 0 ? unit > 2 : us % units[unit].us != 0)) unit--;
    snprintf(out, cap, "%" PRIu64 "%s", us / units[unit].us, units[unit].suffix);
}

void es_option_describe(const es_option_t *option, char *out, size_t cap)
{
    char low[32], high[32];
    switch (option->type) {
    case ES_OPT_T_UINT:
        snprintf(out, cap, "a whole number from %" PRIu64 " to %" PRIu64, option->min, option->max);
        break;
    case ES_OPT_T_STR:
        snprintf(out, cap, "text of at most %" PRIu64 " bytes", option->max);
        break;
    case ES_OPT_T_FLAG:
        snprintf(out, cap, "yes or no");
        break;
    case ES_OPT_T_CHOICE:
        snprintf(out, cap, "one of %s", option->choices);
        break;
    case ES_OPT_T_DURATION:
        format_duration(option->min, low, sizeof low);
        format_duration(option->max, high, sizeof high);
        snprintf(out, cap, "a time from %s to %s (units us, ms, s, m, h)", low, high);
        break;
    }
}

static int complain(char *err, size_t err_len, const char *what)
{
    snprintf(err, err_len, "%s", what);
    return -1;
}

/* Digits only, no sign and no blanks. *end_p is set behind them. */
static int parse_digits(const char *text, uint64_t *value, char **end_p)
{
    if (!isdigit((unsigned char)*text)) return -1;
    errno = 0;
    *value = strtoull(text, end_p, 10);
    return errno ? -1 : 0;
}

static int store_uint(const es_option_t *option, uint64_t *field, const char *text, char *err, size_t err_len)
{
    uint64_t value;
    char *end = NULL;
    if (parse_digits(text, &value, &end) != 0)
        return complain(err, err_len, end ? "is out of range" : "is not a whole number");
    if (*end) return complain(err, err_len, "is not a whole number");
    if (value < option->min || value > option->max) return complain(err, err_len, "is out of range");
    *field = value;
    return 0;
}

static int store_duration(const es_option_t *option, uint64_t *field, const char *text, char *err, size_t err_len)
{
    uint64_t value;
    char *end = NULL;
    if (parse_digits(text, &value, &end) != 0)
        return complain(err, err_len, end ? "is out of range" : "is not a time such as 250ms");
    for (size_t i = 0; i < UNITS; i++) {
        if (strcmp(end, units[i].suffix) != 0) continue;
        if (value > UINT64_MAX / units[i].us) return complain(err, err_len, "is out of range");
        value *= units[i].us;
        if (value < option->min || value > option->max) return complain(err, err_len, "is out of range");
        *field = value;
        return 0;
    }
    return complain(err, err_len, *end ? "has no unit that is known" : "has no unit");
}

static int store_flag(bool *field, const char *text, char *err, size_t err_len)
{
    static const char *const yes[] = {"1", "yes", "true", "on"}, *const no[] = {"0", "no", "false", "off"};
    for (size_t i = 0; i < 4; i++) {
        if (strcasecmp(text, yes[i]) != 0 && strcasecmp(text, no[i]) != 0) continue;
        *field = strcasecmp(text, yes[i]) == 0;
        return 0;
    }
    return complain(err, err_len, "is neither yes nor no");
}

static int store_choice(const es_option_t *option, uint64_t *field, const char *text, char *err, size_t err_len)
{
    const char *at = option->choices;
    for (uint64_t index = 0; at; index++) {
        size_t len = strcspn(at, "|");
        if (strlen(text) == len && strncmp(at, text, len) == 0) {
            *field = index;
            return 0;
        }
        at = at[len] ? at + len + 1 : NULL;
    }
    return complain(err, err_len, "is not known");
}

static int store_text(const es_option_t *option, char **field, const char *text, char *err, size_t err_len)
{
    size_t len = strlen(text);
    if (len > option->max) return complain(err, err_len, "is too long");
    if (len < option->min) return complain(err, err_len, "is too short");
    free(*field);
    *field = es_alloc_copy(text, len);
    return 0;
}

int es_option_store(const es_option_t *option, void *config, const char *text, char *err, size_t err_len)
{
    void *field = (char *)config + option->offset;
    switch (option->type) {
    case ES_OPT_T_UINT:
        return store_uint(option, field, text, err, err_len);
    case ES_OPT_T_STR:
        return store_text(option, field, text, err, err_len);
    case ES_OPT_T_FLAG:
        return store_flag(field, text, err, err_len);
    case ES_OPT_T_CHOICE:
        return store_choice(option, field, text, err, err_len);
    case ES_OPT_T_DURATION:
        return store_duration(option, field, text, err, err_len);
    }
    return -1;
}

enum { NAME_FAR = 64 };

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

unsigned es_config_distance(const char *a, const char *b)
{
    size_t n = strlen(a), m = strlen(b);
    if (n > NAME_FAR || m > NAME_FAR) return NAME_FAR;
    unsigned rows[3][NAME_FAR + 1];
    unsigned *before = rows[0], *last = rows[1], *row = rows[2];
    for (size_t j = 0; j <= m; j++) last[j] = (unsigned)j;
    for (size_t i = 1; i <= n; i++) {
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= m; j++) {
            row[j] = least(last[j] + 1, row[j - 1] + 1);
            row[j] = least(row[j], last[j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = least(row[j], before[j - 2] + 1);
        }
        unsigned *free_row = before;
        before = last;
        last = row;
        row = free_row;
    }
    return last[m];
}
