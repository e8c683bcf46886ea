/* The least that a run which changes nothing can take: reads the configuration and the cache, asks the kernel for the
   addresses, and ends. It understands nothing of what it reads. There is no C library under it, whose start would be part
   of what is measured; so it makes its system calls itself.

       least CONFIGURATION CACHE */
#include <asm/unistd.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#if defined __x86_64__
__asm__(".globl _start\n_start: mov %rsp, %rdi\n and $-16, %rsp\n call run\n");

static long call(long number, long a, long b, long c, long d, long e, long f) {
    register long r10 __asm__("r10") = d, r8 __asm__("r8") = e, r9 __asm__("r9") = f;
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
}
#elif defined __aarch64__
__asm__(".globl _start\n_start: mov x0, sp\n b run\n");

static long call(long number, long a, long b, long c, long d, long e, long f) {
    register long x8 __asm__("x8") = number, x0 __asm__("x0") = a, x1 __asm__("x1") = b, x2 __asm__("x2") = c,
                  x3 __asm__("x3") = d, x4 __asm__("x4") = e, x5 __asm__("x5") = f;
    __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
    return x0;
}
#else
#error "least.c knows the system calls of x86-64 and 64-bit ARM"
#endif

static char text[65536];

static _Noreturn void end(int status) {
    for (;;)
        call(__NR_exit_group, status, 0, 0, 0, 0, 0);
}

static void read_file(const char *path) {
    long file = call(__NR_openat, AT_FDCWD, (long)path, O_RDONLY | O_CLOEXEC, 0, 0, 0);
    if (file < 0 || call(__NR_read, file, (long)text, sizeof text, 0, 0, 0) <= 0)
        end(1);
    call(__NR_close, file, 0, 0, 0, 0, 0);
}

static int is_last(long length) {
    for (struct nlmsghdr *m = (void *)text; NLMSG_OK(m, length); m = NLMSG_NEXT(m, length))
        if (m->nlmsg_type == NLMSG_DONE || m->nlmsg_type == NLMSG_ERROR)
            return 1;
    return 0;
}

_Noreturn __attribute__((used)) void run(long *stack) {
    char **arguments = (char **)(stack + 1);
    struct {
        struct nlmsghdr header;
        struct ifaddrmsg message;
    } question = {.header = {.nlmsg_len = sizeof question,
                             .nlmsg_type = RTM_GETADDR,
                             .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP}};
    long length;
    if (stack[0] != 3)
        end(2);
    read_file(arguments[1]);
    read_file(arguments[2]);
    long kernel = call(__NR_socket, AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE, 0, 0, 0);
    if (kernel < 0 || call(__NR_sendto, kernel, (long)&question, sizeof question, 0, 0, 0) < 0)
        end(3);
    do
        if ((length = call(__NR_recvfrom, kernel, (long)text, sizeof text, 0, 0, 0)) <= 0)
            end(4);
    while (!is_last(length));
    call(__NR_close, kernel, 0, 0, 0, 0, 0);
    end(0);
}
