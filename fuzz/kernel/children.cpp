// SPDX-License-Identifier: MIT
#include "kernel/children.h"
#include "kernel/peers.h"
#include "kernel/signals.h"

bool host_is_full(int client, bool also_ended) {
    int most = kernel.settings.clients_per_address;
    int count = 0;
    for (const struct modelled_child &child : kernel.children) {
        if (is_own(child) && same_host(child.client, client) &&
            (child.state == running || also_ended))
            count++;
    }
    return most > 0 && count >= most;
}

struct modelled_child *start_child(int client) {
    for (struct modelled_child &child : kernel.children) {
        if (child.state != gone)
            continue;
        child = {};
        child.state = running;
        child.pid = kernel.last_pid += kernel.pid_step;
        child.client = client;
        if (client == nobody)
            kernel.strangers++;
        else
            kernel.own++;
        return &child;
    }
    return nullptr;
}

void end_child(struct modelled_child *child, int status) {
    child->state = ended;
    child->status = child->killed_at > 0 ? SIGKILL : status;
    kernel.ended++;
    raise_signal(SIGCHLD);
}
