/* The least that an update can take: sends ready-made messages and waits for their answers.

       floor SOA A AAAA UPDATE

   Each argument is a file with one DNS message. The SOA query goes over UDP, then the A and the AAAA query together, then
   the update over TCP, all to 127.0.0.1. Nothing is made, understood or checked but that the update's answer has rcode 0. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

static unsigned char message[65537], answer[65537];

/* Sends a file's octets, over TCP with their length before them. */
static void send_file(int to, const char *name, int with_length) {
    int file = open(name, O_RDONLY);
    ssize_t length = read(file, message + 2, sizeof message - 2);
    close(file);
    message[0] = length >> 8, message[1] = length;
    if (length <= 0 || send(to, message + (with_length ? 0 : 2), length + (with_length ? 2 : 0), 0) < 0)
        _exit(2);
}

/* Waits for octets; ends the program where none come. */
static ssize_t receive(int from, unsigned char *into, size_t most, int flags) {
    ssize_t length = recv(from, into, most, flags);
    if (length <= 0)
        _exit(3);
    return length;
}

int main(int argc, char **argv) {
    struct sockaddr_in server = {.sin_family = AF_INET, .sin_port = htons(53)};
    server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (argc != 5)
        return 2;
    int udp = socket(AF_INET, SOCK_DGRAM, 0), tcp = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(udp, (struct sockaddr *)&server, sizeof server))
        return 2;
    send_file(udp, argv[1], 0);
    receive(udp, answer, sizeof answer, 0);
    send_file(udp, argv[2], 0);
    send_file(udp, argv[3], 0);
    receive(udp, answer, sizeof answer, 0);
    receive(udp, answer, sizeof answer, 0);
    if (connect(tcp, (struct sockaddr *)&server, sizeof server))
        return 2;
    send_file(tcp, argv[4], 1);
    receive(tcp, answer, 2, MSG_WAITALL);
    receive(tcp, answer, answer[0] << 8 | answer[1], MSG_WAITALL);
    return answer[3] & 15;
}
