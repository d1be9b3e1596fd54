/* The option tables as a manual page and as lists for the shells. */
#include <ctype.h>
#include <string.h>

#include "config_parts.h"

#ifndef ES_RELEASE
#define ES_RELEASE "0.0.0"
#endif

/* A hyphen that is typed, a backslash, and what would be a request at the start of a line. */
static void put_text(FILE *out, const char *text, size_t len, bool line_begins)
{
    for (size_t i = 0; i < len; i++) {
        if (line_begins && (text[i] == '.' || text[i] == '\'')) fputs("\\&", out);
        line_begins = text[i] == '\n';
        if (text[i] == '-')
            fputs("\\-", out);
        else if (text[i] == '\\')
            fputs("\\e", out);
        else
            fputc(text[i], out);
    }
}

static void put(FILE *out, const char *text)
{
    put_text(out, text, strlen(text), true);
}

static void put_bold(FILE *out, const char *text)
{
    fputs("\\fB", out);
    put_text(out, text, strlen(text), false);
    fputs("\\fR", out);
}

/* "earshot jobs list" has the page earshot-jobs-list. */
static void put_page_name(FILE *out, const char *program, bool capitals)
{
    for (; *program; program++) {
        char c = *program == ' ' ? '-' : *program;
        fprintf(out, c == '-' ? "\\-" : "%c", capitals ? toupper((unsigned char)c) : c);
    }
}

/* Up to the end of the first sentence, on one line. */
static void put_summary(FILE *out, const char *about)
{
    const char *end = about + strlen(about);
    for (const char *c = about; *c; c++) {
        if (*c != '.' || (c[1] && !isspace((unsigned char)c[1]))) continue;
        end = c;
        break;
    }
    for (; about < end; about++) {
        if (*about == '\n')
            fputc(' ', out);
        else
            put_text(out, about, 1, false);
    }
}

static void put_option(FILE *out, const es_option_t *o)
{
    char range[160], env[ES_ENV_NAME_MAX], flag[80];
    const char *value = es_option_placeholder(o);
    es_option_describe(o, range, sizeof range);
    es_option_env_name(o, env);
    snprintf(flag, sizeof flag, "--%s", o->name);
    fputs(".TP\n", out);
    put_bold(out, flag);
    if (value) fprintf(out, " \\fI%s\\fR", value);
    fputc('\n', out);
    put(out, o->help);
    fputs(".\n.br\nAllowed: ", out);
    put_text(out, range, strlen(range), false);
    fputs(". ", out);
    if (o->initial && *o->initial) {
        fputs("Default: ", out);
        put_bold(out, o->initial);
        fputs(". ", out);
    }
    fputs("Environment: ", out);
    put_bold(out, env);
    if (o->alias) fputs(", ", out);
    if (o->alias) put_bold(out, o->alias);
    fputs(".\n", out);
}

static void put_options(FILE *out, const es_option_t *const *tables)
{
    if (!*tables) return;
    fputs(".SH OPTIONS\n", out);
    for (; *tables; tables++)
        for (const es_option_t *o = *tables; o->name; o++) put_option(out, o);
    fputs(".TP\n\\fB\\-h\\fR, \\fB\\-\\-help\\fR\nTell the options and exit.\n", out);
    fputs(".TP\n\\fB\\-V\\fR, \\fB\\-\\-version\\fR\nTell the version and exit.\n", out);
    fputs(".SH ENVIRONMENT AND FILES\nA flag wins over the environment, that over the file \\fI.env\\fR (or "
          "\\fB\\-\\-env\\-file\\fR), that over the default.\n",
          out);
}

static void put_epilog(FILE *out, const char *epilog)
{
    if (!epilog) return;
    size_t heading = strcspn(epilog, ":\n");
    if (epilog[heading] != ':') {
        fputs(".SH NOTES\n", out);
        put(out, epilog);
        fputc('\n', out);
        return;
    }
    fputs(".SH \"", out);
    for (size_t i = 0; i < heading; i++) fputc(toupper((unsigned char)epilog[i]), out);
    const char *text = epilog + heading + 1;
    bool list = *text == '\n';
    text += strspn(text, list ? "\n" : " ");
    fprintf(out, "\"\n%s", list ? ".nf\n" : "");
    put(out, text);
    fprintf(out, "\n%s", list ? ".fi\n" : "");
}

void es_config_man(FILE *out, const es_option_t *const *tables, const es_config_about_t *about)
{
    bool command = strncmp(about->program, "earshot", 7) == 0 && about->program[7] != '-';
    fputs(".TH ", out);
    put_page_name(out, about->program, true);
    fprintf(out, " %c \"\" \"earshot %s\" \"earshot\"\n.SH NAME\n", command ? '1' : '8', ES_RELEASE);
    put_page_name(out, about->program, false);
    fputs(" \\- ", out);
    put_summary(out, about->about);
    fputs("\n.SH SYNOPSIS\n", out);
    put_bold(out, about->program);
    fputc(' ', out);
    put_text(out, about->usage, strlen(about->usage), false);
    fputs("\n.SH DESCRIPTION\n", out);
    put(out, about->about);
    fputc('\n', out);
    put_options(out, tables);
    put_epilog(out, about->epilog);
    if (strcmp(about->program, "earshot") != 0) fputs(".SH \"SEE ALSO\"\n.BR earshot (1)\n", out);
}

void es_config_words(FILE *out, const es_option_t *const *tables)
{
    for (; *tables; tables++) {
        for (const es_option_t *o = *tables; o->name; o++) {
            const char *value = es_option_placeholder(o);
            fprintf(out, "--%s\t%s\t%s\t%s\n", o->name, value ? value : "-", o->choices ? o->choices : "-", o->help);
        }
    }
}
