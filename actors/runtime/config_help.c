#include <string.h>

#include "config_parts.h"

enum { HELP_COLUMN = 26 };

const char *es_option_placeholder(const es_option_t *o)
{
    switch (o->type) {
    case ES_OPT_T_UINT:
        return "N";
    case ES_OPT_T_STR:
        return "TEXT";
    case ES_OPT_T_CHOICE:
        return "WHICH";
    case ES_OPT_T_DURATION:
        return "TIME";
    case ES_OPT_T_FLAG:
        break;
    }
    return NULL;
}

void es_option_flag_text(const es_option_t *o, char *out, size_t cap)
{
    const char *value = es_option_placeholder(o);
    snprintf(out, cap, "--%s%s%s", o->name, value ? " " : "", value ? value : "");
}

/* Plain text needs no word on its range; of the other types the range is what people look for. */
static void range_text(const es_option_t *o, char *out, size_t cap)
{
    if (o->type == ES_OPT_T_STR)
        out[0] = 0;
    else
        es_option_describe(o, out, cap);
}

static void print_option(FILE *out, const es_option_t *o)
{
    char flag[80], range[160], env[ES_ENV_NAME_MAX];
    es_option_flag_text(o, flag, sizeof flag);
    range_text(o, range, sizeof range);
    es_option_env_name(o, env);
    fprintf(out, "  %-*s", HELP_COLUMN, flag);
    if (strlen(flag) >= HELP_COLUMN) fprintf(out, "\n  %*s", HELP_COLUMN, "");
    fprintf(out, "%s\n  %*s", o->help, HELP_COLUMN, "");
    if (o->initial) fprintf(out, "default %s; ", *o->initial ? o->initial : "empty");
    if (range[0]) fprintf(out, "%s; ", range);
    fprintf(out, "%s%s%s\n", env, o->alias ? ", " : "", o->alias ? o->alias : "");
}

void es_config_help(FILE *out, const es_option_t *const *tables, const es_config_about_t *about)
{
    fprintf(out, "Usage: %s %s\n\n%s\n\nOptions:\n", about->program, about->usage, about->about);
    for (; *tables; tables++)
        for (const es_option_t *o = *tables; o->name; o++) print_option(out, o);
    fprintf(out, "  %-*sprint this and exit\n", HELP_COLUMN, "-h, --help");
    fprintf(out, "  %-*sprint the version and exit\n", HELP_COLUMN, "-V, --version");
    fprintf(out,
            "\nA flag wins over the environment, that over the file .env (or --env-file), that over the default.\n");
    if (about->epilog) fprintf(out, "\n%s\n", about->epilog);
}

/* A bar would end the cell. */
static void print_cell(FILE *out, const char *text)
{
    for (; *text; text++) fprintf(out, *text == '|' ? "\\|" : "%c", *text);
}

void es_config_markdown(FILE *out, const es_option_t *const *tables)
{
    fprintf(out, "| flag | environment | default | allowed | what |\n|---|---|---|---|---|\n");
    for (; *tables; tables++) {
        for (const es_option_t *o = *tables; o->name; o++) {
            char flag[80], range[160], env[ES_ENV_NAME_MAX];
            es_option_flag_text(o, flag, sizeof flag);
            es_option_describe(o, range, sizeof range);
            es_option_env_name(o, env);
            fprintf(out, "| `%s` | `%s`%s%s%s | %s%s%s | ", flag, env, o->alias ? ", `" : "", o->alias ? o->alias : "",
                    o->alias ? "`" : "", o->initial ? "`" : "", o->initial ? o->initial : "", o->initial ? "`" : "");
            print_cell(out, range);
            fprintf(out, " | ");
            print_cell(out, o->help);
            fprintf(out, " |\n");
        }
    }
}
