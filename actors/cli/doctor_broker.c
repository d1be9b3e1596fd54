/* Brokers: can they be reached, are they heard, and who serves behind them? */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "curve.h"
#include "doctor.h"
#include "doctor_judge.h"
#include "endpoints.h"
#include "house_brokers.h"
#include "net.h"
#include "status_live.h"
#include "status_trouble.h"
#include "watch.h"
#include "wire.h"

enum { DIAL_MS = 1500 };

/* ---- reach */

/* tcp://HOST:PORT. 0, or -1 with why. */
static int try_tcp(const char *endpoint, char *err, size_t err_len)
{
    char host[ES_ENDPOINT_MAX];
    snprintf(host, sizeof host, "%s", endpoint + strlen("tcp://"));
    char *colon = strrchr(host, ':'), *name = host;
    if (!colon) return 0;
    *colon = '\0';
    if (*name == '[' && colon[-1] == ']') {
        colon[-1] = '\0';
        name++;
    }
    return es_net_try(name, (uint16_t)strtoul(colon + 1, NULL, 10), DIAL_MS, err, err_len);
}

static int try_ipc(const char *endpoint, char *err, size_t err_len)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", endpoint + strlen("ipc://"));
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int result = connect(fd, (struct sockaddr *)&address, sizeof address);
    if (result != 0) snprintf(err, err_len, "%m");
    close(fd);
    return result;
}

static int try_one(const char *endpoint, char *err, size_t err_len)
{
    if (strncmp(endpoint, "tcp://", 6) == 0) return try_tcp(endpoint, err, err_len);
    return strncmp(endpoint, "ipc://", 6) == 0 ? try_ipc(endpoint, err, err_len) : 0;
}

/* Of those that fail the first is told. */
static void reach(es_doctor_t *self, const es_endpoints_t *at)
{
    bool tcp = strncmp(at->base, "tcp://", 6) == 0;
    const char *const legs[] = {at->publish, at->frontend, at->backend, at->results};
    size_t n = tcp ? sizeof legs / sizeof legs[0]
                   : 1; /* in files they come and go together; a house of threads has the first alone */
    es_finding_t finding;
    char err[200];
    for (size_t i = 0; i < n; i++) {
        if (try_one(legs[i], err, sizeof err) == 0) continue;
        es_finding_set(&finding, ES_VERDICT_FAIL, "nobody answers at %s: %s", legs[i], err);
        es_finding_mend(&finding, "%s",
                        tcp ? "is the broker up, with --tcp, and does no firewall keep its four ports from here?"
                            : "start the house, earshot up, or say where it is with --data DIR or --broker URL");
        es_doctor_tell(self, &finding);
        return;
    }
    es_finding_set(&finding, ES_VERDICT_OK, "%s answers", at->base);
    es_doctor_tell(self, &finding);
}

/* ---- hear */

typedef struct {
    es_doctor_t *doctor;
    es_loop_t *loop;
    es_watch_t *watch;
    es_status_live_t live;
    int64_t ahead_us[ES_HOUSES_MAX]; /* of our clock, by broker in live; its least amount */
    size_t expected;
    uint64_t until_us;
} ear_t;

static void on_beacon(void *ctx, const char *key, json_t *house)
{
    ear_t *ear = ctx;
    size_t before = ear->live.broker_count;
    int64_t ahead_us = (int64_t)(es_wall_us() - es_watch_sent_us(ear->watch));
    es_status_live_beacon(&ear->live, key, house, es_now_us());
    if (ear->live.broker_count > before) ear->ahead_us[before] = ahead_us;
    if (ear->live.broker_count >= ear->expected) es_loop_stop(ear->loop);
}

static uint64_t on_tick(void *ctx, uint64_t now_us)
{
    ear_t *ear = ctx;
    if (now_us >= ear->until_us) es_loop_stop(ear->loop);
    return ear->until_us;
}

static void hear(ear_t *ear)
{
    const es_doctor_config_t *config = ear->doctor->config;
    ear->loop = es_loop_new();
    ear->until_us = es_now_us() + config->wait_us;
    ear->watch = es_watch_new(config->common.broker, on_beacon, ear);
    es_watch_attach(ear->watch, ear->loop);
    es_loop_add_tick(ear->loop, on_tick, ear);
    es_loop_run(ear->loop);
    es_loop_destroy(&ear->loop);
    es_watch_destroy(&ear->watch);
}

static void tell_broker(ear_t *ear, size_t i)
{
    const es_status_broker_t *broker = &ear->live.brokers[i];
    const json_t *said = broker->beacons[broker->count - 1];
    char who[ES_NAME_MAX + 16];
    es_finding_t finding;
    snprintf(who, sizeof who, "broker %s", broker->name);
    es_judge_release(&finding, who, json_string_value(json_object_get(said, "version")), es_config_release());
    es_doctor_tell(ear->doctor, &finding);
    es_judge_skew(&finding, who, ear->ahead_us[i]);
    es_doctor_tell(ear->doctor, &finding);
}

static void tell_heard(ear_t *ear)
{
    const char *brokers = ear->doctor->config->common.broker;
    size_t heard = ear->live.broker_count;
    es_finding_t finding;
    if (heard >= ear->expected) {
        es_finding_set(&finding, ES_VERDICT_OK, "%zu of %zu brokers are heard", heard, ear->expected);
    } else {
        es_finding_set(&finding, ES_VERDICT_FAIL, "%zu of %zu brokers were heard at %.300s within %.1f s", heard,
                       ear->expected, brokers, (double)ear->doctor->config->wait_us / 1e6);
        es_finding_mend(&finding, "is it up, and what does its log say%s?", es_house_brokers_hint(brokers));
    }
    es_doctor_tell(ear->doctor, &finding);
    for (size_t i = 0; i < heard; i++) tell_broker(ear, i);
}

void es_doctor_brokers(es_doctor_t *self)
{
    es_endpoints_t list[ES_BROKERS_MAX];
    char err[512];
    const es_common_config_t *common = &self->config->common;
    es_finding_t finding;
    if (!self->config->data_usable || es_curve_init(common, ES_ROLE_OPERATOR, NULL) != 0) {
        es_finding_set(&finding, ES_VERDICT_FAIL, "no broker can be asked: a line above says why");
        es_doctor_tell(self, &finding);
        return;
    }
    int n = es_endpoints_parse_list(list, common->broker, err, sizeof err);
    ear_t ear = {.doctor = self, .expected = n > 0 ? (size_t)n : 1};
    for (int i = 0; i < n; i++) reach(self, &list[i]);
    hear(&ear);
    tell_heard(&ear);
    self->status = es_status_live_join(&ear.live, es_now_us());
    es_status_live_fini(&ear.live);
}

/* ---- who serves */

void es_doctor_services(es_doctor_t *self)
{
    static const char *const services[] = {"transcribe", "room", "jobs", "upload", "analyze"};
    size_t i;
    const json_t *sentence;
    es_finding_t finding;
    if (!self->status) {
        es_finding_set(&finding, ES_VERDICT_SKIP, "who serves is not known: no broker was heard");
        es_doctor_tell(self, &finding);
        return;
    }
    for (i = 0; i < sizeof services / sizeof services[0]; i++) {
        es_judge_service(&finding, self->status, services[i]);
        es_doctor_tell(self, &finding);
    }
    json_t *troubles = es_status_troubles(self->status);
    json_array_foreach(troubles, i, sentence)
    {
        es_finding_set(&finding, ES_VERDICT_WARN, "%s", json_string_value(sentence));
        es_finding_mend(&finding, "see how it goes on: earshot status --watch");
        es_doctor_tell(self, &finding);
    }
    json_decref(troubles);
}
