#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "cmd.h"
#include "curve.h"
#include "loopback.h"
#include "net.h"
#include "runner.h"
#include "up.h"

enum { UP_OK = 0, UP_FAILED = 1, UP_USAGE = 2 };
enum { WATCHDOG_MIN_US = 2000000 };

static const es_config_about_t about = {
    .program = "earshot up",
    .usage = "[OPTIONS]",
    .about = "Starts broker, edge, transcribers and actors for rooms, recordings and their analysis, restarts what "
             "dies, and\n"
             "stops all in order on SIGINT or SIGTERM (a second one kills). Prints \"ready http://HOST:PORT\", with an "
             "address for\n"
             "each edge, once a word said would come back, then where the dashboard is. With --broker no broker is "
             "started: the\n"
             "actors join that one. Pid files and addresses (NAME.addr) are in DIR/run.",
    .epilog = "Exit codes:\n"
              "  0    stopped by a signal\n"
              "  1    could not start, or an actor died again and again\n"
              "  2    wrong options"};

/* One `up` in a directory. The descriptor is kept until the process ends. */
static int take_lock(const char *data)
{
    char path[700], holder[32] = "";
    snprintf(path, sizeof path, "%s/up.lock", data);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd == -1) {
        fprintf(stderr, "earshot up: cannot open %s: %s\n", path, strerror(errno));
        return -1;
    }
    if (flock(fd, LOCK_EX | LOCK_NB) == -1) {
        ssize_t n = read(fd, holder, sizeof holder - 1);
        holder[n > 0 ? n : 0] = '\0';
        fprintf(stderr,
                "earshot up: another one runs in %s (process %ld). Stop it, or choose another directory with --data\n",
                data, strtol(holder, NULL, 10));
        close(fd);
        return -1;
    }
    if (ftruncate(fd, 0) == -1 || dprintf(fd, "%d\n", (int)getpid()) < 0)
        fprintf(stderr, "earshot up: cannot write %s: %s\n", path, strerror(errno));
    return fd;
}

static int check_ports(const es_up_config_t *config)
{
    char err[200];
    uint64_t ports = config->reuse_port ? 1 : config->edges;
    for (uint64_t port = config->port; port > 0 && port < config->port + ports; port++) {
        if (es_net_free(config->host, (uint16_t)port, err, sizeof err) == 0) continue;
        fprintf(stderr,
                "earshot up: cannot listen on %s port %llu: %s. Choose another with --port, or 0 to have a free one "
                "drawn\n",
                config->host, (unsigned long long)port, err);
        return -1;
    }
    return 0;
}

static bool set(const char *text)
{
    return text && *text;
}

/* The edges would refuse it too, one by one and once the rest is there. */
static bool open_to_all(const es_up_config_t *config)
{
    bool guarded = set(config->tls_cert) || set(config->jwt_keys) || set(config->api_keys) || config->common.insecure;
    return !guarded && config->edges > 0 && !es_loopback_host(config->host);
}

/* What goes with what. */
static int check(const es_up_config_t *config, bool own_broker)
{
    const char *wrong = NULL;
    if (config->tcp && !own_broker)
        wrong = "--tcp is for a broker started here, and --broker (or BROKER_URL) names one elsewhere";
    else if (config->brokers > 1 && !own_broker)
        wrong = "--brokers is for brokers started here, and --broker (or BROKER_URL) names one elsewhere";
    else if (config->threads && (config->brokers > 1 || config->edges > 1))
        wrong = "--threads has one broker and one edge: several are there to survive the end of a process. Leave out "
                "--threads, or --brokers and --edges";
    else if (open_to_all(config))
        wrong = "--host is beyond this machine, and nothing would keep secret what is said or ask who comes. Give "
                "--tls-cert FILE and --tls-key FILE, or --jwt-key FILE or --api-keys FILE; or --insecure to insist "
                "(behind a proxy that does it, say)";
    else if (config->watchdog_us > 0 && config->watchdog_us < WATCHDOG_MIN_US)
        wrong =
            "--watchdog is shorter than 2s, and an actor with nothing to do turns once a second. Give it longer, or "
            "0s for none";
    else if (config->reuse_port && config->port == 0)
        wrong = "--reuse-port wants the port that is shared: name one with --port";
    else if (config->port > 0 && !config->reuse_port && config->port + config->edges - 1 > 65535)
        wrong = "--port and the ports after it, one for each of --edges, end at 65535. Choose a lower --port";
    if (!wrong) return 0;
    fprintf(stderr, "earshot up: %s\n", wrong);
    return -1;
}

/* As the broker's process will see it, or as one who joins: what will be refused is refused before anything is started. */
static int check_keys(const es_up_config_t *config, bool own_broker)
{
    char url[ES_ENDPOINT_MAX];
    snprintf(url, sizeof url, "tcp://%s", config->tcp ? config->tcp : "");
    if (config->common.key) {
        fprintf(stderr, "earshot up: --key is for one actor. Each takes NAME.key or ROLE.key out of --keys\n");
        return -1;
    }
    es_role_t role = own_broker ? ES_ROLE_BROKER : ES_ROLE_OPERATOR;
    if (es_curve_init(&config->common, role, config->tcp ? url : NULL) == -1) return -1;
    if (own_broker || !config->threads || !es_curve_on()) return 0;
    fprintf(stderr,
            "earshot up: --threads puts all actors under one key, and the broker wants one of each role. Leave out "
            "--threads\n");
    return -1;
}

static int up(es_up_config_t *config)
{
    char bases[ES_UP_BASES_MAX];
    bool own_broker = !config->common.broker || !*config->common.broker;
    if (es_common_config_settle(&config->common, "up") == -1 || check(config, own_broker) == -1 ||
        check_keys(config, own_broker) == -1)
        return UP_USAGE;
    int lock = take_lock(config->common.data);
    if (lock == -1 || check_ports(config) == -1) {
        if (lock != -1) close(lock);
        return UP_FAILED;
    }
    es_up_plan_bases(bases, own_broker && config->threads ? "inproc://earshot" : config->common.broker,
                     config->brokers);
    int status = es_up_run(config, config->threads ? &es_up_threads : &es_up_processes, own_broker, bases);
    close(lock);
    return status;
}

int es_cmd_up(int argc, char **argv)
{
    es_up_config_t config;
    int status;
    es_runner_prepare();
    switch (es_config_load(&config, es_up_option_tables, &about, argc, argv, NULL)) {
    case ES_CONFIG_OK:
        status = up(&config);
        break;
    case ES_CONFIG_HELP:
        status = UP_OK;
        break;
    default:
        status = UP_USAGE;
    }
    es_config_fini(&config, es_up_option_tables);
    return status;
}
