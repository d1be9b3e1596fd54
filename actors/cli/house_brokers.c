#include "house_brokers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "alloc.h"
#include "curve.h"
#include "endpoints.h"
#include "log.h"

enum { PATH_BYTES = 700, LIST_BYTES = 1200 };

static void path_of(char out[PATH_BYTES], const char *data)
{
    snprintf(out, PATH_BYTES, "%.600s/run/brokers", data);
}

void es_house_brokers_note(const char *data, const char *brokers)
{
    char path[PATH_BYTES], fresh[PATH_BYTES + 24];
    path_of(path, data);
    snprintf(fresh, sizeof fresh, "%s.%d", path, (int)getpid());
    FILE *out = fopen(fresh, "we");
    if (out && fprintf(out, "%s\n", brokers) > 0 && fclose(out) == 0 && rename(fresh, path) == 0) return;
    es_log_warn("the list of brokers cannot be written", ES_S("file", path), ES_S("error", strerror(errno)));
}

void es_house_brokers_forget(const char *data)
{
    char path[PATH_BYTES];
    path_of(path, data);
    unlink(path);
}

static int read_list(const char *data, char list[LIST_BYTES])
{
    char path[PATH_BYTES], err[256];
    es_endpoints_t at[ES_BROKERS_MAX];
    path_of(path, data);
    FILE *in = fopen(path, "re");
    if (!in) return -1;
    char *got = fgets(list, LIST_BYTES, in);
    fclose(in);
    if (!got) return -1;
    list[strcspn(list, "\n")] = '\0';
    return es_endpoints_parse_list(at, list, err, sizeof err) > 0 ? 0 : -1;
}

int es_house_brokers_name(es_common_config_t *common, const char *program)
{
    char list[LIST_BYTES];
    bool named = common->broker && *common->broker;
    if (es_common_config_settle(common, program) == -1) return -1;
    if (!named && read_list(common->data, list) == 0) {
        free(common->broker);
        common->broker = es_alloc_copy(list, strlen(list));
    }
    return 0;
}

int es_house_brokers_settle(es_common_config_t *common, const char *program)
{
    if (es_house_brokers_name(common, program) == -1) return -1;
    return es_curve_init(common, ES_ROLE_OPERATOR, NULL);
}

const char *es_house_brokers_hint(const char *brokers)
{
    if (!strstr(brokers, "tcp://")) return "";
    return es_curve_on() ? ". Or it does not let our key in: \"earshot keys list\" there tells who may come"
                         : ". Or it wants a key: make one with \"earshot keygen operator\"";
}
