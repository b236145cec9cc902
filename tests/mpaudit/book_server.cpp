// SPDX-License-Identifier: MIT
// book_server - an echo server as textbooks list it, with what they get wrong:
// one waitpid(2) for a signal, every error of accept(2) taken for "try again",
// no SO_REUSEADDR, a small buffer, a fork that is not checked, a mask that is
// not reset. The audit must find it. usage: book_server PORT
#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

constexpr int buffer_size = 30;

static void read_childproc(int) {
    int status = 0;
    pid_t pid = waitpid(-1, &status, WNOHANG);
    printf("removed proc id: %d \n", pid);
}

static void die(const char *message) {
    fprintf(stderr, "%s\n", message);
    exit(1);
}

static void serve(int client) {
    char buffer[buffer_size];
    ssize_t n = 0;
    while ((n = read(client, buffer, buffer_size)) != 0)
        (void)!write(client, buffer, static_cast<size_t>(n));
    close(client);
    puts("client disconnected...");
}

int main(int argc, char **argv) {
    if (argc != 2) {
        printf("Usage : %s <port>\n", argv[0]);
        exit(1);
    }
    struct sigaction action = {};
    action.sa_handler = read_childproc;
    sigaction(SIGCHLD, &action, nullptr);
    int listener = socket(PF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_ANY);
    address.sin_port = htons(static_cast<in_port_t>(atoi(argv[1])));
    if (bind(listener, reinterpret_cast<struct sockaddr *>(&address),
             sizeof address) == -1)
        die("bind() error");
    if (listen(listener, 5) == -1)
        die("listen() error");
    for (;;) {
        int client = accept(listener, nullptr, nullptr);
        if (client == -1)
            continue;
        puts("new client connected...");
        if (fork() == 0) {
            close(listener);
            serve(client);
            return 0;
        }
        close(client);
    }
}
