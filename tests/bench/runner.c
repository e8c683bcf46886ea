/* Runs commands in turn, ROUNDS times, and prints for each the medians of its wall time and its processor time in
   nanoseconds and of its page faults, its peak memory in KiB, and how often it failed:

       runner ROUNDS command argument... -- command argument... -- ...

   Each runs twice in a row, and the second time counts, so that it does not matter which one ran before it.

   It is small C, linked statically, because the kernel counts a child's peak memory from the memory of the process that
   started it: a larger runner would be all that one sees of small programs. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MOST = 16, MOST_ROUNDS = 1000 };
enum { WALL, CPU, FAULTS, KINDS };

static unsigned taken[KINDS][MOST][MOST_ROUNDS];
extern char **environ;

static long long now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static long long nanoseconds(struct timeval t) {
    return t.tv_sec * 1000000000LL + t.tv_usec * 1000LL;
}

static int by_size(const void *a, const void *b) {
    unsigned x = *(const unsigned *)a, y = *(const unsigned *)b;
    return (x > y) - (x < y);
}

static void print(int to, unsigned long number, char end) {
    char text[24], *start = text + sizeof text;
    *--start = end;
    do
        *--start = '0' + number % 10;
    while (number /= 10);
    if (write(to, start, text + sizeof text - start) < 0)
        _exit(4);
}

int main(int argc, char **argv) {
    char **command[MOST];
    unsigned long memory[MOST] = {0}, failures[MOST] = {0};
    int commands = 0, rounds = argc > 2 ? atoi(argv[1]) : 0;
    if (rounds < 1 || rounds > MOST_ROUNDS)
        return 2;
    for (int i = 2, start = 2; i <= argc; i++)
        if (i == argc || !strcmp(argv[i], "--")) {
            if (commands == MOST || i == start)
                return 2;
            argv[i] = NULL;
            command[commands++] = argv + start;
            start = i + 1;
        }
    /* What the commands print goes nowhere; the numbers go to what was stdout. */
    int numbers = fcntl(1, F_DUPFD_CLOEXEC, 3), nowhere = open("/dev/null", O_RDWR);
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
            taken[WALL][i][round] = now() - start;
            taken[CPU][i][round] = nanoseconds(usage.ru_utime) + nanoseconds(usage.ru_stime);
            taken[FAULTS][i][round] = usage.ru_minflt;
            if ((unsigned long)usage.ru_maxrss > memory[i])
                memory[i] = usage.ru_maxrss;
            failures[i] += status != 0;
        }
    for (int i = 0; i < commands; i++) {
        for (int kind = 0; kind < KINDS; kind++) {
            qsort(taken[kind][i], rounds, sizeof(unsigned), by_size);
            print(numbers, taken[kind][i][rounds / 2], ' ');
        }
        print(numbers, memory[i], ' ');
        print(numbers, failures[i], '\n');
    }
    return 0;
}
