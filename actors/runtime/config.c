/* Loading: texts are gathered from the sources first, then for each option the strongest one is parsed. */
#include "config.h"

#include <ctype.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "config_parts.h"

#ifndef ES_RELEASE
#define ES_RELEASE "0.0.0"
#endif

enum {
    OPT_HELP = 1000,  /* above any letter, which getopt gives back too: the 64th option must not be its '?' */
    OPT_FIRST = 2000, /* the first option of the tables */
    WHAT_MAX = 160
};

typedef struct {
    const es_option_t *const *tables;
    const es_config_about_t *about;
    void *config;
    size_t count;
    const es_option_t **options; /* of all tables */
    struct option *flags;        /* the same for getopt_long, plus help, version, end */
    const char **given;          /* texts from the command line */
    es_env_file_t file;
    const char *file_path;
} loader_t;

const char *es_config_release(void)
{
    return ES_RELEASE;
}

static void print_help(const loader_t *self)
{
    es_config_help(stdout, self->tables, self->about);
}

static void print_version(const loader_t *self)
{
    printf("%s %s\n", self->about->program, ES_RELEASE);
}

static void print_markdown(const loader_t *self)
{
    es_config_markdown(stdout, self->tables);
}

static void print_man(const loader_t *self)
{
    es_config_man(stdout, self->tables, self->about);
}

static void print_words(const loader_t *self)
{
    es_config_words(stdout, self->tables);
}

/* What tells about the options instead of doing something. The first two have letters too; the others are for the README, the manual and the shells. */
static const struct {
    const char *flag;
    char letter;
    void (*print)(const loader_t *self);
} telling[] = {{"help", 'h', print_help},
               {"version", 'V', print_version},
               {"help-markdown", 0, print_markdown},
               {"help-man", 0, print_man},
               {"help-words", 0, print_words}};
enum { TELLING = sizeof telling / sizeof telling[0] };

__attribute__((format(printf, 2, 3))) static es_config_result_t fail(const loader_t *self, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fprintf(stderr, "%s: ", self->about->program);
    vfprintf(stderr, format, args);
    fprintf(stderr, "\nTry \"%s --help\".\n", self->about->program);
    va_end(args);
    return ES_CONFIG_ERROR;
}

static size_t count_options(const es_option_t *const *tables)
{
    size_t n = 0;
    for (; *tables; tables++)
        for (const es_option_t *o = *tables; o->name; o++) n++;
    return n;
}

static void loader_init(loader_t *self, void *config, const es_option_t *const *tables, const es_config_about_t *about)
{
    size_t n = count_options(tables), i = 0;
    *self = (loader_t){.tables = tables, .about = about, .config = config, .count = n};
    self->options = es_alloc_zero((n + 1) * sizeof(void *));
    self->given = es_alloc_zero((n + 1) * sizeof(void *));
    self->flags = es_alloc_zero((n + TELLING + 1) * sizeof *self->flags);
    for (; *tables; tables++) {
        for (const es_option_t *o = *tables; o->name; o++, i++) {
            self->options[i] = o;
            int argument = o->type == ES_OPT_T_FLAG ? optional_argument : required_argument;
            self->flags[i] = (struct option){.name = o->name, .has_arg = argument, .val = OPT_FIRST + (int)i};
        }
    }
    for (size_t t = 0; t < TELLING; t++)
        self->flags[n + t] = (struct option){.name = telling[t].flag, .has_arg = no_argument, .val = OPT_HELP + (int)t};
}

static void loader_fini(loader_t *self)
{
    es_env_file_fini(&self->file);
    free(self->options);
    free(self->given);
    free(self->flags);
}

/* The flag nearest to a mistyped one, or NULL where none is near. */
static const char *nearest_flag(const loader_t *self, const char *name)
{
    const char *best = NULL;
    unsigned least = strlen(name) < 5 ? 2 : 3;
    for (const struct option *f = self->flags; f->name; f++) {
        unsigned d = es_config_distance(f->name, name);
        if (d < least) {
            least = d;
            best = f->name;
        }
    }
    return best;
}

static es_config_result_t refuse_flag(const loader_t *self, const char *arg, int short_flag)
{
    if (short_flag) return fail(self, "there is no option -%c", short_flag);
    size_t len = strcspn(arg, "=");
    char name[WHAT_MAX];
    snprintf(name, sizeof name, "%.*s", (int)(len < WHAT_MAX ? len : WHAT_MAX - 1), arg);
    const char *bare = name + strspn(name, "-");
    for (const struct option *f = self->flags; f->name; f++)
        if (strcmp(f->name, bare) == 0) return fail(self, "option --%s takes no value", bare);
    const char *near = nearest_flag(self, bare);
    if (near) return fail(self, "there is no option %s; did you mean --%s?", name, near);
    return fail(self, "there is no option %s (or it fits several)", name);
}

static es_config_result_t refuse_missing(const loader_t *self, const char *arg, int index)
{
    char allowed[WHAT_MAX];
    if (index < 0 || (size_t)index >= self->count) return fail(self, "option %s needs a value", arg);
    es_option_describe(self->options[index], allowed, sizeof allowed);
    return fail(self, "option --%s needs a value: %s", self->options[index]->name, allowed);
}

static bool tell(const loader_t *self, int at)
{
    for (int t = 0; t < TELLING; t++) {
        if (at != OPT_HELP + t && (at != telling[t].letter || at == 0)) continue;
        telling[t].print(self);
        return true;
    }
    return false;
}

static es_config_result_t read_flags(loader_t *self, int argc, char **argv, int *rest_p)
{
    opterr = 0;
    optind = 0; /* glibc: begin anew, permutation state included */
    for (;;) {
        int at = getopt_long(argc, argv, ":hV", self->flags, NULL);
        if (at == -1) break;
        if (tell(self, at)) return ES_CONFIG_HELP;
        if (at == '?')
            return refuse_flag(self, argv[optind - 1], optopt && isprint(optopt) && optopt < 128 ? optopt : 0);
        if (at == ':') return refuse_missing(self, argv[optind - 1], optopt - OPT_FIRST);
        self->given[at - OPT_FIRST] = optarg ? optarg : "yes";
    }
    *rest_p = optind;
    return ES_CONFIG_OK;
}

/* The strongest text for an option and, in `what`, where it comes from. */
static const char *find_text(const loader_t *self, size_t index, char what[WHAT_MAX])
{
    const es_option_t *o = self->options[index];
    char env[ES_ENV_NAME_MAX];
    es_option_env_name(o, env);
    const char *names[] = {env, o->alias};
    if (self->given[index]) {
        snprintf(what, WHAT_MAX, "--%s", o->name);
        return self->given[index];
    }
    for (int i = 0; i < 2; i++) {
        const char *text = names[i] ? getenv(names[i]) : NULL;
        if (!text) continue;
        snprintf(what, WHAT_MAX, "%s in the environment", names[i]);
        return text;
    }
    for (int i = 0; i < 2; i++) {
        const char *text = names[i] ? es_env_file_get(&self->file, names[i]) : NULL;
        if (!text) continue;
        snprintf(what, WHAT_MAX, "%s in %s", names[i], self->file_path);
        return text;
    }
    snprintf(what, WHAT_MAX, "the default of --%s", o->name);
    return o->initial;
}

static es_config_result_t store_all(loader_t *self)
{
    for (size_t i = 0; i < self->count; i++) {
        char what[WHAT_MAX], err[WHAT_MAX], allowed[WHAT_MAX];
        const char *text = find_text(self, i, what);
        if (!text || es_option_store(self->options[i], self->config, text, err, sizeof err) == 0) continue;
        es_option_describe(self->options[i], allowed, sizeof allowed);
        return fail(self, "%s: \"%.100s\" %s; allowed: %s", what, self->options[i]->secret ? "..." : text, err,
                    allowed);
    }
    return ES_CONFIG_OK;
}

/* A name of the file that neither we nor another actor of the house understands is a typo. */
static es_config_result_t check_file_names(const loader_t *self)
{
    for (size_t i = 0; i < self->file.count; i++) {
        const es_env_entry_t *entry = &self->file.entries[i];
        if (strncmp(entry->name, "EARSHOT_", 8) != 0 || es_config_house_name(entry->name)) continue;
        bool known = false;
        char near[ES_ENV_NAME_MAX] = "", env[ES_ENV_NAME_MAX];
        unsigned least = 3;
        for (size_t k = 0; k < self->count && !known; k++) {
            es_option_env_name(self->options[k], env);
            unsigned d = es_config_distance(env, entry->name);
            known = strcmp(env, entry->name) == 0;
            if (d >= least) continue;
            least = d;
            snprintf(near, sizeof near, "%s", env);
        }
        if (known) continue;
        /* Its value may be a secret. */
        return fail(self, "%s line %u: there is no setting %s%s%s%s", self->file_path, entry->line, entry->name,
                    near[0] ? "; did you mean " : "", near, near[0] ? "?" : "");
    }
    return ES_CONFIG_OK;
}

static es_config_result_t read_file(loader_t *self)
{
    char what[WHAT_MAX], err[512];
    const char *path = NULL;
    for (size_t i = 0; i < self->count; i++)
        if (strcmp(self->options[i]->name, "env-file") == 0) path = find_text(self, i, what);
    self->file_path = path && *path ? path : ".env";
    if (es_env_file_read(&self->file, self->file_path, path && *path, err, sizeof err) != 0)
        return fail(self, "%s", err);
    return check_file_names(self);
}

/* The struct's size is not known here; its options' fields are. */
static void zero_fields(loader_t *self)
{
    for (size_t i = 0; i < self->count; i++) {
        const es_option_t *o = self->options[i];
        size_t size = sizeof(uint64_t);
        if (o->type == ES_OPT_T_FLAG) size = sizeof(bool);
        if (o->type == ES_OPT_T_STR) size = sizeof(char *);
        memset((char *)self->config + o->offset, 0, size);
    }
}

es_config_result_t es_config_load(void *config, const es_option_t *const *tables, const es_config_about_t *about,
                                  int argc, char **argv, int *rest_p)
{
    loader_t loader;
    loader_init(&loader, config, tables, about);
    zero_fields(&loader);
    int rest = argc;
    es_config_result_t result = read_flags(&loader, argc, argv, &rest);
    if (result == ES_CONFIG_OK) result = read_file(&loader);
    if (result == ES_CONFIG_OK) result = store_all(&loader);
    if (result == ES_CONFIG_OK && !rest_p && rest < argc)
        result = fail(&loader, "unexpected argument \"%.100s\"", argv[rest]);
    if (rest_p) *rest_p = rest;
    if (result != ES_CONFIG_OK) es_config_fini(config, tables);
    loader_fini(&loader);
    return result;
}

void es_config_fini(void *config, const es_option_t *const *tables)
{
    for (; *tables; tables++) {
        for (const es_option_t *o = *tables; o->name; o++) {
            if (o->type != ES_OPT_T_STR) continue;
            char **field = (char **)((char *)config + o->offset);
            free(*field);
            *field = NULL;
        }
    }
}
