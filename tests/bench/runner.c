/* Runs commands in turn, ROUNDS times, and prints for each the medians of its wall time and its processor time in
   nanoseconds, its peak memory in KiB and how often it failed:

       runner ROUNDS command argument... -- command argument... -- ...

   Each runs twice in a row, and the second time counts, so that it does not matter which one ran before it.

   It is C and linked statically because the kernel counts a child's peak memory from the memory of the process that
   started it: a larger runner would be all that one sees of small programs. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MOST = 32 };

static long long now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static long long nanoseconds(struct timeval t) {
    return t.tv_sec * 1000000000LL + t.tv_usec * 1000LL;
}

static int by_size(const void *a, const void *b) {
    long long x = *(const long long *)a, y = *(const long long *)b;
    return (x > y) - (x < y);
}

int main(int argc, char **argv) {
    char **command[MOST];
    long long *wall[MOST], *cpu[MOST];
    long memory[MOST] = {0}, failures[MOST] = {0};
    int commands = 0, rounds = argc > 2 ? atoi(argv[1]) : 0;
    if (rounds < 1)
        return 2;
    for (int i = 2, start = 2; i <= argc; i++)
        if (i == argc || !strcmp(argv[i], "--")) {
            if (commands == MOST || i == start)
                return 2;
            argv[i] = NULL;
            wall[commands] = malloc(sizeof(long long) * rounds);
            cpu[commands] = malloc(sizeof(long long) * rounds);
            command[commands++] = argv + start;
            start = i + 1;
        }
    /* What the commands print goes nowhere; the table goes to what was stdout. */
    FILE *table = fdopen(fcntl(1, F_DUPFD_CLOEXEC, 3), "w");
    int nowhere = open("/dev/null", O_RDWR);
    dup2(nowhere, 0), dup2(nowhere, 1), dup2(nowhere, 2), close(nowhere);
    for (int round = 0; round < rounds; round++)
        for (int turn = 0; turn < 2 * commands; turn++) {
            pid_t child;
            int i = turn / 2, status;
            struct rusage usage;
            long long start = now();
            if (posix_spawn(&child, command[i][0], NULL, NULL, command[i], environ))
                return 3;
            wait4(child, &status, 0, &usage);
            if (turn % 2 == 0)
                continue;
            wall[i][round] = now() - start;
            cpu[i][round] = nanoseconds(usage.ru_utime) + nanoseconds(usage.ru_stime);
            if (usage.ru_maxrss > memory[i])
                memory[i] = usage.ru_maxrss;
            failures[i] += status != 0;
        }
    for (int i = 0; i < commands; i++) {
        qsort(wall[i], rounds, sizeof(long long), by_size);
        qsort(cpu[i], rounds, sizeof(long long), by_size);
        fprintf(table, "%lld %lld %ld %ld\n", wall[i][rounds / 2], cpu[i][rounds / 2], memory[i], failures[i]);
    }
    return 0;
}
