#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "cmd_dead.h"

enum { ROW = 16, SHOWN = 512 };

typedef struct {
    es_dead_common_t common;
    uint64_t part;
    bool raw;
} config_t;

static const es_option_t options[] = {
    ES_OPT_UINT(config_t, part, "part", NULL, "0", 0, ES_DEAD_PARTS, "only this part of it, from 1; 0: all"),
    ES_OPT_FLAG(config_t, raw, "raw", "the bytes as they are, to a file or a pipe: of audio 16 kHz mono s16le"),
    ES_OPT_END};
static const es_option_t *const tables[] = {options, es_dead_option_table, NULL};

static const es_config_about_t about = {.program = "earshot dead show",
                                        .usage = "[OPTIONS] ID",
                                        .about = "Prints one letter: what it is, and the beginning of each part.",
                                        .epilog = ES_DEAD_EXITS};

static void dump(es_span_t part)
{
    size_t len = part.len < SHOWN ? part.len : SHOWN;
    for (size_t at = 0; at < len; at += ROW) {
        printf("  %06zx ", at);
        for (size_t i = at; i < at + ROW; i++) i < len ? printf(" %02x", (unsigned char)part.ptr[i]) : printf("   ");
        printf("  ");
        for (size_t i = at; i < at + ROW && i < len; i++)
            putchar(isprint((unsigned char)part.ptr[i]) ? part.ptr[i] : '.');
        putchar('\n');
    }
    if (part.len > len) printf("  (%zu bytes more)\n", part.len - len);
}

static bool wanted(const config_t *config, size_t part)
{
    return config->part == 0 || config->part == part + 1;
}

static void print(const config_t *config, const es_dead_letter_t *letter)
{
    char head[ES_DEAD_HEAD_MAX];
    size_t len = es_dead_letter_head(letter, head);
    fwrite(head, 1, len - 1, stdout);
    for (size_t i = 0; i < letter->count; i++) {
        if (!wanted(config, i)) continue;
        printf("part %zu, %zu bytes\n", i + 1, letter->parts[i].len);
        dump(letter->parts[i]);
    }
}

static int print_raw(const config_t *config, const es_dead_letter_t *letter)
{
    if (isatty(STDOUT_FILENO)) {
        fprintf(stderr,
                "earshot dead show: --raw writes bytes that a terminal cannot show; send them to a file or a pipe\n");
        return ES_DEAD_USAGE;
    }
    for (size_t i = 0; i < letter->count; i++)
        if (wanted(config, i)) fwrite(letter->parts[i].ptr, 1, letter->parts[i].len, stdout);
    return ES_DEAD_OK;
}

static int run(void *ctx, int count, char **args)
{
    const config_t *config = ctx;
    es_dead_file_t file;
    char err[1400];
    int status = ES_DEAD_OK;
    if (count != 1) {
        fprintf(stderr, "earshot dead show: %s; \"earshot dead list\" tells them\n",
                count ? "one ID at a time" : "ID is missing");
        return ES_DEAD_USAGE;
    }
    if (es_dead_box_read(&file, config->common.common.data, args[0], err, sizeof err) != 0) {
        fprintf(stderr, "earshot dead show: %s\n", err);
        return ES_DEAD_FAILED;
    }
    if (config->raw)
        status = print_raw(config, &file.letter);
    else
        print(config, &file.letter);
    es_dead_file_fini(&file);
    return status;
}

int es_cmd_dead_show(int argc, char **argv)
{
    config_t config;
    return es_dead_command(tables, &about, run, &config.common, argc, argv);
}
