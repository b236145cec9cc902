// SPDX-License-Identifier: MIT
// The server as seen by its clients and in its output.
#include <csignal>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <initializer_list>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include "support/machine.h"
#include "support/proc.h"
#include "support/server.h"
#include "support/sockets.h"
#include "support/waiting.h"

TEST_CASE("each client has a process, and a line for connect and disconnect") {
    Server server;
    Fd first = dial(server.port);
    Fd second = dial(server.port);
    CHECK(echoes(first, "one"));
    CHECK(echoes(second, "two"));
    CHECK(children_of(server.pid()).size() == 2);
    first.close();
    CHECK(server.output_has("(client disconnected)\n"));
    CHECK(echoes(second, "three"));
    second.close();
    CHECK(server.output_has("(client disconnected)\n", 2));
    CHECK(children_of(server.pid()).empty());
    CHECK(server.output.starts_with("listening on " + every_address() + ":"));
    CHECK_MESSAGE(
        matches(server.output,
                "listening on [^\n]+:[0-9]+\n"
                "(new client connected\\.\\.\\. 127\\.0\\.0\\.1:[0-9]+ "
                "\\(pid [0-9]+\\)\n){2}"
                "(removed proc id: [0-9]+ \\(client disconnected\\)\n){2}"),
        server.output);
}

TEST_CASE("bytes of every value, in any number, come back unchanged") {
    Server server;
    Fd client = dial(server.port);
    for (size_t size :
         {1U, 29U, 30U, 31U, 64U, 4096U, 65536U, 262143U, 262144U, 262145U}) {
        std::string bytes = pattern(size);
        // From a second thread, because both directions may fill up.
        std::thread sender([&] { send_all(client, bytes); });
        CHECK(receive(client, size) == bytes);
        sender.join();
    }
}

TEST_CASE("64 MiB come back in full after a half-close") {
    Server server;
    Fd client = dial(server.port);
    std::string bytes = pattern(64 << 20);
    std::thread sender([&] {
        send_all(client, bytes);
        finish_sending(client);
    });
    std::string back = receive_to_end(client);
    sender.join();
    CHECK(back.size() == bytes.size());
    CHECK((back == bytes));
}

TEST_CASE("a client that sends nothing, or one byte, is served too") {
    Server server;
    Fd silent = dial(server.port);
    finish_sending(silent);
    CHECK(receive_to_end(silent).empty());
    Fd one = dial(server.port);
    send_all(one, "x");
    finish_sending(one);
    CHECK(receive_to_end(one) == "x");
}

TEST_CASE("urgent data is echoed in line") {
    Server server;
    Fd client = dial(server.port);
    send_all(client, "before");
    REQUIRE(send(client.get(), "!", 1, MSG_OOB) == 1);
    send_all(client, "after");
    finish_sending(client);
    CHECK(receive_to_end(client) == "before!after");
}

TEST_CASE("small messages do not wait for acknowledgements" *
          doctest::skip(!can_copy_descriptors())) {
    Server server;
    Fd client = dial(server.port);
    CHECK(echoes(client, "hello"));
    pid_t child = only_child_of(server.pid());
    Fd end = copy_of_descriptor(child, descriptors_of(child).rbegin()->first);
    int value = 0;
    socklen_t size = sizeof value;
    CHECK(getsockopt(end.get(), IPPROTO_TCP, TCP_NODELAY, &value, &size) == 0);
    CHECK(value == 1);
}

TEST_CASE("the log says why each client disconnected") {
    Server impatient({"-t", "1"});
    Fd silent = dial(impatient.port);
    CHECK(receive_to_end(silent).empty());
    CHECK(impatient.output_has("(timed out)\n"));
    Server server;
    Fd reset = dial(server.port);
    CHECK(echoes(reset, "hello"));
    reset_connection(reset);
    CHECK(server.output_has("(connection reset)\n"));
    Fd killed = dial(server.port);
    CHECK(echoes(killed, "hello"));
    kill(only_child_of(server.pid()), SIGKILL);
    CHECK(server.output_has("(killed by signal 9)\n"));
    CHECK(receive_to_end(killed).empty());
}

TEST_CASE("a client that does not read is disconnected at the timeout") {
    Server server({"-t", "1"});
    Fd client = dial(server.port);
    fcntl(client.get(), F_SETFL, O_NONBLOCK);
    std::string bytes = pattern(1 << 20);
    // Until the buffers are full, and then until the server times out.
    CHECK(eventually([&] {
        while (send(client.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) > 0)
            ;
        return server.output_has("(timed out)\n");
    }));
    CHECK(echoes(dial(server.port), "hello"));
}

TEST_CASE("clients beyond -c wait, and are served later") {
    Server server({"-c", "2"});
    Fd first = dial(server.port);
    Fd second = dial(server.port);
    CHECK(echoes(first, "one"));
    CHECK(echoes(second, "two"));
    Fd third = dial(server.port);
    send_all(third, "three");
    long ticks = ticks_of(server.pid());
    struct pollfd answer = {third.get(), POLLIN, 0};
    CHECK(poll(&answer, 1, 500) == 0); // not yet
    CHECK(ticks_of(server.pid()) - ticks < 10);
    first.close();
    CHECK(receive(third, 5) == "three");
}

TEST_CASE("refusals are logged at most once a second") {
    Server server({"-C", "1"});
    Fd served = dial(server.port);
    CHECK(echoes(served, "hello"));
    int refused = 0;
    CHECK(eventually([&] {
        CHECK(receive_to_end(dial(server.port)).empty());
        refused++;
        return server.has_ended() ||
               matches(lines_of(server.output).back(),
                       "client refused\\.\\.\\. 127\\.0\\.0\\.1:[0-9]+ "
                       "\\(1 from this address, [0-9]+ more unlogged\\)");
    }));
    CHECK(refused > count_of("client refused", server.output));
    served.close();
    server.signal(SIGTERM);
    CHECK(server.wait() == 0);
    CHECK(server.output_has("refused " + std::to_string(refused) + ","));
}

TEST_CASE("clients beyond -C per address are refused, others are not") {
    Server server({"-C", "2"});
    Fd first = dial(server.port);
    Fd second = dial(server.port);
    CHECK(echoes(first, "one"));
    CHECK(echoes(second, "two"));
    Fd third = dial(server.port);
    CHECK(receive_to_end(third).empty());
    CHECK(server.output_has("client refused... 127.0.0.1:"));
    if (have_ipv6())
        CHECK(echoes(dial(server.port, AF_INET6), "another address"));
    first.close();
    CHECK(server.output_has("removed proc id", have_ipv6() ? 2 : 1));
    CHECK(echoes(dial(server.port), "again"));
    server.signal(SIGUSR1);
    CHECK(server.output_has(", refused 1, "));
}

TEST_CASE("statistics are printed on SIGUSR1 and at exit") {
    Server server;
    CHECK(echoes(dial(server.port), "hello"));
    CHECK(server.output_has("removed proc id"));
    Fd client = dial(server.port);
    CHECK(echoes(client, "hello"));
    server.signal(SIGUSR1);
    CHECK(server.output_has("served 2, live 1, refused 0, fork failures 0, "
                            "lines lost 0\n"));
    client.close();
    server.signal(SIGTERM);
    CHECK(server.wait() == 0);
    CHECK(server.output.ends_with("served 2, live 0, refused 0, "
                                  "fork failures 0, lines lost 0\n"));
}

TEST_CASE("SIGUSR1 to the whole group does not disconnect clients") {
    Server server;
    Fd client = dial(server.port);
    CHECK(echoes(client, "before"));
    REQUIRE(kill(-server.pid(), SIGUSR1) == 0);
    CHECK(server.output_has("served 1, live 1"));
    CHECK(echoes(client, "after"));
}

TEST_CASE("-q suppresses the lines per client") {
    for (const char *option : {"-q", "--quiet"}) {
        Server server({option, "-C", "1"});
        Fd client = dial(server.port);
        CHECK(echoes(client, "hello"));
        CHECK(receive_to_end(dial(server.port)).empty());
        client.close();
        server.signal(SIGTERM);
        CHECK(server.wait() == 0);
        CHECK(lines_of(server.output).size() == 2);
        CHECK(count_of("served 1, live 0, refused 1", server.output) == 1);
    }
}
