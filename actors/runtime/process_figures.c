#include "process_figures.h"

#include <dirent.h>
#include <inttypes.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#ifndef ES_RELEASE
#define ES_RELEASE "0.0.0"
#endif

enum { UTIME = 14, STIME = 15, STARTTIME = 22, VSIZE = 23, RSS = 24, STAT_BYTES = 1024 }; /* fields of proc(5)'s stat */

static void head(FILE *out, const char *name, const char *type, const char *help)
{
    fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void real(FILE *out, const char *name, const char *type, const char *help, double value)
{
    head(out, name, type, help);
    fprintf(out, "%s %.2f\n", name, value);
}

static void whole(FILE *out, const char *name, const char *help, uint64_t value)
{
    head(out, name, "gauge", help);
    fprintf(out, "%s %" PRIu64 "\n", name, value);
}

/* The name in the second field may hold anything; the fields behind its bracket are numbers. */
static int read_stat(uint64_t fields[RSS + 1])
{
    char text[STAT_BYTES];
    FILE *file = fopen("/proc/self/stat", "re");
    if (!file) return -1;
    text[fread(text, 1, sizeof text - 1, file)] = 0;
    fclose(file);
    char *at = strrchr(text, ')'), *rest = NULL;
    if (!at || strlen(at) < 4) return -1;
    int field = 4; /* the first number */
    for (at = strtok_r(at + 4, " ", &rest); at && field <= RSS; at = strtok_r(NULL, " ", &rest), field++)
        if (sscanf(at, "%" SCNu64, &fields[field]) != 1) fields[field] = 0;
    return field > RSS ? 0 : -1;
}

/* When the machine was started, in seconds since 1970. /proc/stat knows it too, but a hardened unit does not show that. */
static double booted(void)
{
    struct timespec now, up;
    clock_gettime(CLOCK_REALTIME, &now);
    clock_gettime(CLOCK_BOOTTIME, &up);
    return (double)(now.tv_sec - up.tv_sec) + (double)(now.tv_nsec - up.tv_nsec) / 1e9;
}

static void print_stat(FILE *out)
{
    uint64_t stat[RSS + 1] = {0};
    double ticks = (double)sysconf(_SC_CLK_TCK);
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    if (read_stat(stat) != 0) return;
    real(out, "process_cpu_seconds_total", "counter", "CPU time of this process, user and system.",
         (double)(stat[UTIME] + stat[STIME]) / ticks);
    whole(out, "process_resident_memory_bytes", "Memory that this process has in RAM.", stat[RSS] * page);
    whole(out, "process_virtual_memory_bytes", "Address space of this process.", stat[VSIZE]);
    real(out, "process_start_time_seconds", "gauge", "When this process started, in seconds since 1970.",
         booted() + (double)stat[STARTTIME] / ticks);
}

static void print_descriptors(FILE *out)
{
    struct rlimit limit;
    uint64_t open = 0;
    DIR *folder = opendir("/proc/self/fd");
    if (folder) {
        for (struct dirent *entry; (entry = readdir(folder));) open += entry->d_name[0] != '.';
        closedir(folder);
        whole(out, "process_open_fds", "Descriptors that this process has open.", open - 1); /* not the folder's */
    }
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
        whole(out, "process_max_fds", "Descriptors that this process may have open.", limit.rlim_cur);
}

void es_process_print(FILE *out)
{
    print_stat(out);
    print_descriptors(out);
    head(out, "earshot_build_info", "gauge", "Always 1; the version is the label.");
    fprintf(out, "earshot_build_info{version=\"%s\"} 1\n", ES_RELEASE);
}
