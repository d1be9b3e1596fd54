/* Hands every file of the directories (or files) given to LLVMFuzzerTestOneInput, as a fuzzer would, and once more each with its last byte cut. A
 * directory without a file fails: a test of nothing is no test. */
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* In an allocation of exactly its size, so that a sanitizer sees every read beyond. */
static void run(const uint8_t *data, size_t size)
{
    uint8_t *exact = malloc(size ? size : 1);
    if (!exact) abort();
    memcpy(exact, data, size);
    LLVMFuzzerTestOneInput(exact, size);
    free(exact);
}

static int replay_file(const char *path)
{
    struct stat status;
    FILE *file = fopen(path, "rb");
    if (!file || fstat(fileno(file), &status) != 0) {
        fprintf(stderr, "replay: cannot read %s: %s\n", path, strerror(errno));
        if (file) fclose(file);
        return -1;
    }
    uint8_t *data = malloc((size_t)status.st_size + 1);
    if (!data) abort();
    size_t size = fread(data, 1, (size_t)status.st_size, file);
    fclose(file);
    run(data, size);
    if (size > 0) run(data, size - 1);
    free(data);
    return 1;
}

/* Files replayed, or -1. */
static int replay(const char *path)
{
    DIR *dir = opendir(path);
    if (!dir) return replay_file(path);
    int count = 0;
    for (struct dirent *entry; count >= 0 && (entry = readdir(dir));) {
        if (entry->d_name[0] == '.') continue;
        char file[4096];
        snprintf(file, sizeof file, "%s/%s", path, entry->d_name);
        int got = replay_file(file);
        count = got < 0 ? -1 : count + got;
    }
    closedir(dir);
    return count;
}

int main(int argc, char **argv)
{
    int total = 0;
    for (int i = 1; i < argc; i++) {
        int got = replay(argv[i]);
        if (got <= 0) {
            fprintf(stderr, "replay: nothing to replay in %s\n", argv[i]);
            return 1;
        }
        total += got;
    }
    printf("replayed %d inputs\n", total);
    return total > 0 ? 0 : 1;
}
