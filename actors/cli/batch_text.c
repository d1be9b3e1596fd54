#include "batch_text.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

const char *es_batch_size(char out[ES_BATCH_TEXT], uint64_t bytes)
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
    double value = (double)bytes;
    size_t unit = 0;
    for (; value >= 999.95 && unit + 1 < sizeof units / sizeof units[0]; unit++) value /= 1000;
    snprintf(out, ES_BATCH_TEXT, unit ? "%.1f %s" : "%.0f %s", value, units[unit]);
    return out;
}

const char *es_batch_length(char out[ES_BATCH_TEXT], uint64_t ms)
{
    unsigned long long s = ms / 1000;
    if (s < 3600)
        snprintf(out, ES_BATCH_TEXT, "%llu:%02llu", s / 60, s % 60);
    else
        snprintf(out, ES_BATCH_TEXT, "%llu:%02llu:%02llu", s / 3600, s / 60 % 60, s % 60);
    return out;
}

const char *es_batch_age(char out[ES_BATCH_TEXT], uint64_t ms)
{
    static const struct {
        uint64_t ms;
        const char *unit;
    } steps[] = {{86400000, "d"}, {3600000, "h"}, {60000, "min"}, {1000, "s"}};
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        if (ms < 2 * steps[i].ms && i < 3) continue;
        snprintf(out, ES_BATCH_TEXT, "%llu %s", (unsigned long long)(ms / steps[i].ms), steps[i].unit);
        break;
    }
    return out;
}

const char *es_batch_time(char out[ES_BATCH_TEXT], uint64_t wall_ms)
{
    time_t seconds = (time_t)(wall_ms / 1000);
    struct tm parts;
    if (wall_ms == 0 || !localtime_r(&seconds, &parts) ||
        strftime(out, ES_BATCH_TEXT, "%Y-%m-%d %H:%M:%S", &parts) == 0)
        snprintf(out, ES_BATCH_TEXT, "-");
    return out;
}

const char *es_batch_bar(char out[ES_BATCH_TEXT], double part, double all)
{
    double share = all > 0 ? part / all : 0;
    int full = share >= 1 ? (int)ES_BATCH_BAR : share > 0 ? (int)(share * ES_BATCH_BAR) : 0;
    snprintf(out, ES_BATCH_TEXT, "[%.*s%*s]", full, "########################", (int)ES_BATCH_BAR - full, "");
    return out;
}

const char *es_batch_tail(const char *text, size_t columns)
{
    const char *p = text + strlen(text);
    while (p > text && columns > 0) {
        p--;
        if (((unsigned char)*p & 0xc0) != 0x80) columns--;
    }
    return p;
}

const char *es_batch_type(const char *file_name)
{
    static const struct {
        const char *ending, *type;
    } types[] = {{".wav", "audio/wav"},  {".flac", "audio/flac"}, {".mp3", "audio/mpeg"},
                 {".ogg", "audio/ogg"},  {".oga", "audio/ogg"},   {".opus", "audio/ogg"},
                 {".aif", "audio/aiff"}, {".aiff", "audio/aiff"}, {".au", "audio/basic"}};
    const char *dot = strrchr(file_name, '.');
    for (size_t i = 0; dot && i < sizeof types / sizeof types[0]; i++)
        if (strcasecmp(dot, types[i].ending) == 0) return types[i].type;
    return "application/octet-stream";
}

const char *es_batch_base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}
